"""How often comparisons are wrong, and what they find: false alarms, missed truths, widths and power, cell by cell.

python benchmarks/comparisons.py FOLDER                    all cells, the method in use; all methods for exempt cells
python benchmarks/comparisons.py FOLDER own,eyechart t3    these methods, the cells with `t3` in their names
python benchmarks/comparisons.py FOLDER eyechart "" t.md   writes the table there, too

The folder keeps what was drawn and found. What is there already is not done again: the statistics of a cell's boards,
and the answers of a method whose code is the same. Press Ctrl-C at any time, and type it again.
"""

from __future__ import annotations

import inspect
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from comparison_cache import generate, load, missing, one, place
from comparison_cells import BOARDS, PAIRS, REAL_BOARDS, REAL_PAIRS
from comparison_draws import CHANCE, Cell
from comparison_eyechart import eyechart
from comparison_methods import TRIED, Result
from comparison_real import RealCell, generate_real, train
from numpy.typing import NDArray
from scipy.stats import binomtest

from eyechart.core.files import replacing

ROOT = Path(__file__).resolve().parents[1]
METHODS = {"eyechart": eyechart, **TRIED}
CELLS = [*BOARDS, *PAIRS, *REAL_BOARDS, *REAL_PAIRS]
RATES = ["false alarms", "other pairs", "any pair", "row missed", "difference missed"]
TITLES = ["cell", "method", *RATES, "width", "found", ""]


