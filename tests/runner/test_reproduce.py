"""`pipelines/reproduce.py`: a run trained once more, and what is said where it is not what it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from filelock import FileLock
from support import error_line, link_data, run_program

from eyechart.core import paths
from eyechart.core.errors import DataError, EyechartError
from eyechart.evaluation import predictions
from eyechart.runner.reproduce import differences_of_code, reproduce
from eyechart.runs.journal import NAME, Journal
from eyechart.runs.run import Run

TINY = ["dataset=digits", "model=fnn", "limit=[200,60]", "trainer.epochs=2", "tracking=none"]


@pytest.fixture(scope="module")
def trained(digits_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which two nets have been trained, one after the other, with all that may change a result."""
    root = link_data(digits_root, tmp_path_factory.mktemp("reproduce") / "root")
    words = ["trainer.class_weights=balanced", "schedule=cosine", "augmentation=flip_shift", "seed=3"]
    words += ["limit_order=first"]  # of which a run keeps nothing, just as those of a time when all limits meant it
    done = run_program(root, "train", *TINY, *words)
    assert done.returncode == 0, done.stderr
    return root


def key(root: Path) -> str:
    (folder,) = (root / ".eyechart" / "runs").iterdir()
    return folder.name


def left_alone(root: Path) -> list[Path]:
    """All that lies in a workspace but what is made apart, and what is noted of data that were checked."""
    passed_over = {"reproduced", "verified"}
    return sorted(path for path in root.rglob("*") if not passed_over & set(path.relative_to(root).parts))


def left_behind(root: Path) -> list[str]:
    return [path.name for path in (root / ".eyechart" / "reproduced").iterdir() if path.is_dir()]


