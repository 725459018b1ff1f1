from __future__ import annotations

import shlex

from eyechart.tracking.description import command, of_run, of_sweep

RESULT = {
    "monitor": "validation/accuracy",
    "validation/accuracy": 0.9,
    "best_epoch": 3,
    "epochs": 4,
    "test/accuracy": 0.88765,
    "seconds": 2.04,
}
TAGS = {"mlflow.source.git.commit": "c0ffee", "eyechart.git_changed": "false", "eyechart.data_digest": "d1"}
FIRST = "Test accuracy 0.8877 (validation accuracy 0.9000 at epoch 3 of 4), 2.0 s of training."


def test_a_run():
    text = of_run("k1", "digits", RESULT, TAGS, ["model=cnn", "optimizer.learning_rate=1e-3"])
    assert text.split("\n\n") == [
        FIRST,
        "To have it again, and see whether it comes to the same:",
        "    python pipelines/reproduce.py run=k1",
        "What was typed, for this run alone:",
        "    python pipelines/train.py model=cnn optimizer.learning_rate=1e-3",
        "Commit `c0ffee` on data set digits, digest `d1`.",
    ]


def test_what_is_not_known_is_not_said():
    text = of_run("k1", "digits", RESULT, {"eyechart.data_digest": "d1"}, [])
    assert "typed" not in text
    assert text.endswith("\n\nOn data set digits, digest `d1`.")


def test_changes_and_shares_are_said():
    text = of_run("k1", "digits", RESULT | {"members": 8}, TAGS | {"eyechart.git_changed": "true"}, [])
    assert "2.0 s of training, its share of 8 that were trained together." in text
    assert "Commit `c0ffee`, with changes, on" in text


def test_a_command_is_what_a_shell_reads():
    typed = ["model=choice(a,b)", "units=[1, 2]", "name='it'"]
    assert shlex.split(command(typed)) == ["python", "pipelines/train.py", *typed]


def test_a_sweep():
    text = of_sweep("python pipelines/train.py -m seed=0,1", ["On digits: **cnn**."], "| # | run |\n")
    assert text.startswith("On digits: **cnn**.\n\n")
    assert text.endswith("\n\n    python pipelines/train.py -m seed=0,1\n\n| # | run |")


def test_where_a_run_diverged_is_said():
    text = of_run("k1", "digits", RESULT, TAGS, [], diverged=4)
    assert text.startswith(f"Diverged in epoch 4: {FIRST[0].lower()}{FIRST[1:]}")
