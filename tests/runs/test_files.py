"""A file of a run is given to a reader only if it is what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import error_line

from eyechart.comparison.answers import correctness
from eyechart.comparison.groups import boards
from eyechart.comparison.report.gathering import gather
from eyechart.comparison.results import load_results
from eyechart.core import paths
from eyechart.core.errors import EyechartError
from eyechart.core.files import write_json
from eyechart.evaluation import predictions
from eyechart.inference.network import of_run
from eyechart.runner.reproduce import reproduce
from eyechart.runner.scorecard import evaluate
from eyechart.runs.files import BrokenFile, checksum, checksums, file_of
from eyechart.runs.journal import Journal, JournalState
from eyechart.runs.run import ExportedRun, Run
from eyechart.runs.verify import verify

RESULT = {"monitor": None, "epochs": 1, "best_epoch": 1, "seconds": 1.0, "parameters": 1}
RESULT |= {"train/accuracy": 0.5, "test/accuracy": 0.5}
TEXTS = {
    "history.csv": "epoch,train/loss,train/accuracy\n1,1.0,0.5\n",
    "per_class.json": '{"class": ["a", "b"]}',
    "config.yaml": "dataset: {name: digits}\n",
    "model.keras": "no model, but nobody looks",
}


def write_run(key: str = "k", *, old: bool = False) -> Run:
    """A finished run with the files that somebody reads; in `old` ones nothing is said of what they hold."""
    artifacts = paths.runs() / key / "artifacts"
    artifacts.mkdir(parents=True)
    labels = np.arange(40) % 2
    answers = np.random.default_rng(0).dirichlet([1, 1], 40).astype(np.float32)
    predictions.write(
        predictions.make_table({"test": (np.arange(40), labels, answers)}), artifacts / "predictions.parquet"
    )
    for name, text in TEXTS.items():
        (artifacts / name).write_text(text)
    about = {"run_key": "elsewhere", "title": "fnn on digits", "dataset": "digits", "result": RESULT}
    write_json(artifacts / "run.json", about | ({} if old else {"files": checksums(artifacts)}))
    journal = Journal(paths.runs() / key)
    journal.append("start", identity=["eyechart.run_key", key], name=key, experiment_name="e")
    journal.append("params", values={"model": "fnn", "dataset": "digits", "seed": 0})
    journal.append("tags", values={"eyechart.data_digest": "d"})
    journal.append("model", path="artifacts/model.keras", backend="tensorflow")
    files = {} if old else {"files": checksums(paths.runs() / key, "artifacts")}
    journal.append("end", status="FINISHED", result=RESULT, **files)
    journal.close()
    return Run(key)


def flip(path: Path, bit: int) -> None:
    held = bytearray(path.read_bytes())
    held[bit // 8 % len(held)] ^= 1 << bit % 8
    path.write_bytes(held)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bit=st.integers(0), name=st.sampled_from(["predictions.parquet", "model.keras", "history.csv", "run.json"]))
def test_no_single_bit_flips_unseen(root, bit, name):
    run = Run("k") if Run("k").folder.exists() else write_run()
    path = run.file(name)
    flip(path, bit)
    with pytest.raises(EyechartError, match=r"is damaged: expected .* to have it again, move") as caught:
        run.file(name)
    assert str(path) in str(caught.value)
    flip(path, bit)
    assert run.file(name) == path


READERS = {
    "evaluate": ("predictions.parquet", lambda run: evaluate(run, paths.workspace() / "report")),
    "compare": ("predictions.parquet", lambda run: correctness([run.key])),
    "predict": ("model.keras", of_run),
    "name the classes": ("per_class.json", of_run),
    "title": ("run.json", of_run),
    "reproduce": ("predictions.parquet", reproduce),
    "reproduce the choices": ("config.yaml", reproduce),
}


@pytest.mark.parametrize("reader", READERS)
def test_whoever_reads_a_damaged_file_names_it_and_what_to_do(root, reader):
    name, read = READERS[reader]
    run = write_run()
    flip(run.file(name), 100)
    with pytest.raises(EyechartError) as caught:
        read(run)
    told = str(caught.value)
    assert told.startswith(f"{run.artifacts / name} is damaged: ")
    assert told.endswith("to have it again, move the run's folder away and train the run again")
    assert "\n" not in told


def test_a_report_says_what_it_leaves_out(root):
    run = write_run()
    flip(run.file("predictions.parquet"), 200)
    flip(run.file("history.csv"), 200)
    (board,) = boards(load_results())
    problems = gather(board).problems
    assert len(problems) == 2
    assert all("is damaged: expected" in problem for problem in problems)


def test_what_an_earlier_version_left_is_taken_as_it_is(root):
    run = write_run(old=True)
    flip(run.file("history.csv"), 200)
    assert run.file("history.csv").is_file()


def test_a_run_that_is_begun_anew_is_not_held_against_what_it_was(root):
    run = write_run()
    journal = Journal(run.folder)
    journal.append("start", name="k")
    journal.close()
    (run.artifacts / "history.csv").write_text("new")
    assert file_of(run.folder, "artifacts/history.csv").read_text() == "new"


def test_what_a_finished_run_gets_later_is_known_too(root):
    run = write_run()
    path = "artifacts/filters.png"
    (run.folder / path).write_text("picture")
    journal = Journal(run.folder)
    journal.append("artifact", path=path, files={path: checksum(run.folder / path)})
    journal.close()
    assert len(JournalState.read(run.folder).checksums) == 7
    (run.folder / path).write_text("pictura")
    with pytest.raises(BrokenFile):
        run.file("filters.png")


# --- copies


def export(run: Run) -> ExportedRun:
    folder = paths.results() / "train"
    folder.mkdir(parents=True)
    for name in ("predictions.parquet", "history.csv", "run.json"):
        (folder / name).write_bytes(run.file(name).read_bytes())
    return ExportedRun(folder, again="type dvc repro -f train")


@pytest.mark.parametrize("name", ["predictions.parquet", "history.csv"])
def test_a_copy_is_checked_by_the_table_that_goes_with_it(root, name):
    copy = export(write_run())
    assert copy.file(name).is_file()
    flip(copy.folder / name, 200)
    with pytest.raises(EyechartError, match=r"results/train/.* is damaged: .*: type dvc repro -f train"):
        copy.file(name)


ABOUT = '{"run_key": "k", "digest": "d", "title": "t", "dataset": %s, "result": %s}'
ODD_COPIES = [
    ("run.json", "[]", "is broken: run.json"),
    ("run.json", "[" * 100_000, "is broken: run.json"),
    ("run.json", ABOUT % ('"digits"', "[]"), "expected the number of the best epoch in"),
    ("run.json", ABOUT % ("[]", '{"best_epoch": 1}'), "data set '[]' is not prepared"),
    ("run.json", ABOUT % ('"../x"', '{"best_epoch": 1}'), "expected a path below a folder"),
    ("history.csv", "epoch,loss\n1,2\n", "is not a readable table (it has no column 'train/accuracy')"),
    ("history.csv", "epoch,train/loss,train/accuracy\na,b,c\n", "is not a readable table ('epoch' is no number)"),
    ("history.csv", "epoch,train/loss,train/accuracy\n,1,1\n", "is not a readable table ("),
    ("history.csv", "\0", "is not a readable table ("),
    ("accuracy_by_step.csv", "step,validation\n1,0.5\n", "is not a readable table (it has no column 'test')"),
    ("history.csv", None, "has no history.csv: type dvc repro -f train"),
]


@pytest.mark.parametrize(("name", "text", "told"), ODD_COPIES)
def test_evaluate_says_in_one_line_what_is_wrong_with_a_copy(digits, monkeypatch, name, text, told):
    copy = export(write_run(old=True))
    if text is None:
        (copy.folder / name).unlink()
    else:
        (copy.folder / name).write_text(text)
    monkeypatch.setattr("eyechart.runner.scorecard._check_images", lambda *_: None)
    with pytest.raises(EyechartError) as caught:
        evaluate(copy, digits / "report")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_predictions_for_other_classes_than_the_data_set_has_are_refused(digits):
    with pytest.raises(EyechartError, match="expected predictions for 'digits' as it is prepared, with 10 classes"):
        evaluate(export(write_run()), digits / "report")


# --- all of them


def test_verify_counts_what_is_whole_and_names_what_is_not(root, program):
    write_run("old", old=True)
    _, damaged, lost, broken = (write_run(key) for key in ("whole", "damaged", "lost", "broken"))
    unknown = "1 from before checksums were recorded, of which the journal alone was checked"
    assert str(verify(paths.state())) == f"5 runs: 4 whole, {unknown}"
    journal = Journal(paths.runs() / "begun")
    journal.append("start", name="begun")
    journal.close()
    write_json(paths.sweeps() / "s" / "manifest.json", {"jobs": []})
    flip(damaged.file("model.keras"), 7)
    lost.file("history.csv").unlink()
    (broken.folder / "journal.jsonl").write_text("no record\n")
    done = program("runs", "verify")
    told = done.stdout.splitlines()
    assert len(told) == 4
    assert told[0].startswith(f"broken: runs/broken: the journal {broken.folder}/journal.jsonl has a broken record")
    assert told[1].startswith(f"broken: runs/damaged: {damaged.artifacts}/model.keras is damaged: expected 26 bytes")
    assert told[2].startswith(f"broken: runs/lost: there is no {lost.artifacts}/history.csv: to have it again, move")
    assert told[3] == f"6 runs, 1 sweep: 1 whole, 2 not finished, {unknown}, 3 broken"
    assert error_line(done).startswith("error: 3 of 7 are broken, as told above")
    for key in ("damaged", "lost", "broken"):
        Run(key).folder.rename(root / key)
    assert program("runs", "verify").returncode == 0
    assert "type python pipelines/runs.py verify" in error_line(program("runs"))
    assert "action must be one of verify, received 'verfy'." in error_line(program("runs", "verfy"))


def test_artifacts_without_a_journal_are_broken(root):
    (write_run().folder / "journal.jsonl").unlink()
    ((folder, why),) = verify(paths.state()).broken
    assert (folder.name, why.partition(":")[0]) == ("k", "it has files and no journal")


def test_nothing_at_all_is_not_broken(root):
    assert str(verify(paths.state())) == "no runs: nothing to check"


def test_what_is_half_written_is_no_file_of_the_run(tmp_path):
    (tmp_path / ".run.json.abc").mkdir()
    (tmp_path / ".run.json.abc" / "run.json").write_text("{")
    (tmp_path / "a.json").write_text("1")
    (tmp_path / "link").symlink_to(tmp_path / "a.json")
    assert list(checksums(tmp_path)) == ["a.json"]
