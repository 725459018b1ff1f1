"""One broken run among many is passed over, and named; where it is the one that was asked for, it is an error."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from eyechart.comparison.promotion import candidate_of
from eyechart.comparison.results import load_results
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.core.files import write_json
from eyechart.runs import listing
from eyechart.runs.cursor import cursor_of, promise, promised
from eyechart.runs.journal import NAME, BrokenJournal, JournalState
from eyechart.runs.lock import NOTE, owner
from eyechart.runs.recovery import close_abandoned
from eyechart.runs.run import Run
from eyechart.runs.sweep import MANIFEST, Sweep
from eyechart.sweeps.durations import PastDurations
from eyechart.tracking import MLflowCourier
from eyechart.tracking.config import TrackingConfig

RESULT = {"monitor": "validation/accuracy", "epochs": 2, "best_epoch": 1, "seconds": 1.0, "parameters": 1}
RESULT |= {"train/accuracy": 0.5, "validation/accuracy": 0.5, "test/accuracy": 0.5}


def records(key: str) -> list[dict]:
    return [
        {"kind": "start", "t": 1, "identity": ["eyechart.run_key", key], "name": key, "experiment_name": "e"},
        {"kind": "params", "t": 2, "values": {"model": "fnn", "dataset": "digits", "seed": 0}},
        {"kind": "tags", "t": 3, "values": {"eyechart.data_digest": "d"}},
        {"kind": "end", "t": 4, "status": "FINISHED", "result": RESULT},
    ]


def write(key: str, said: list[dict]) -> Path:
    folder = paths.runs() / key
    folder.mkdir(parents=True)
    (folder / NAME).write_text("".join(json.dumps(record) + "\n" for record in said))
    return folder


def without(*names: str) -> dict:
    return {name: value for name, value in RESULT.items() if name not in names}


BROKEN = {  # record, and what stands in it instead
    "no result": (3, {"result": None}),
    "a result that is a list": (3, {"result": [1]}),
    "a result that says nothing": (3, {"result": {}}),
    "a result without its score": (3, {"result": without("validation/accuracy")}),
    "a score that is text": (3, {"result": RESULT | {"test/accuracy": "0.5"}}),
    "a status that is none": (3, {"status": "PERHAPS"}),
    "no parameters": (1, {"values": None}),
    "parameters that are a list": (1, {"values": [1]}),
    "tags that are text": (2, {"values": "d"}),
    "a name that is none": (0, {"name": {}}),
    "a time that is none": (0, {"t": "now"}),
    "a kind that is none": (1, {"kind": ["params"]}),
    "files that are none": (3, {"files": [1]}),
    "an epoch that is text": (3, {"diverged": "2"}),
    "a path that is none": (1, {"kind": "artifact", "path": 3}),
}


def spoil(key: str, how: str) -> Path:
    said = records(key)
    if how in BROKEN:
        number, instead = BROKEN[how]
        said[number] |= instead
        return write(key, said)
    folder = write(key, said)
    if how == "a folder in its place":  # which cannot be read, as that of another person
        (folder / NAME).unlink()
        (folder / NAME).mkdir()
    else:
        lines = (folder / NAME).read_text().splitlines(keepends=True)
        (folder / NAME).write_text(
            "".join([lines[0], {"a line that is none": "{", "depth": "[" * 50_000}[how], "\n", *lines[1:]])
        )
    return folder


HOW = [*BROKEN, "a folder in its place", "a line that is none", "depth"]


@pytest.fixture(autouse=True)
def _told_anew(monkeypatch):
    monkeypatch.setattr(listing, "_told", set())


@pytest.mark.parametrize("how", HOW)
def test_a_broken_run_is_passed_over_and_named_once(root, capsys, how):
    spoil("broken", how)
    write("whole", records("whole"))
    write_json(paths.sweeps() / "s" / MANIFEST, {"jobs": [{"run_key": "broken"}, {"run_key": "whole"}]})
    assert list(load_results()["run_key"]) == ["whole"]
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("warning: passed over: the ")
    assert str(paths.runs() / "broken") in told
    assert list(load_results("s")["run_key"]) == ["whole"]
    PastDurations()
    close_abandoned(MLflowCourier(TrackingConfig("none")))
    assert Run("whole") in list(Run.all())
    assert set(capsys.readouterr().err.splitlines()) <= {told}


@pytest.mark.parametrize("how", HOW)
def test_the_one_that_is_asked_for_is_an_error(root, capsys, how):
    folder = spoil("broken", how)
    with pytest.raises(EyechartError) as caught:
        candidate_of(load_results(), Run.find("broken"))
    assert str(folder) in str(caught.value)
    assert "move" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_run_that_finished_last_is_the_last_that_can_be_read(root, capsys):
    write("whole", records("whole"))
    for number, how in enumerate(HOW):
        if not how.startswith("a result without") and how not in ("a result that says nothing",):
            spoil(f"broken{number}", how)
    assert Run.find(None) == Run("whole")
    assert len(capsys.readouterr().err.splitlines()) == len(HOW) - 2


def test_a_run_of_another_person_is_named(root, capsys, monkeypatch):
    folder = write("theirs", records("theirs"))
    write("whole", records("whole"))
    stat = Path.stat

    def refused(path, **more):
        if path == folder / NAME:
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **more)

    monkeypatch.setattr(Path, "stat", refused)
    assert list(load_results()["run_key"]) == ["whole"]
    expected = f"the journal {folder}/{NAME} cannot be read (Permission denied): change its permissions, or move"
    assert expected in capsys.readouterr().err
    with pytest.raises(BrokenJournal):
        JournalState.read(folder)


def test_what_waits_for_a_store_is_listed_without_it(root, monkeypatch):
    folder, whole = spoil("broken", "a folder in its place"), write("whole", records("whole"))
    for each in (folder, whole):
        promise(each, "sqlite:///x")
    assert whole in promised(paths.state(), "sqlite:///x")


def test_compare_and_the_plan_go_on(root, program, capsys):
    spoil("broken", "no result")
    spoil("other", "a folder in its place")
    write("whole", records("whole"))
    done = program("compare", "tracking=none")
    assert done.returncode == 0, done.stderr
    assert "fnn" in done.stdout
    told = [line for line in done.stderr.splitlines() if line.startswith("warning: passed over: the journal ")]
    assert len(told) == 2


@pytest.mark.parametrize(
    "manifest",
    [
        {"jobs": None},
        {"jobs": ["a"]},
        {"jobs": "abc"},
        {"jobs": [{"run_key": 3}]},
        {"jobs": [{"run_key": "../../x"}]},
        {"jobs": [{}]},
        {"jobs": {"a": {"run_key": "a"}}},
        {"jobs": [], "since": "now"},
        {"jobs": [], "search": [1]},
        {"jobs": [], "command": None},
        {"jobs": [{"run_key": "a", "name": None}]},
        [],
        "jobs",
        None,
        3,
    ],
)
def test_a_manifest_of_another_form(root, capsys, manifest):
    write("whole", records("whole"))
    write_json(paths.sweeps() / "whole" / MANIFEST, {"identity": "i", "jobs": [{"run_key": "whole"}]})
    write_json(paths.sweeps() / "odd" / MANIFEST, manifest)
    os.utime(paths.sweeps() / "whole" / MANIFEST, (1, 1))
    assert Sweep.of_identity("i").id == "whole"
    assert f"warning: passed over: {paths.sweeps()}/odd/{MANIFEST} is broken: move " in capsys.readouterr().err
    with pytest.raises(EyechartError, match=r"is broken: move .* away and type the sweep's command again"):
        load_results("last")


@pytest.mark.parametrize("noted", ["[]", "[1]", "3", '{"pid": 1}', "{", "[" * 50_000])
def test_notes_of_another_form_are_none(root, noted):
    folder = write("k", records("k"))
    (folder / NOTE).write_text(noted)
    (folder / "delivery.json").write_text(noted)
    assert owner(folder) == "another process"
    close_abandoned(MLflowCourier(TrackingConfig("none")))
    assert cursor_of(folder, "x").offset == 0


def test_a_cursor_of_another_form_is_lost(root):
    folder = write("k", records("k"))
    for said in ({"offset": "3"}, {"run_id": None}, {"deleted": "no"}, [1]):
        write_json(folder / "delivery.json", {"x": said})
        assert cursor_of(folder, "x").offset == 0
