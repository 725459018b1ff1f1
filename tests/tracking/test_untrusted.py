"""A journal from somebody else reads and writes nothing outside of its folder; the rest of it is delivered."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from matplotlib.image import imsave
from support import files_below
from tracking.saying import EXPERIMENT, MADE_BY, THIRD_PARTY, start

from eyechart.core.errors import EyechartError
from eyechart.runs.journal import Journal
from eyechart.runs.run import Run
from eyechart.runs.sweep import Sweep
from eyechart.tracking.delivery import deliver
from eyechart.tracking.store import Store
from eyechart.tracking.sync import sync

pytestmark = [pytest.mark.filterwarnings(warning) for warning in THIRD_PARTY]
SECRET = "a secret of whoever delivers"
NAMES = ("secret.txt", "secret.png", "secret.json", "secret.keras")


@pytest.fixture
def place(tmp_path, store, monkeypatch) -> Path:
    """Somebody else's state folder, with a secret beside it, and a link to that in the run's folder."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    artifacts = tmp_path / "sent" / "runs" / "r1" / "artifacts"
    artifacts.mkdir(parents=True)
    imsave(tmp_path / "secret.png", [[0.0, 1.0], [1.0, 0.0]])
    imsave(artifacts / "own.png", [[0.0, 1.0], [1.0, 0.0]])
    for name in ("secret.txt", "secret.keras"):
        (tmp_path / name).write_text(SECRET)
    (tmp_path / "secret.json").write_text('{"a": ["' + SECRET + '"]}')
    (artifacts / "own.txt").write_text("delivered")
    (artifacts / "up").symlink_to(tmp_path, target_is_directory=True)
    for name in NAMES:
        (artifacts / name).symlink_to(tmp_path / name)
    return tmp_path


def said(place: Path, *records: dict) -> Path:
    folder = place / "sent" / "runs" / "r1"
    journal = Journal(folder)
    start(journal, "r1")
    for record in records:
        journal.append(**record)
    journal.append("artifact", path="artifacts/own.txt")
    journal.append("end", status="FINISHED", result={})
    journal.close()
    return folder


def artifacts_of(place: Path) -> list[str]:
    return files_below(place / "root" / "mlartifacts")


MODEL = {"image_shape": [2, 2, 1], "classes": 2, **MADE_BY}


WAYS = ["../../../secret", "absolute", "artifacts/secret", "artifacts/up/secret", "artifacts/up"]


@pytest.mark.parametrize("way", WAYS)
def test_no_record_of_any_kind_is_delivered_from_outside(place, store, capsys, way):
    path = (str(place / "secret") if way == "absolute" else way) + ("" if way.endswith("up") else "{}")
    folder = said(
        place,
        {"kind": "artifact", "path": path.format(".txt")},
        {"kind": "image", "path": path.format(".png"), "key": "k"},
        {"kind": "table", "path": path.format(".json")},
        {"kind": "model", "path": path.format(".keras"), **MODEL},
    )
    deliver(folder, store)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 4
    for kind, line in zip(("artifact", "image", "table", "model"), told, strict=True):
        assert line.startswith(f"warning: the journal in {folder} is delivered without this {kind}: expected a path ")
    (one,) = artifacts_of(place)
    assert one.endswith("/artifacts/own.txt")
    (run,) = store.client.search_runs([store.experiment_id(EXPERIMENT)])
    assert run.info.status == "FINISHED"


@pytest.mark.parametrize("name", ["../r1/x", "/tmp/x", "a/b", "", 3, None, "../../../../outside"])
def test_what_decides_where_something_is_written_is_a_name(place, store, capsys, name):
    before = files_below(place)
    folder = said(place, {"kind": "image", "path": "artifacts/own.png", "key": name})
    if name not in ("", None, "a/b"):  # which are no folder, or one below
        journal = Journal(folder)
        journal.append("artifact", path="artifacts/own.png", folder=name)
        journal.close()
    deliver(folder, store)
    assert "is delivered without this image" in capsys.readouterr().err
    (one,) = artifacts_of(place)
    assert one.endswith("/artifacts/own.txt")
    new = {name for name in files_below(place) if name not in before and not name.startswith("root/")}
    assert new <= {f"sent/runs/r1/{name}" for name in ("journal.jsonl", "delivery.json", "delivery.lock")}


def test_a_folder_is_not_delivered_with_all_that_is_in_it(place, store, capsys):
    deliver(said(place, {"kind": "artifact", "path": "artifacts"}), store)
    assert "which is none" in capsys.readouterr().err
    assert len(artifacts_of(place)) == 1


@pytest.mark.parametrize("name", ["../../outside", "/team/x", "absolute", "a/../../../outside", ".."])
def test_an_experiment_lies_below_all_experiments(store, root, tmp_path, name):
    name = f"{tmp_path}/team" if name == "absolute" else name
    found = store.client.get_experiment(store.experiment_id(name))
    assert found.name == name
    below = f"{(root / 'mlartifacts').as_uri()}/"
    assert found.artifact_location.startswith(below)
    assert "/" not in found.artifact_location.removeprefix(below)
    assert ".." not in found.artifact_location


def test_one_with_a_folder_of_its_own_keeps_it(store, root):
    found = store.client.get_experiment(store.experiment_id("team/x"))
    assert found.artifact_location == (root / "mlartifacts" / "team" / "x").as_uri()


@pytest.mark.parametrize("key", ["../../private", "absolute", "link"])
def test_a_journal_is_no_way_to_another_one(place, store, capsys, key):
    """By its parent, by the run that it is of, or by the runs of a view."""
    private = place / "private"
    journal = Journal(private)
    start(journal, "private")
    journal.close()
    for kind in ("runs", "sweeps"):
        (place / "sent" / kind).mkdir(exist_ok=True)
        (place / "sent" / kind / "link").symlink_to(private, target_is_directory=True)
    key = str(private) if key == "absolute" else key
    folder = place / "sent" / "sweeps" / "s1"
    journal = Journal(folder)
    about = {"identity": ["eyechart.sweep", "s1"], "name": "s1", "experiment_name": EXPERIMENT}
    journal.append("start", **about, parent=key, parent_run=key)
    journal.append("views", name="v", runs=[key], order_by="a", ascending=False)
    journal.close()
    deliver(folder, store)
    assert len(capsys.readouterr().err.splitlines()) == 3
    (run,) = store.client.search_runs([store.experiment_id(EXPERIMENT)])
    assert run.info.run_name == "s1"


def test_a_run_of_somebody_else_that_is_a_link_is_not_delivered(place, store, root):
    said(place)
    private = Journal(root / ".eyechart" / "runs" / "private")
    start(private, "private")
    private.close()
    (place / "sent" / "runs" / "link").symlink_to(root / ".eyechart" / "runs" / "private", target_is_directory=True)
    done = sync(place / "sent", store)
    assert done.delivered == {"runs": 1}
    (why,) = done.undelivered.values()
    assert "a link that leads out of it" in why


@pytest.mark.parametrize("name", ["../x", "/x", "", ".", "..", "a/b"])
def test_a_run_and_a_sweep_have_one_folder_of_their_own(root, name):
    for kind in (Run, Sweep):
        with pytest.raises(EyechartError, match="expected a"):
            kind(name)


def test_a_store_that_is_served_is_asked_for_the_name_as_it_is():
    assert Store("http://127.0.0.1:1")._place("/Users/me/x") is None
