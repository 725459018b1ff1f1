"""Which run a job is, where runs are known of a time when the code behind them was not recorded."""

from __future__ import annotations

import dataclasses

import pytest
from support import compose

from eyechart.code.used import UsedCode
from eyechart.config import check
from eyechart.core import paths
from eyechart.runner.job import Job
from eyechart.runs.journal import Journal
from eyechart.runs.run import Run
from eyechart.sweeps.code_changes import about_code

OWN = UsedCode(("model",), {"model": "0123456789ab"}, {"nets.py": "1"}, own=True)


@pytest.fixture
def asked(digits):
    """The job of a network with this code."""
    config = check(compose("model=fnn", "dataset=digits"))

    def ask(code=OWN, **changed):
        return Job.of(dataclasses.replace(config, code=code, **changed))

    return ask


def finish(key, choices_key=None, status="FINISHED"):
    journal = Journal(paths.runs() / key)
    journal.append("start", name="", experiment_name="")
    if choices_key:
        journal.append("tags", values={"eyechart.choices_key": choices_key})
    journal.append("end", status=status, result={})
    journal.close()


def test_a_new_run_has_a_key_with_its_code(asked):
    job, plain = asked(), asked(UsedCode())
    assert job.run_key != job.choices_key == plain.run_key == plain.choices_key
    assert asked(dataclasses.replace(OWN, tokens={"model": "ba9876543210"})).run_key not in (job.run_key, plain.run_key)
    assert not about_code([job])


def test_an_old_run_is_handed_back_and_never_silently(asked):
    before = asked(UsedCode()).run_key
    finish(before)
    job = asked()
    assert job.run_key == before
    assert job.status.finished
    assert about_code([job]) == ["1 run trained before code was recorded: force=true trains anew"]
    forced = asked(force=True)
    assert forced.run_key != before
    assert not forced.status.finished


def test_an_old_run_is_not_handed_back_where_the_package_s_code_is_another_by_now(asked):
    finish(asked(UsedCode()).run_key)
    job = asked(dataclasses.replace(OWN, tokens={**OWN.tokens, "engine": "2"}, first=False))
    assert not job.status.finished
    assert not job.before_code


@pytest.mark.parametrize("status", ["FAILED", "KILLED"])
def test_an_old_run_that_is_not_finished_is_not(asked, status):
    finish(asked(UsedCode()).run_key, status=status)
    assert asked().status.begun is None


def test_an_old_run_counts_no_more_once_code_is_recorded(asked):
    before = asked(UsedCode()).run_key
    finish(before)
    finish(asked(force=True).run_key, choices_key=before)
    assert asked().run_key == asked(force=True).run_key
    edited = dataclasses.replace(OWN, tokens={"model": "ba9876543210"}, files={"nets.py": "2"})
    job = asked(edited)
    assert job.run_key not in (before, asked().run_key)
    assert len(about_code([job])) == 1
    assert about_code([job])[0].endswith("changed since: 1 run will be trained anew")


def test_an_edit_of_the_package_is_told_by_what_it_is(asked):
    finish(asked(UsedCode()).run_key)
    job = asked(UsedCode(("model", "engine"), {"engine": "0123456789ab"}))
    assert job.status.begun is None
    assert about_code([job]) == ["the code of engine changed since: 1 run will be trained anew"]
    finish(job.run_key, choices_key=job.choices_key)
    assert Run(job.run_key).finished
    assert not about_code([asked(UsedCode(("model", "engine"), {"engine": "0123456789ab"}))])
    assert not about_code([asked(UsedCode())])


def test_a_file_that_counts_whole_is_named(asked):
    assert about_code([asked(dataclasses.replace(OWN, notes=("nets.py counts as a whole",)))] * 2) == [
        "nets.py counts as a whole"
    ]
