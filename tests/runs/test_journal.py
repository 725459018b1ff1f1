from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyechart.core.errors import EyechartError
from eyechart.runs.journal import NAME, Journal, read_from, read_journal

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
kinds = st.sampled_from(["start", "params", "tags", "artifact", "end"])
records = st.lists(st.tuples(kinds, st.dictionaries(st.text("abcé", min_size=1), values, max_size=3)), max_size=6)


def said(folder: Path) -> list[tuple[str, dict]]:
    found = []
    for record in read_journal(folder):
        assert type(record.pop("t")) is int
        found.append((record.pop("kind"), record))
    return found


@settings(deadline=None)  # a disk may be busy
@given(records)
def test_what_is_appended_is_read(written):
    with tempfile.TemporaryDirectory() as place:
        journal = Journal(Path(place))
        for kind, content in written:
            journal.append(kind, **content)
        assert said(Path(place)) == written
        journal.close()


def cut_and_go_on(folder: Path, whole: bytes, cut: int, kept: list, more: list) -> None:
    (folder / NAME).write_bytes(whole[:cut])
    assert said(folder) == kept
    again = Journal(folder)
    for kind, content in more:
        again.append(kind, **content)
    again.close()
    assert said(folder) == kept + more


def write(folder: Path, written: list) -> tuple[bytes, list[int]]:
    """The journal's bytes, and where each record ends."""
    journal = Journal(folder)
    ends = []
    for kind, content in written:
        journal.append(kind, **content)
        ends.append(journal.path.stat().st_size)
    journal.close()
    return journal.path.read_bytes(), ends


def test_a_journal_cut_anywhere_goes_on_after_its_last_whole_record(tmp_path):
    written = [("start", {"name": "Zürich"}), ("tags", {"values": {"a": "b\nc"}}), ("end", {})]
    whole, ends = write(tmp_path, written)
    for cut in range(len(whole) + 1):
        cut_and_go_on(tmp_path, whole, cut, written[: sum(end <= cut for end in ends)], [("end", {"status": "KILLED"})])


@settings(deadline=None)  # a disk may be busy
@given(written=records.filter(len), more=records, share=st.floats(0, 1))
def test_so_does_any_other_journal(written, more, share):
    with tempfile.TemporaryDirectory() as place:
        whole, ends = write(Path(place), written)
        cut = round(share * len(whole))
        cut_and_go_on(Path(place), whole, cut, written[: sum(end <= cut for end in ends)], more)


@pytest.mark.parametrize("broken", ["{", "[]", "3", '"kind"', '{"kind": "tags"}', '{"t": 1}', "", "\x00\x00", "é"])
def test_a_broken_record_in_the_middle_is_named(tmp_path, broken):
    journal = Journal(tmp_path)
    journal.append("start")
    journal.close()
    line = journal.path.read_bytes()
    journal.path.write_bytes(line + broken.encode("latin-1") + b"\n" + line)
    for use in (read_journal, Journal):
        with pytest.raises(EyechartError, match="broken") as caught:
            use(tmp_path)
        assert str(tmp_path / NAME) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_there_need_not_be_a_journal(tmp_path):
    assert read_journal(tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


@settings(deadline=None)  # a disk may be busy
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab"), st.floats(0, 1), st.booleans()), max_size=12))
def test_a_metric_of_a_step_is_recorded_once(told):
    first: dict[tuple[str, int], float] = {}
    with tempfile.TemporaryDirectory() as place:
        journal = Journal(Path(place))
        for step, name, value, reopen in told:
            journal.metrics(step, {name: value})
            first.setdefault((name, step), value)
            if reopen:
                journal.close()
                journal = Journal(Path(place))
        journal.close()
        recorded = [(n, r["step"], v) for r in read_journal(Path(place)) for n, v in r["values"].items()]
    assert [(name, step) for name, step, _ in recorded] == list(first)
    assert {(name, step): value for name, step, value in recorded} == first


def test_a_step_said_in_parts(tmp_path):
    journal = Journal(tmp_path)
    journal.metrics(1, {"a": 1.0})
    journal.metrics(1, {"a": 2.0, "b": 3})
    journal.close()
    assert [record["values"] for record in read_journal(tmp_path)] == [{"a": 1.0}, {"b": 3.0}]


def test_reading_goes_on_where_it_ended(tmp_path):
    journal = Journal(tmp_path)
    for number in range(3):
        journal.append("tags", values={"number": number})
    whole = list(read_from(tmp_path, 0))
    for i, (_, offset) in enumerate(whole):
        assert list(read_from(tmp_path, offset)) == whole[i + 1 :]
    journal.append("end", status="KILLED")
    ((record, end),) = read_from(tmp_path, whole[-1][1])
    assert record["kind"] == "end"
    assert end == journal.path.stat().st_size
    journal.close()


def test_a_record_is_a_line_a_person_can_read(tmp_path):
    journal = Journal(tmp_path)
    journal.append("tags", values={"place": "Zürich\nWest"})
    journal.close()
    (line,) = journal.path.read_text(encoding="utf-8").splitlines()
    assert "Zürich" in line
    assert json.loads(line)["values"] == {"place": "Zürich\nWest"}


def test_text_that_is_no_unicode_ends_no_run(tmp_path):
    journal = Journal(tmp_path)
    try:
        journal.append("tags", values={"eyechart.overrides": b"name=\xe9".decode(errors="surrogateescape")})
    finally:
        journal.close()
    assert len(read_journal(tmp_path)) == 1


def test_a_record_that_a_full_disk_takes_half_of_leaves_nothing(tmp_path, monkeypatch):
    journal = Journal(tmp_path)
    journal.append("tags", values={"a": "1"})
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, line: write(file, line[: len(line) // 2]))
    with pytest.raises(OSError, match="No space left on device"):
        journal.append("tags", values={"b": "2"})
    monkeypatch.undo()
    journal.append("tags", values={"c": "3"})
    journal.close()
    assert [record["values"] for record in read_journal(tmp_path)] == [{"a": "1"}, {"c": "3"}]
