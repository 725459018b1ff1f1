"""References as the experiments' files tell of them, and what is said of a run beside them."""

from __future__ import annotations

import pytest
from support import REPOSITORY

from eyechart.comparison.references import Reference, read_references, reference_rows

PLAIN = Reference("doc/a", 0.92, None, None, None, 0.01)


def written(folder, name, *lines):
    path = folder / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["# @package _global_", f"# experiment={name} : a system", *lines, "trainer: {}", ""]))


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("test accuracy 0.920", (0.92, None, None, None, 0.01)),
        ("test accuracy 0.430, within 0.02", (0.43, None, None, None, 0.02)),
        ("test accuracy 0.917 after 20 epochs, 0.710 over all steps", (0.917, 0.71, 20, None, 0.01)),
        ("none; compared with another after 10 epochs", (None, None, 10, None, 0.01)),
        (
            "test accuracy 0.45 after 2 epochs on 20,000 images, 0.43 over all steps, within 0.02",
            (0.45, 0.43, 2, 20000, 0.02),
        ),
    ],
)
def test_a_reference_is_read_from_the_comment(tmp_path, comment, expected):
    written(tmp_path, "doc/a", f"# reference: {comment}")
    written(tmp_path, "doc/b")
    assert read_references(tmp_path) == [Reference("doc/a", *expected)]


def test_a_note_says_why_a_run_may_land_farther_off(tmp_path):
    written(tmp_path, "doc/a", "# reference: test accuracy 0.920", "# note: it swings")
    (found,) = read_references(tmp_path)
    assert found.note == "it swings"


def test_every_system_of_the_documents_has_one():
    found = read_references(REPOSITORY / "conf/experiment")
    files = (REPOSITORY / "conf/experiment").rglob("doc*/*.yaml")
    assert {reference.experiment for reference in found} == {f"{f.parent.name}/{f.stem}" for f in files}
    assert sum(reference.accuracy is not None for reference in found) == 11
    assert {reference.experiment: reference.over_steps for reference in found if reference.over_steps} == {
        "doc002/rnn_per_step_mnist": 0.71,
        "doc002/cnn_rnn_mnist": 0.43,
    }


def result(accuracy, *, epochs=10, wanted=10, **more):
    return {"test/accuracy": accuracy, "epochs": epochs, "wanted": wanted, **more}


@pytest.mark.parametrize(
    ("accuracy", "difference", "verdict"),
    [
        (0.925, "+0.0050", "within 0.01"),
        (0.911, "-0.0090", "within 0.01"),
        (0.909, "-0.0110", "not within 0.01"),
        (0.95, "+0.0300", "not within 0.01"),
    ],
)
def test_near_its_reference_or_not(accuracy, difference, verdict):
    (row,) = reference_rows([PLAIN], {"doc/a": result(accuracy)})
    assert row == ("doc/a", "10", "0.920", f"{accuracy:.4f}", difference, verdict)


def test_a_run_that_was_cut_short_is_not_judged():
    (row,) = reference_rows([PLAIN], {"doc/a": result(0.92, epochs=2)})
    assert row[-1] == "cut short: 2 of 10 epochs"


def test_a_system_without_reference_has_a_row():
    (row,) = reference_rows([Reference("doc/b", None, None, 10, None, 0.01)], {"doc/b": result(0.5)})
    assert row == ("doc/b", "10", "-", "0.5000", "-", "no reference")


def test_answers_at_each_step_have_a_row_of_their_own():
    reference = Reference("doc/c", 0.917, 0.71, 20, None, 0.01)
    found = reference_rows(
        [reference], {"doc/c": result(0.92, epochs=20, wanted=20, **{"test/accuracy_over_steps": 0.69})}
    )
    assert [(row[0], row[2], row[-1]) for row in found] == [
        ("doc/c", "0.917", "within 0.01"),
        ("doc/c (over all steps)", "0.710", "not within 0.01"),
    ]
