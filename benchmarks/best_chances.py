"""Whether P(best) keeps what it says: of rows with a P(best) of 0.7, seven in ten should be the best of their board.

python benchmarks/best_chances.py

Boards are drawn by their statistics: true accuracies normal about 90%, quality of seeds normal, 1,000 test images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from eyechart.evaluation.multiple import Comparisons
from eyechart.evaluation.rows import Rows, accuracy_scales

BOARDS, IMAGES = 2500, 1000
EDGES = [0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.01]
VARIANCE = 0.9 * 0.1 / IMAGES  # of one network's accuracy over images; three tenths are its own, four its row's


@dataclass(frozen=True)
class Cell:
    rows: int
    seeds: int
    spread: float  # standard deviation over seeds
    apart: float  # standard deviation of true accuracies

    def boards(self) -> Iterator[tuple[Rows, int]]:
        """Boards, and which row is truly the best."""
        rng = np.random.default_rng(5)
        shape, own, of_row = (self.rows, self.seeds), 0.3 * VARIANCE, 0.4 * VARIANCE
        for _ in range(BOARDS):
            truth = 0.9 + self.apart * rng.standard_normal(self.rows)
            scores = truth[:, None] + self.spread * rng.standard_normal(shape)
            shown = scores + own**0.5 * rng.standard_normal(shape)
            means = shown.mean(axis=1) + of_row**0.5 * rng.standard_normal(self.rows)
            several = self.seeds > 1
            rows = Rows(
                means=means,
                seeds=np.full(self.rows, self.seeds),
                variances=shown.var(axis=1, ddof=1) if several else np.zeros(self.rows),
                residuals=np.full(self.rows, own if several else 0.0),
                squares=np.diag(np.full(self.rows, IMAGES**2 * (of_row + own / self.seeds))),
                images=IMAGES,
                units=IMAGES,
                scales=accuracy_scales(means, IMAGES),
            )
            yield rows, int((truth if several else scores[:, 0]).argmax())


CELLS = [
    Cell(6, 2, 0.01, 0.02),
    Cell(6, 3, 0.01, 0.02),
    Cell(6, 5, 0.01, 0.02),
    Cell(10, 1, 0.0, 0.01),
    Cell(6, 3, 0.001, 0.01),
    Cell(6, 5, 0.01, 0.005),
]


def main() -> None:
    print("rows seeds spread apart | said: were best (of so many), by P(best)")
    for cell in CELLS:
        said, were = [], []
        for number, (rows, best) in enumerate(cell.boards()):
            said.append(Comparisons(rows, None, number).chances)
            were.append(np.arange(cell.rows) == best)
        chances, right = np.concatenate(said), np.concatenate(were)
        parts = [(chances >= low) & (chances < high) for low, high in pairwise(EDGES)]
        shown = [f"{chances[part].mean():.2f}: {right[part].mean():.2f} ({part.sum()})" for part in parts if part.any()]
        print(f"{cell.rows:4} {cell.seeds:5} {cell.spread:6} {cell.apart:5} | {', '.join(shown)}", flush=True)


if __name__ == "__main__":
    main()
