"""What a link to MLflow opens on. That a browser shows it so is seen in `tests/slow/test_ui.py`."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from tracking.saying import EXPERIMENT, THIRD_PARTY, say

from eyechart.core import paths
from eyechart.runs.cursor import delivered_experiment_id, delivered_run_id
from eyechart.runs.journal import Journal
from eyechart.tracking.config import TrackingConfig
from eyechart.tracking.delivery import deliver
from eyechart.tracking.links import PAGE, as_lines, links, links_to, page_of
from eyechart.tracking.views import ALL, MOST, TAG, Order, best_name, keep_views

pytestmark = [pytest.mark.filterwarnings(warning) for warning in THIRD_PARTY]


def states(store) -> dict[str, dict]:
    """The state of the page that each view of the experiment holds, with the view's name and time."""
    tags = store.client.get_experiment(store.experiment_id(EXPERIMENT)).tags
    views = {tag.removeprefix(TAG): json.loads(text) for tag, text in tags.items() if tag.startswith(TAG)}
    return {key: view | json.loads(view["state"]) for key, view in views.items()}


def a_run(store) -> str:
    return store.client.create_run(store.experiment_id(EXPERIMENT), start_time=1000).info.run_id


def test_an_experiment_has_views_of_all_its_runs(store):
    views = states(store)
    assert {key: view["name"] for key, view in views.items()} == {
        f"{ALL}-curves": "all runs: curves",
        f"{ALL}-pictures": "all runs: pictures",
    }
    for view in views.values():
        assert view["searchFilter"] == "tags.`eyechart.run_key` != ''"
        assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`best_validation_accuracy`", False)


def test_a_view_draws_curves_scores_and_cost_in_this_order_and_the_other_pictures(store):
    views = states(store)
    curves, pictures = views[f"{ALL}-curves"], views[f"{ALL}-pictures"]
    assert [section["name"] for section in curves["compareRunSections"]] == ["Curves", "Scores", "Cost"]
    assert curves["isAccordionReordered"]
    drawn = [(chart["type"], chart.get("metricKey")) for chart in curves["compareRunCharts"]]
    assert drawn[:2] == [("LINE", "validation/accuracy"), ("LINE", "train/accuracy")]
    assert drawn[4:] == [
        ("BAR", "best_validation_accuracy"),
        ("BAR", "test/accuracy"),
        ("BAR", "test/balanced_accuracy"),
        ("BAR", "test/macro_f1"),
        ("SCATTER", None),
        ("SCATTER", None),
    ]
    (grid,) = pictures["compareRunCharts"]
    assert grid["imageKeys"] == ["confusion_matrix", "learning_curves", "mistakes"]
    for view in views.values():
        known = {section["uuid"] for section in view["compareRunSections"]}
        assert {chart["metricSectionId"] for chart in view["compareRunCharts"]} == known
        assert len({chart["uuid"] for chart in view["compareRunCharts"]}) == len(view["compareRunCharts"])


def test_a_view_of_some_runs_in_another_order(store):
    runs = [a_run(store) for _ in range(2)]
    order = Order("best_validation_loss", ascending=True)
    keep_views(store.client, store.experiment_id(EXPERIMENT), "s1", "sweep of 2", order, runs)
    view = states(store)["s1-curves"]
    assert (view["name"], view["createdAt"]) == ("sweep of 2: curves", 1000)
    assert view["searchFilter"] == f"attributes.run_id IN ('{runs[0]}', '{runs[1]}')"
    assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`best_validation_loss`", True)
    found = store.client.search_runs([store.experiment_id(EXPERIMENT)], filter_string=view["searchFilter"])
    assert {run.info.run_id for run in found} == set(runs)


def test_a_view_that_is_there_is_not_written_again(store, monkeypatch):
    experiment_id, runs = store.experiment_id(EXPERIMENT), [a_run(store)]
    keep_views(store.client, experiment_id, "s1", "sweep", Order(), runs)
    monkeypatch.setattr(type(store.client), "set_experiment_tag", lambda *_: pytest.fail("written"))
    keep_views(store.client, experiment_id, "s1", "sweep", Order(), runs)


def test_a_sweep_tells_of_its_views_when_its_runs_have_been_delivered(store, folder):
    runs = [f"k{number}" for number in range(MOST + 2)]
    for key in runs[:2]:
        say(paths.runs() / key, key).close()
        deliver(paths.runs() / key, store)
    journal = Journal(paths.sweeps() / "s1")
    journal.append("start", identity=["eyechart.sweep", "s1"], name="sweep of 22", experiment_name=EXPERIMENT)
    views = {"name": "sweep of 22", "runs": [*runs[2:], "k1", "k0"], "order_by": "best_f1", "ascending": False}
    journal.append("views", **views)
    journal.close()
    deliver(journal.folder, store)
    delivered = [delivered_run_id(paths.runs() / key, store.uri) for key in ("k1", "k0")]
    assert states(store)["s1-pictures"]["searchFilter"] == "attributes.run_id IN ('{}', '{}')".format(*delivered)