def truths(boards: dict[str, NDArray[Any]], cell: Cell) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The accuracy to expect of each row (k,), and for row intervals of each row of each repetition.

    They differ where one seed of the board has collapsed: rows are equal, because it could have been any row's; but no
    interval can know of failures that its row has not seen, so it is held to a row that fails as often as this one.
    """
    # where all rows are alike, all repetitions together say their truth exactly enough
    drawn = cell.classes or isinstance(cell, RealCell)
    truth = np.full(cell.rows, boards["means"].mean()) if drawn else cell.truth
    if not cell.collapsed:
        return truth, np.broadcast_to(truth, boards["means"].shape)
    starts = np.append(0, np.cumsum(cell.each_seeds)[:-1])
    failed = np.add.reduceat(boards["scores"] < 0.5, starts, axis=1, dtype=float) / cell.each_seeds
    return truth, cell.accuracy - failed * (cell.accuracy - CHANCE)


def measure(
    board: dict[str, Any], result: Result, truth: NDArray[np.float64], expected: NDArray[np.float64]
) -> dict[str, Any]:
    """What a method said of one board, held against the `truths`. Wrong is also who is called better and is worse."""
    first, means = int(board["first"]), board["means"]
    ahead = truth[first] - truth
    told = (result.p_values < 0.05) & (np.arange(len(truth)) != first)
    wrong = told & (np.sign(means[first] - means) != np.sign(ahead))
    found = {
        "false alarms": wrong.any(),
        "missed": (result.intervals[:, 0] > expected) | (result.intervals[:, 1] < expected),
        "width": np.ptp(result.intervals, axis=1),
        "found": (told & ~wrong & (ahead > 0)).sum() / max((truth < truth.max()).sum(), 1),
    }
    if result.difference is not None:
        low, high = result.difference
        found["difference missed"] = not low <= ahead[1 - first] <= high
    found["other pairs"] = found["any pair"] = np.nan  # a method may leave it out in some repetitions
    if result.all_pairs is not None and len(truth) > 2:
        signs = np.sign(truth[:, None] - truth)
        wrong_pairs = (result.all_pairs < 0.05) & (np.sign(means[:, None] - means) != signs)
        found["any pair"] = float(wrong_pairs.any())
        found["other pairs"] = float(np.delete(np.delete(wrong_pairs, first, 0), first, 1).any())
    return found


def answers(folder: Path, cell: Cell, name: str, method: Callable[[dict[str, Any]], Result]) -> dict[str, NDArray[Any]]:
    """What `measure` finds in all repetitions, computed or read."""
    path = place(folder, cell) / f"{name}-{code(method):08x}.npz"
    if not path.is_file():
        boards = load(folder, cell)
        truth, expected = truths(boards, cell)
        found, began = [], time.time()
        for number in range(len(expected)):
            board = one(boards, cell, number)
            found.append(measure(board, method(board), truth, expected[number]))
            if number % 200 == 0:
                progress(f"{name}: {cell.name}, {number} of {len(expected)}, {time.time() - began:.0f} s")
        with replacing(path) as temporary:
            np.savez(temporary, **{key: np.stack([each[key] for each in found]) for key in found[0]})
    with np.load(path) as stored:
        return dict(stored)


def progress(text: str) -> None:
    if sys.stdout.isatty():
        print(f"\r{text}", end="\033[K\r", flush=True)


def code(method: Callable[[dict[str, Any]], Result]) -> int:
    """A checksum of what answers are made of: the method's module, Eyechart's own if it imports them, and `measure`."""
    text = Path(inspect.getfile(inspect.unwrap(method))).read_bytes() + inspect.getsource(measure).encode()
    used = ROOT.glob("src/eyechart/evaluation/*.py") if b"import eyechart" in text or b"from eyechart" in text else []
    return zlib.crc32(b"".join([text, *(file.read_bytes() for file in sorted(used))]))


def limit_of(cell: Cell) -> float:
    """The highest rate of false alarms and of misses that is accepted."""
    return 0.08 if min(cell.each_seeds) == 2 else 0.06


def line(cell: Cell, name: str, found: dict[str, NDArray[Any]]) -> list[str]:
    limit = limit_of(cell)
    alike = [np.broadcast_to(np.asarray(each), cell.rows) for each in (cell.accuracy, cell.spread, cell.seeds)]
    kinds = np.unique(np.stack(alike, axis=1), axis=0, return_inverse=True)[1].ravel()  # of rows that are alike
    missed = max((found["missed"][:, kinds == kind].mean(axis=1) for kind in set(kinds)), key=lambda rate: rate.mean())
    rates = {key: found[key] for key in RATES if key in found} | {"row missed": missed}
    rates = {key: rate[~np.isnan(rate)] for key, rate in rates.items() if not np.isnan(rate).all()}
    judged, above = {}, []
    for key, rate in rates.items():
        low, high = binomtest(round(rate.sum()), len(rate)).proportion_ci(method="wilson")
        judged[key] = f"{rate.mean():.1%} ({low * 100:.1f} to {high * 100:.1f})"
        if low > limit and key != "any pair":  # false alarms or other pairs: each of the two is corrected for itself
            above.append(key)
    power = f"{found['found'].mean():.0%}" if cell.name.startswith("power") else ""
    verdict = f"above {limit:.0%}: {', '.join(above)}" + (" (exempt)" if cell.exempt else "") if above else ""
    cells = [judged.get(title, "") for title in RATES]
    return [cell.name, name, *cells, f"{np.median(found['width']):.3f}", power, verdict]


def main() -> None:
    folder, names, words, table = [*sys.argv[1:], *["", next(iter(METHODS)), "", ""][len(sys.argv) - 1 :]]
    if not folder:
        sys.exit(__doc__)
    lines, place_of_runs = [TITLES, [":--", ":--", *["--:"] * len(TITLES[2:-1]), ":--"]], Path(folder) / "real"
    for cell in [cell for cell in CELLS if words in cell.name]:
        for chunk in missing(Path(folder), cell):
            progress(f"{cell.name}: drawing, {chunk} of 10")
            if isinstance(cell, RealCell):
                train(place_of_runs)
                generate_real(Path(folder), cell, chunk, place_of_runs)
            else:
                generate(Path(folder), cell, chunk)
        # of an exempt cell all methods are shown
        for name in METHODS if cell.exempt else names.split(","):
            lines.append(line(cell, name, answers(Path(folder), cell, name, METHODS[name])))
            print(" | ".join(lines[-1]), flush=True)
    text = "".join(f"| {' | '.join(each)} |\n" for each in lines)
    print(f"\n{text}", end="")
    if table:
        with replacing(Path(table)) as temporary:
            temporary.write_text(text)


if __name__ == "__main__":
    main()
