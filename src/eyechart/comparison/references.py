"""What the course documents' own settings are known to give, and whether a run gives it too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOLERANCE = 0.01  # of an accuracy, where the experiment does not say another


@dataclass(frozen=True)
class Reference:
    """What the first lines of an experiment's file say of its reference.

    Attributes:
        experiment: its name, as in `experiment=doc001/fnn_mnist`.
        accuracy: on the test part; None if the system has no reference of its own.
        over_steps: the same over all time steps, of a model that answers after each; None of others.
        epochs: after so many epochs; None: after as many as the experiment trains.
        images: trained on so many images; None: on all.
        tolerance: how far from it a repetition may land.
        note: why a repetition may land farther off; empty if nothing is known.
    """

    experiment: str
    accuracy: float | None
    over_steps: float | None
    epochs: int | None
    images: int | None
    tolerance: float
    note: str = ""


def read_references(experiments: Path) -> list[Reference]:
    """The reference of every experiment below a folder (`conf/experiment`) whose file tells of one, by name."""
    found = []
    for path in sorted(experiments.rglob("*.yaml")):
        lines = path.read_text(encoding="utf-8").splitlines()
        comment = next((line for line in lines if line.startswith("# reference: ")), None)
        note = next((line.removeprefix("# note: ") for line in lines if line.startswith("# note: ")), "")
        if comment is None:
            continue

        def number(pattern: str, comment: str = comment) -> str | None:
            match = re.search(pattern, comment)
            return match[1].replace(",", "") if match else None

        accuracy, over_steps = number(r"test accuracy (0\.\d+)"), number(r"(0\.\d+) over all steps")
        epochs, images = number(r"after (\d+) epochs"), number(r"on ([\d,]+\d) images")
        found.append(
            Reference(
                experiment=path.relative_to(experiments).with_suffix("").as_posix(),
                accuracy=float(accuracy) if accuracy else None,
                over_steps=float(over_steps) if over_steps else None,
                epochs=int(epochs) if epochs else None,
                images=int(images) if images else None,
                tolerance=float(number(r"within (0\.\d+)") or TOLERANCE),
                note=note,
            )
        )
    return found


def reference_rows(
    references: Sequence[Reference], results: Mapping[str, dict[str, Any]]
) -> list[tuple[str, str, str, str, str, str]]:
    """Reference against measured, a row per accuracy: what, epochs, reference, measured, difference, verdict.

    Args:
        references: in the order of the rows.
        results: what each experiment's run came to, by the experiment's name, with the number of `epochs` trained and
            the number of epochs that were `wanted`.
    """
    table = []
    for reference in references:
        result = results[reference.experiment]
        pairs = [("", reference.accuracy, result["test/accuracy"])]
        if "test/accuracy_over_steps" in result:
            pairs.append((" (over all steps)", reference.over_steps, result["test/accuracy_over_steps"]))
        for what, expected, measured in pairs:
            difference, verdict = "-", "no reference"
            if expected is not None:
                difference = f"{measured - expected:+.4f}"
                near = abs(measured - expected) <= reference.tolerance
                verdict = f"within {reference.tolerance}" if near else f"not within {reference.tolerance}"
                if result["epochs"] < result["wanted"]:
                    verdict = f"cut short: {result['epochs']} of {result['wanted']} epochs"
            known = "-" if expected is None else f"{expected:.3f}"
            table.append(
                (reference.experiment + what, str(result["epochs"]), known, f"{measured:.4f}", difference, verdict)
            )
    return table
