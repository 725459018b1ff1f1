"""One board's part of the page: what its template is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eyechart.comparison import leaderboard
from eyechart.comparison.confirmation import by_new_seeds
from eyechart.comparison.evidence import Evidence
from eyechart.comparison.groups import Board
from eyechart.comparison.report import charts, words
from eyechart.comparison.report.curves import METRICS, learning_curves
from eyechart.comparison.report.examples import confident_mistakes, hardest_images, source
from eyechart.comparison.report.gathering import Gathered, gather
from eyechart.comparison.report.pairs import comparison
from eyechart.evaluation.agreement import confused_pairs, confusion, pareto, potential
from eyechart.evaluation.calibration import BINS, calibration, reliability
from eyechart.evaluation.scores import most_confused_pairs

COSTS = {"parameters": "parameters", "seconds": "training time in seconds"}
PAIRS = 8  # of classes, in a table


@dataclass(frozen=True)
class Part:
    """What the page shows of a board.

    Attributes:
        shown: by the template.
        charts: by the id of the element that they are drawn in.
        pairs: for the script that compares two rows; None where there is nothing to compare.
    """

    shown: dict[str, Any]
    charts: dict[str, charts.Spec]
    pairs: dict[str, Any] | None


def part(board: Board, evidence: Evidence, number: int, room: int) -> Part:
    """Everything about one board.

    Args:
        board: of rows that can be compared.
        evidence: what the test images say of them.
        number: of the board in the page, from 1.
        room: for its pictures, in characters.
    """
    found = gather(board)
    rows = charts.chart_rows(list(board.rows["run"]))
    looked_at = rows[: len(rows) - found.left_out]
    drawn = _score_charts(board, evidence, looked_at) | learning_curves(looked_at, found.runs)
    fronts, cost_charts = _costs(board, looked_at)
    shown: dict[str, Any] = {
        "number": number,
        "title": board.title,
        "digest": str(board.rows["data_digest"].iloc[0]),
        "order": board.note,
        "runs": len(board.runs),
        "rows": looked_at,
        "left_out": found.left_out,
        "problems": found.problems,
        "columns": leaderboard.columns(board, evidence),
        "notes": leaderboard.notes(board, evidence),
        "fronts": fronts,
        "curves": {metric: title for metric, title in METRICS.items() if metric in drawn},
        "held_back": "validation/accuracy" in drawn,
        "answer": [words.first_row(board, evidence, None), words.against_first(board, evidence)],
        "answered": bool(found.votes),
    }
    pairs = None
    if found.votes:
        answers, diagrams, pairs = _of_answers(board, evidence, found, looked_at, room)
        shown |= answers
        drawn |= diagrams
    new_seeds = by_new_seeds(evidence)
    shown["answer"] = [line for line in [*shown["answer"][:2], *new_seeds, *shown["answer"][2:]] if line]
    named = {f"{name.replace('/', '-')}-{number}": spec for name, spec in (drawn | cost_charts).items()}
    return Part(shown, named, pairs)


def _score_charts(board: Board, evidence: Evidence, rows: Sequence[charts.ChartRow]) -> dict[str, charts.Spec]:
    scores, seeds = [], []
    for row, estimate, mean, group in zip(
        rows, evidence.estimates, board.rows["test/accuracy"], board.rows["group"], strict=False
    ):
        low, high = (estimate.low, estimate.high) if estimate else (None, None)
        scores.append(row.datum(mean=_known(mean), low=low, high=high))
        of_row = board.runs[board.runs["group"] == group]
        pairs = zip(of_row["seed"], of_row["test/accuracy"], strict=True) if len(of_row) > 1 else ()
        seeds += [row.datum(seed=str(seed), accuracy=_known(accuracy)) for seed, accuracy in pairs]
    return {"intervals": charts.intervals(scores, seeds)}


def _costs(board: Board, rows: Sequence[charts.ChartRow]) -> tuple[list[dict[str, str]], dict[str, charts.Spec]]:
    """For each cost that is known of the rows a sentence about the Pareto front, and its chart."""
    fronts, drawn = [], {}
    for column, title in COSTS.items():
        if column not in board.rows:
            continue
        points = [
            row.datum(cost=float(cost), mean=float(mean))
            for row, cost, mean in zip(rows, board.rows[column], board.rows["test/accuracy"], strict=False)
            if np.isfinite([cost, mean]).all()
        ]
        if len(points) < 2:
            continue
        front = [points[i]["row"] for i in pareto(*([p[name] for p in points] for name in ("cost", "mean")))]
        names = words.listed([board.rows["run"][row] for row in front])
        text = f"On the Pareto front: {names}."
        if beaten := len(points) - len(front):
            others = "the other row" if beaten == 1 else f"each of the {beaten} other rows"
            text += f" For {others} one of these costs no more and is no less accurate."
        fronts.append({"column": column, "title": title, "text": text})
        drawn[column] = charts.against(title, points, front)
    return fronts, drawn


def _of_answers(
    board: Board, evidence: Evidence, found: Gathered, rows: Sequence[charts.ChartRow], room: int
) -> tuple[dict[str, Any], dict[str, charts.Spec], dict[str, Any] | None]:
    """What can be said only where the answers to the test images are known."""
    about = source(board, found)
    lead, total = found.rows[0], len(found.answers())
    best, images = str(board.rows["run"][lead]), len(found.labels)
    of_best = found.predictions(lead)
    seeds = len(of_best)
    summed = confusion(found.labels, of_best, found.classes)
    counts = summed / seeds
    mistakes, accuracy = float(counts.sum() - np.trace(counts)), float((of_best == found.labels).mean())
    pairs = confused_pairs(counts, PAIRS)
    reach = potential(found.labels, found.predictions(), found.votes[lead], np.sum(list(found.votes.values()), axis=0))
    missed = (found.predictions() != found.labels).mean(axis=0)
    calibrated, diagrams = _calibration(found, rows)
    shown = {
        "images": images,
        "classes": found.classes,
        "answer": [
            words.first_row(board, evidence, images),
            words.against_first(board, evidence),
            words.confused(best, pairs, about.class_names, mistakes),
            words.raised(reach, accuracy, total),
        ],
        "pictures": about.problem,
        "best": best,
        "seeds": seeds,
        "total": total,
        "mistakes": words.number(mistakes),
        "confused": [
            {
                "true": about.class_names[true],
                "taken": about.class_names[taken],
                "times": words.number(counts[true, taken]),
                "share": words.percent(counts[true, taken] / max(counts[true].sum(), 1)),
            }
            for true, taken, _ in most_confused_pairs(summed, PAIRS)
        ],
        "pairs": [(about.class_names[a], about.class_names[b], words.number(times)) for a, b, times in pairs],
        "missed": {
            "one": int((missed > 0).sum()),
            "half": int((missed > 0.5).sum()),
            "all": int((missed == 1).sum()),
        },
        "hardest": hardest_images(found, about),
        "confident": confident_mistakes(found, about, lead),
        "calibration": calibrated,
        "bins": BINS,
        "potentials": words.potentials(
            reach,
            best=best,
            accuracy=accuracy,
            runs=(seeds, total),
            images=images,
            pairs=pairs,
            names=about.class_names,
        ),
        "several": any(len(found.answers(row)) > 1 for row in found.rows),
        "compared": [rows[row] for row in found.rows],
    }
    return shown, diagrams, comparison(board, evidence, found, about, list(rows), room)


def _calibration(
    found: Gathered, rows: Sequence[charts.ChartRow]
) -> tuple[list[dict[str, Any]], dict[str, charts.Spec]]:
    """A line of the table and a diagram for each row: the error is its runs' mean, the bins hold all answers."""
    table, diagrams = [], {}
    for row in found.rows:
        confidence = np.stack([each.confidence for each in found.answers(row)])
        correct = found.predictions(row) == found.labels
        said = calibration(confidence, correct)
        table.append(
            {
                "row": rows[row],
                "chart": f"reliability-{row}",
                "error": f"{said.error:.4f}",
                "error_by_chance": f"{said.error_by_chance:.4f} (up to {said.most_error:.4f})",
                "confidence": f"{confidence.mean():.4f}",
                "accuracy": f"{correct.mean():.4f}",
                "gap": f"{said.gap:+.4f}".replace("-", "−"),
                "gap_by_chance": f"up to ±{said.most_gap:.4f}",
                "verdict": said.in_words,
            }
        )
        bins = reliability(confidence.ravel(), correct.ravel())
        filled = np.flatnonzero(bins.images)
        diagrams[f"reliability-{row}"] = charts.reliability(
            [
                rows[row].datum(
                    images=int(bins.images[i]),
                    confidence=round(float(bins.confidence[i]), 4),
                    accuracy=round(float(bins.accuracy[i]), 4),
                )
                for i in filled
            ]
        )
    return table, diagrams


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None  # JSON knows no NaN
