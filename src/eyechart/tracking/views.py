"""Saved views of an MLflow experiment: what its page shows of which runs, so that a link opens on what people want.

By itself the page shows a bar chart per class before any curve, ten runs at the most, and pictures a thumb wide. A view
is a tag of the experiment that holds a state of the page; MLflow lists it under "Views".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eyechart.runs.tags import RUN_KEY

if TYPE_CHECKING:
    from mlflow import MlflowClient

TAG = "mlflow.sharedViewState."
TEST_SCORES = ("test/accuracy", "test/balanced_accuracy", "test/macro_f1")
CURVES, PICTURES = "curves", "pictures"
MOST = 20  # runs in a view: the page draws no more side by side
ALL = "eyechart"  # the views of all runs of an experiment
EVERY_RUN = f"tags.`{RUN_KEY}` != ''"  # but no parents, which have no curves


@dataclass(frozen=True)
class Order:
    """How runs stand in a list: by which metric, and whether the lowest is best."""

    metric: str = "best_validation_accuracy"
    ascending: bool = False


def best_name(metric: str) -> str:
    """What the value of a metric at the best epoch is called: MLflow's table of runs shows the last epoch's."""
    return f"best_{metric.replace('/', '_')}"


def keep_views(
    client: MlflowClient, experiment_id: str, key: str, name: str, order: Order, run_ids: Sequence[str] | None = None
) -> None:
    """Keep two views of some runs with an experiment, as `<key>-curves` and `<key>-pictures`; there already, they stay.

    Args:
        client: of the store.
        experiment_id: of the MLflow experiment.
        key: names them in links.
        name: names them in the list.
        order: of the runs.
        run_ids: of the runs; None: all.
    """
    runs = EVERY_RUN if run_ids is None else f"attributes.run_id IN ({', '.join(map(repr, run_ids))})"
    known = client.get_experiment(experiment_id).tags
    for kind, state in ((CURVES, _curves(order)), (PICTURES, _pictures())):
        text = json.dumps(state | _runs(runs, order))
        tag = f"{TAG}{key}-{kind}"
        if tag not in known or json.loads(known[tag])["state"] != text:
            # in the menu the newest stands first, and all runs belong at its end
            made = 0 if run_ids is None else client.get_run(run_ids[0]).info.start_time
            view = {"name": f"{name}: {kind}", "createdAt": made, "state": text}
            client.set_experiment_tag(experiment_id, tag, json.dumps(view))


def _runs(wanted: str, order: Order) -> dict[str, Any]:
    """Which runs a page shows."""
    return {
        "searchFilter": wanted,
        "orderByKey": f"metrics.`{order.metric}`",
        "orderByAsc": order.ascending,
        "runsHiddenMode": f"FIRST_{MOST}_RUNS",
        "selectedColumns": [f"metrics.`{name}`" for name in (order.metric, *TEST_SCORES, "seconds")],
        "hideEmptyCharts": True,
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
        "isAccordionReordered": True,  # the sections stay in the order in which they are given
    }


def _curves(order: Order) -> dict[str, Any]:
    lines = ["validation/accuracy", "train/accuracy", "validation/loss", "train/loss"]
    charts = [_chart("curves", "LINE", metricKey=name, selectedMetricKeys=[name], lineSmoothness=0) for name in lines]
    charts += [_chart("scores", "BAR", metricKey=name) for name in dict.fromkeys((order.metric, *TEST_SCORES))]
    for name in ("parameters", "seconds"):
        axes = {axis: {"key": key, "type": "METRIC"} for axis, key in (("xaxis", name), ("yaxis", order.metric))}
        charts.append(_chart("cost", "SCATTER", **axes))
    sections = [_section("curves", "Curves"), _section("scores", "Scores"), _section("cost", "Cost")]
    return {"compareRunCharts": charts, "compareRunSections": sections}


def _pictures() -> dict[str, Any]:
    grid = _chart("pictures", "IMAGE", imageKeys=["confusion_matrix", "learning_curves", "mistakes"], step=0)
    section = _section("pictures", "Pictures", columns=1, height=1100)
    return {"compareRunCharts": [grid], "compareRunSections": [section], "runListHidden": True}


def _chart(section: str, kind: str, **about: Any) -> dict[str, Any]:
    uuid = "-".join([section, *(value for value in about.values() if isinstance(value, str))])
    if "xaxis" in about:
        uuid += about["xaxis"]["key"]
    common = {"uuid": uuid, "type": kind, "metricSectionId": section, "runsCountToCompare": MOST}
    return common | {"deleted": False, "isGenerated": False} | about


def _section(uuid: str, name: str, columns: int = 2, height: int = 340) -> dict[str, Any]:
    about = {"uuid": uuid, "name": name, "display": True, "isReordered": True, "isGenerated": False, "deleted": False}
    return about | {"columns": columns, "cardHeight": height}