@pytest.mark.parametrize("env", [{}, {"KERAS_BACKEND": "jax", "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}])
def test_a_run_comes_to_the_same_whatever_the_environment_says(trained, env):
    before = left_alone(trained)
    done = run_program(trained, "reproduce", f"run={key(trained)[:8]}", env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"run {key(trained)} comes to the same, bit for bit\n")
    table = done.stdout.partition("recorded")[2].splitlines()
    assert len([line for line in table if line.endswith(" equal")]) == 15
    assert left_behind(trained) == []
    after = left_alone(trained)
    assert after == before
    assert not (trained / "mlflow.db").exists()


def test_a_limit_without_an_order_took_the_first_test_images(trained):
    run = trained / ".eyechart" / "runs" / key(trained)
    assert "limit_order" not in (run / "artifacts" / "config.yaml").read_text()
    table = predictions.part_of(predictions.read(run / "artifacts" / "predictions.parquet"), "test")
    assert table["index"].tolist() == list(range(60))


def forget_checksums(folder: Path) -> None:
    """Leave the run as an earlier version did, which recorded none: a changed file is then read as it is."""
    records = [json.loads(line) for line in (folder / NAME).read_text(encoding="utf-8").splitlines()]
    for record in records:
        record.pop("files", None)
    (folder / NAME).write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def test_what_differs_is_said(trained, tmp_path):
    root = link_data(trained, tmp_path / "root")
    run_program(root, "train", *TINY)
    artifacts = root / ".eyechart" / "runs" / key(root) / "artifacts"
    forget_checksums(artifacts.parent)
    history = (artifacts / "history.csv").read_text()
    (artifacts / "history.csv").write_text(history.replace("\n1,2.", "\n1,3."))
    done = run_program(root, "reproduce")
    assert error_line(done) == f"error: run {key(root)} does not come to exactly the same"
    lines = {line.split("  ")[0].strip(): line.split()[-1] for line in done.stdout.splitlines() if line}
    assert (lines["every epoch"], lines["predictions"], lines["test/accuracy"]) == ("differs", "equal", "equal")
    assert left_behind(root) == []


def test_members_of_a_group_are_told_from_runs_alone(trained, tmp_path):
    root = link_data(trained, tmp_path / "root")
    done = run_program(root, "train", "-m", "hydra/launcher=fused", *TINY, "seed=0,1,2")
    assert done.returncode == 0, done.stderr
    done = run_program(root, "reproduce")
    if done.returncode:  # whether the last digits are the same is a matter of the processor
        assert "(it was trained together with 2 others, whose sums are taken in another order)" in error_line(done)
    accuracies = [line.split()[1:3] for line in done.stdout.splitlines() if line.startswith("test/accuracy")]
    assert [recorded for recorded, _ in accuracies] == [again for _, again in accuracies] != []


def test_without_a_run(root):
    done = run_program(root, "reproduce")
    assert "there is no finished run yet" in error_line(done)
    assert "there is no run 'x'" in error_line(run_program(root, "reproduce", "run=x"))


# --- what cannot be reproduced


@pytest.fixture
def copy(trained, root) -> Path:
    """The run's folder, in a workspace of the test's own."""
    link_data(trained, root)
    shutil.copytree(trained / ".eyechart" / "runs", paths.runs())
    return paths.runs() / key(trained)


def refusal(folder: Path, kind: type[Exception] = EyechartError) -> str:
    with pytest.raises(kind) as caught:
        reproduce(Run(folder.name))
    return str(caught.value)


def say(folder: Path, kind: str, **values) -> None:
    journal = Journal(folder)
    journal.append(kind, **values)
    journal.close()


def test_a_run_that_is_not_finished(copy):
    say(copy, "start", name="again")
    assert refusal(copy).startswith(f"run {copy.name} is not finished: type the command")


def test_a_run_on_other_data(copy):
    say(copy, "tags", values={"eyechart.data_digest": "0" * 64})
    said = refusal(copy, DataError)
    assert f"expected 'digits' as run {copy.name} was trained on it (digest 000000000000), received other" in said


def test_a_run_of_another_version_of_the_training(copy):
    say(copy, "tags", values={"eyechart.training_version": 99, "mlflow.source.git.commit": "c0ffee"})
    said = refusal(copy)
    assert "was trained by version 99 of the training" in said
    assert said.endswith("check out commit c0ffee")


def test_a_run_that_another_process_reproduces(copy):
    folder = paths.state() / "reproduced"
    folder.mkdir()
    with FileLock(folder / f"{copy.name}.lock"):
        done = run_program(copy.parents[2], "reproduce")
    assert error_line(done) == f"error: another process reproduces run {copy.name}: wait until it has ended"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"[1, 2]", b"a: [", b"dataset: {}"])
def test_a_run_whose_configuration_is_broken(copy, content):
    forget_checksums(copy)
    (copy / "artifacts" / "config.yaml").write_bytes(content)
    said = refusal(copy)
    assert said.startswith(f"{copy}/artifacts/config.yaml is broken (")
    assert said.endswith("): restore it, or train the run anew")


def test_a_run_whose_configuration_was_changed(copy):
    file = copy / "artifacts" / "config.yaml"
    forget_checksums(copy)
    file.write_text(file.read_text().replace("seed: 3", "seed: 4"))
    done = run_program(copy.parents[2], "reproduce", f"run={copy.name}")
    assert f"to be what run {copy.name} was trained with, received other choices" in error_line(done)


@pytest.mark.parametrize("file", ["config.yaml", "predictions.parquet", "history.csv"])
def test_a_run_that_has_lost_a_file(copy, file):
    (copy / "artifacts" / file).unlink()
    assert refusal(copy).startswith(f"run {copy.name} has lost its {file}: expected it in {copy}/artifacts")


# --- the code


def test_other_code_is_told(copy, monkeypatch):
    here = {"mlflow.source.git.commit": "d00d" * 10, "eyechart.git_changed": "true"}
    monkeypatch.setattr("eyechart.runner.reproduce.git_tags", lambda folder: here)
    say(copy, "tags", values={"mlflow.source.git.commit": "c0ffee" * 6, "eyechart.git_changed": "false"})
    assert differences_of_code(Run(copy.name)) == [
        "the run was trained at commit c0ffeec0ffee, and this is d00dd00dd00d",
        "here are changes that were not committed",
    ]
    say(copy, "tags", values=here | {"eyechart.git_changed": "true"})
    assert differences_of_code(Run(copy.name))[0] == "the run was trained with changes that were not committed"
    monkeypatch.setattr("eyechart.runner.reproduce.git_tags", lambda folder: {})
    say(copy, "tags", values={"eyechart.git_changed": "false"})
    assert differences_of_code(Run(copy.name)) == []