def test_a_description_names_the_parent(store, folder):
    parent = Journal(paths.sweeps() / "s1")
    parent.append("start", identity=["eyechart.sweep", "s1"], name="sweep of 1", experiment_name=EXPERIMENT)
    parent.close()
    journal = say(folder, parent="s1")
    journal.append("description", text="It went **well**.")
    journal.close()
    deliver(folder, store)
    run = store.client.get_run(delivered_run_id(folder, store.uri))
    parent_id = run.data.tags["mlflow.parentRunId"]
    experiment_id = delivered_experiment_id(folder, store.uri)
    assert run.data.tags["mlflow.note.content"] == (
        f"It went **well**.\n\nPart of [sweep of 1](#/experiments/{experiment_id}/runs/{parent_id})."
    )


def test_names_of_the_best():
    assert best_name("validation/accuracy") == "best_validation_accuracy"


# --- links


def test_links():
    found = links("http://there:1/", "7", "s1", [f"r{number}" for number in range(8)])
    assert list(found) == ["curves", "pictures", "classes", "compare"]
    for what, mode, key in [
        ("curves", "CHART", "s1-curves"),
        ("pictures", "CHART", "s1-pictures"),
        ("classes", "ARTIFACT", "s1-curves"),
    ]:
        place, _, query = urlsplit(found[what]).fragment.partition("?")
        assert found[what].startswith("http://there:1/#/")
        assert place == "/experiments/7/runs"
        assert parse_qs(query) == {
            "workflowType": ["machine_learning"],
            "compareRunsMode": [mode],
            "viewStateShareKey": [key],
        }
    place, _, query = urlsplit(found["compare"]).fragment.partition("?")
    assert place == "/compare-runs"
    asked = parse_qs(query)
    assert json.loads(asked["runs"][0]) == ["r0", "r1", "r2", "r3", "r4"]
    assert json.loads(asked["experiments"][0]) == ["7"]
    assert all(len(line.split()) == 2 for line in as_lines(found))  # a terminal takes each for one address


@pytest.mark.parametrize("best", [[], ["r0"]])
def test_one_run_is_not_compared(best):
    assert list(links(PAGE, "1", best=best)) == ["curves", "pictures", "classes"]


@pytest.mark.parametrize(
    ("mode", "uri", "page"),
    [
        ("server", "http://127.0.0.1:5001", "http://127.0.0.1:5001"),
        ("server", "https://user:secret@mlflow.example.org/base", "https://mlflow.example.org/base"),
        ("server", "postgresql://u:p@db/runs", None),
        ("local", None, None),
        ("offline", None, None),
    ],
)
def test_the_page_of_a_server(mode, uri, page):
    assert page_of(TrackingConfig(mode=mode, uri=uri)) == page


def test_links_to_what_was_delivered(store, folder):
    say(folder).close()
    here = TrackingConfig()
    assert links_to(here, PAGE, [folder]) == {}
    deliver(folder, store)
    assert links_to(here, PAGE, [folder]) == links(PAGE, store.experiment_id(EXPERIMENT))
    for mode in ("offline", "none"):
        assert links_to(TrackingConfig(mode=mode), PAGE, [folder]) == {}


def test_a_sweep_that_was_delivered_before_its_experiment_was_noted(store, folder):
    say(paths.runs() / "k1", "k1").close()
    deliver(paths.runs() / "k1", store)
    journal = Journal(paths.sweeps() / "s1")
    journal.append("start", identity=["eyechart.sweep", "s1"], name="sweep of 1", experiment_name=EXPERIMENT)
    deliver(journal.folder, store)
    cursor = journal.folder / "delivery.json"
    cursor.write_text(cursor.read_text().replace(f'"{store.experiment_id(EXPERIMENT)}"', '""'))
    journal.append("views", name="sweep of 1", runs=["k1"], order_by="best_f1", ascending=False)
    journal.close()
    deliver(journal.folder, store)
    assert "s1-curves" in states(store)
    assert delivered_experiment_id(journal.folder, store.uri) == store.experiment_id(EXPERIMENT)


def test_the_views_of_a_sweep_have_also_the_run_that_is_delivered_last(store, folder):
    parent = Journal(paths.sweeps() / "s1")
    parent.append("start", identity=["eyechart.sweep", "s1"], name="sweep of 1", experiment_name=EXPERIMENT)
    parent.append("tags", values={"eyechart.runs": 1})
    parent.append("views", name="sweep of 1", runs=["k1"], order_by="best_f1", ascending=False)
    parent.close()
    say(folder, "k1", parent="s1").close()
    deliver(folder, store)
    assert "s1-curves" not in states(store)
    deliver(parent.folder, store)
    assert delivered_run_id(folder, store.uri) in states(store)["s1-curves"]["searchFilter"]
