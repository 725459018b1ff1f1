"""Elections: who becomes champion, who does not and why, and what is written down."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
from support import IDX_FILES, error_line, link_data, run_program, tiny_images, write_idx
from tracking.saying import THIRD_PARTY

from eyechart.comparison import load_results
from eyechart.comparison.promotion import candidate_of, promote
from eyechart.core import paths
from eyechart.core.errors import ConfigError, EyechartError
from eyechart.core.files import write_json
from eyechart.data.config import DatasetConfig, FormConfig
from eyechart.data.fetch import fetch
from eyechart.data.prepare import prepare
from eyechart.runs.cursor import delivered_run_id
from eyechart.runs.journal import Journal
from eyechart.runs.run import Run
from eyechart.runs.tags import DECISION, USES
from eyechart.tracking import registry
from eyechart.tracking.store import Store

pytestmark = [pytest.mark.filterwarnings(warning) for warning in THIRD_PARTY]

IMAGES = 1000


def right(count: int) -> np.ndarray:
    """Which images were classified right: the first so many."""
    return np.arange(IMAGES) < count


@pytest.fixture
def store(root, empty_database) -> Store:
    shutil.copyfile(empty_database, root / "mlflow.db")
    return Store()


@pytest.fixture
def a_run(store, write_run):
    """A finished run that has been delivered with its model."""

    def make(key: str, *, validation: float | None, correct: int | np.ndarray, model: bool = True, **more) -> dict:
        answers = right(correct) if isinstance(correct, int) else correct
        write_run(key, validation=validation, correct=answers, seed=int(key[1:]), **more)
        experiment_id, client = store.experiment_id("eyechart"), store.client
        run_id = client.create_run(experiment_id).info.run_id
        if model:
            logged = client.create_logged_model(experiment_id, name="model", source_run_id=run_id)
            client.finalize_logged_model(logged.model_id, "READY")
        write_json(paths.runs() / key / "delivery.json", {store.uri: {"offset": 1, "run_id": run_id}})
        return candidate_of(load_results(), Run(key))

    return make


def aliases(store: Store, name: str = "digits") -> dict[str, str]:
    """The run key that each alias means."""
    found = {alias: registry.find_version(store, name, alias) for alias in ("champion", "challenger")}
    return {alias: version.run_key for alias, version in found.items() if version}


def test_a_champion_that_knows_one_class_is_told(store, a_run):
    decision = promote(store, a_run("k1", validation=0.5, correct=950, labels=np.repeat([0, 1], [950, 50])))
    assert decision.promoted
    written = store.client.get_model_version_by_alias("digits", "champion").description
    for warning in (
        "Warning: of 1,000 test images 950 are of class '0' and none of '2'",
        "Warning: test accuracy 0.9500 (95% interval 0.9347-0.9619) is not above 0.9500",
        "Warning: never predicted: '1'.",
    ):
        assert warning in decision.why
        assert warning in written


def test_a_champion_that_was_tested_on_what_it_was_trained_on_is_told(store, a_run, tmp_path):
    images = tiny_images()
    images.test_images[:4] = images.train_images[:4]
    write_idx(tmp_path / "idx", images)
    config = DatasetConfig("mine", [FormConfig("idx", IDX_FILES, caches=[str(tmp_path / "idx")])])
    fetch(config)
    digest = prepare(config).digest
    decision = promote(store, a_run("k1", validation=0.5, correct=np.ones(12, bool), dataset="mine", digest=digest))
    assert "Warning: 4 of 12 test images are exact copies of training images: a score on them says" in decision.why


def test_the_first_is_champion(store, a_run):
    decision = promote(store, a_run("k1", validation=0.5, correct=500))
    assert decision.promoted
    assert decision.why == (
        "The first champion: there was none to compare it with. "
        "These test images have not been used to decide who is champion."
    )
    assert aliases(store) == {"champion": "k1"}
    version = store.client.get_model_version_by_alias("digits", "champion")
    assert version.description.startswith("Test accuracy 0.5000 (validation accuracy 0.5000 at epoch 1")
    assert version.description.endswith(decision.why)
    assert version.source.startswith("models:/m-")
    assert (version.tags[DECISION], version.tags[USES]) == ("promoted", "0")
    assert registry.champion(store) == registry.champion(store, "digits")


def test_who_is_better_takes_the_place_and_the_former_champion_is_challenger(store, a_run):
    promote(store, a_run("k1", validation=0.5, correct=500))
    decision = promote(store, a_run("k2", validation=0.6, correct=600))
    assert decision.promoted
    assert "Better by the paired test: +10.00 percentage points on the test images (95% interval" in decision.why
    assert "have been used once to decide" in decision.why
    assert aliases(store) == {"champion": "k2", "challenger": "k1"}


def answers(images: int, wins: int, losses: int, wrong: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Which images a candidate and a champion get right: so many only one of them, so many none."""
    candidate, champion = np.ones((2, images), dtype=bool)
    champion[:wins], candidate[wins : wins + losses] = False, False
    candidate[images - wrong :] = champion[images - wrong :] = False
    return candidate, champion


def test_who_may_be_worse_by_more_than_the_margin_does_not(store, a_run):
    # as two networks of the digits that are equally good: 7 of 360 images each, which the other gets right
    candidate, champion = answers(360, 7, 7, wrong=12)
    promote(store, a_run("k1", validation=0.5, correct=champion))
    again = a_run("k2", validation=0.6, correct=candidate)
    decision = promote(store, again)
    assert not decision.promoted
    assert decision.why == (
        "It cannot be shown with 360 test images that it is worse by no more than 0.5 percentage points: +0.00 "
        "percentage points on the test images (95% interval -2.28 to +2.28, p = 1) against the champion (version 1, "
        "run k1). About 14,000 are needed, if the two are equally good, or type margin=3 if being so much worse does "
        "no harm. These test images have been used once to decide who is champion."
    )
    assert aliases(store) == {"champion": "k1", "challenger": "k2"}
    decision = promote(store, again, margin=3)
    assert decision.promoted
    assert decision.why.startswith("Not worse by more than the margin of 3 percentage points: +0.00 percentage points")
    assert decision.champion.run_key == "k1"
    assert aliases(store) == {"champion": "k2", "challenger": "k1"}


def test_who_is_better_needs_no_margin(store, a_run):
    candidate, champion = answers(360, 12, 2)
    promote(store, a_run("k1", validation=0.5, correct=champion))
    decision = promote(store, a_run("k2", validation=0.6, correct=candidate), margin=0)
    assert decision.promoted
    assert decision.why.startswith("Better by the paired test: +2.78 percentage points")


@pytest.mark.parametrize("margin", [-0.1, 100])
def test_a_margin_is_in_percentage_points(store, a_run, margin):
    with pytest.raises(ConfigError, match="margin must be at least 0 and below 100 percentage points, received"):
        promote(store, a_run("k1", validation=0.5, correct=500), margin=margin)


def test_who_is_worse_by_the_paired_test_does_not(store, a_run):
    promote(store, a_run("k1", validation=0.5, correct=600))
    decision = promote(store, a_run("k2", validation=0.6, correct=500))
    assert not decision.promoted
    assert decision.why.startswith("Worse by the paired test: -10.00 percentage points")
    assert aliases(store) == {"champion": "k1", "challenger": "k2"}
    version = store.client.get_model_version_by_alias("digits", "challenger")
    assert version.tags[DECISION] == "not promoted"
    assert decision.why in version.description


@pytest.mark.parametrize("validation", [0.5, 0.4])
def test_who_is_not_better_on_validation_data_is_not_even_tested(store, a_run, validation):
    promote(store, a_run("k1", validation=0.5, correct=500))
    decision = promote(store, a_run("k2", validation=validation, correct=900))
    assert not decision.promoted
    assert decision.why == (
        f"On validation data (validation/accuracy) {validation:.4f} is not better than the 0.5000 of the champion "
        "(version 1, run k1). These test images have not been used to decide who is champion."
    )


def test_a_loss_is_better_when_it_is_lower(store, a_run):
    def by_loss(key, loss):
        return a_run(key, validation=0.5, correct=500, monitor="validation/loss", loss=loss)

    promote(store, by_loss("k1", 0.5))
    assert not promote(store, by_loss("k2", 0.6)).promoted
    assert promote(store, by_loss("k3", 0.4)).promoted


def test_every_use_of_the_test_images_is_counted(store, a_run):
    for number, uses in enumerate(("not been used to", "been used once to", "been used 2 times to"), start=1):
        why = promote(store, a_run(f"k{number}", validation=number / 10, correct=500 + 100 * number)).why
        assert f"have {uses} decide" in why


def test_the_same_twice_is_no_election(store, a_run):
    candidate = a_run("k1", validation=0.5, correct=500)
    promote(store, candidate)
    with pytest.raises(EyechartError, match=r"run k1 is the champion of 'digits' already \(version 1\)"):
        promote(store, candidate)


def test_who_lost_may_stand_again_and_keeps_its_version(store, a_run):
    promote(store, a_run("k1", validation=0.5, correct=600))
    loser = a_run("k2", validation=0.4, correct=500)
    versions = {promote(store, loser).candidate.number for _ in range(2)}
    assert versions == {"2"}


def test_other_data_are_refused(store, a_run):
    promote(store, a_run("k1", validation=0.5, correct=500))
    candidate = a_run("k2", validation=0.6, correct=600, digest="other")
    with pytest.raises(EyechartError, match=r"\(digest d\), received one on digest other: .*; type name=NEW"):
        promote(store, candidate)
    assert aliases(store) == {"champion": "k1"}
    assert promote(store, candidate, "digits2").promoted
    with pytest.raises(EyechartError, match=r"there are 2 champions \(digits, digits2\): type name=ONE too"):
        registry.champion(store)


def test_other_test_images_are_refused(store, a_run, write_run):
    promote(store, a_run("k1", validation=0.5, correct=500))
    candidate = a_run("k2", validation=0.6, correct=600, images=np.arange(IMAGES) + 1)
    with pytest.raises(EyechartError, match="were not tested on the same images"):
        promote(store, candidate)
    assert aliases(store) == {"champion": "k1"}


def test_what_is_missing_is_named(store, a_run, write_run):
    write_run("k1", correct=right(500))
    told = r"run k1 has not been delivered to this tracking store: type python pipelines/sync\.py, then the same"
    with pytest.raises(EyechartError, match=told):
        promote(store, candidate_of(load_results(), Run("k1")))
    result, journal = Run("k1").result, Journal(Run("k1").folder)  # as `tracking=none` says it
    journal.append("start", identity=["", ""], name="k1", experiment_name="e", private=True)
    journal.append("end", status="FINISHED", result=result)
    journal.close()
    with pytest.raises(EyechartError, match="because it was trained with tracking=none: type the command that trained"):
        promote(store, candidate_of(load_results(), Run("k1")))
    with pytest.raises(EyechartError, match="has no model: type the command that trains run k2 again"):
        promote(store, a_run("k2", validation=0.6, correct=600, model=False))
    with pytest.raises(EyechartError, match=r"there is no champion yet: type python pipelines/promote\.py"):
        registry.champion(store)
    with pytest.raises(EyechartError, match=r"'digits' has no champion \(there is no champion at all\)"):
        registry.champion(store, "digits")
    promote(store, a_run("k3", validation=0.5, correct=500))
    with pytest.raises(EyechartError, match=r"'x' has no champion \(champions: digits\)"):
        registry.champion(store, "x")
    shutil.rmtree(paths.runs() / "k3")
    with pytest.raises(EyechartError, match="the champion's run k3 is not in "):
        promote(store, a_run("k4", validation=0.6, correct=600))


def test_a_run_that_was_deleted_in_mlflow_is_told(store, a_run):
    candidate = a_run("k1", validation=0.5, correct=500)
    run_id = delivered_run_id(paths.runs() / "k1", store.uri)
    store.client.delete_run(run_id)
    with pytest.raises(EyechartError, match=f"the MLflow run {run_id} of run k1 has been deleted: restore it there"):
        promote(store, candidate)
    write_json(paths.runs() / "k1" / "delivery.json", {store.uri: {"offset": 1, "run_id": "f" * 32}})
    with pytest.raises(EyechartError, match="has been deleted"):
        promote(store, candidate)
    assert aliases(store) == {}


def test_a_store_that_cannot_be_opened_is_what_is_told(store, a_run, root):
    candidate = a_run("k1", validation=0.5, correct=500)
    (root / "mlflow.db").write_text("no database at all")
    (paths.runs() / "k1" / "delivery.json").unlink()
    with pytest.raises(EyechartError, match="cannot be opened"):
        promote(Store(), candidate)


def test_names_that_no_registered_model_can_have(store, a_run):
    candidate = a_run("k1", validation=0.5, correct=500)
    for name in ("a/b", "it's", "a:b"):
        with pytest.raises(ConfigError, match="name must be made of letters"):
            promote(store, candidate, name)


# --- other images held back


def test_an_easier_fold_does_not_keep_a_better_run_from_being_champion(store, a_run):
    """The fold of the champion is easier, and the other better on the test images."""
    promote(store, a_run("k1", validation=0.9, correct=900, held_back={at: True for at in range(10)}))
    candidate = a_run("k2", validation=0.8, correct=930, held_back={at: at > 11 for at in range(10, 20)})
    decision = promote(store, candidate)
    assert decision.promoted
    assert "different images were held back (none by all). Better by the paired test" in decision.why


def test_where_images_are_common_they_decide(store, a_run):
    promote(store, a_run("k1", validation=0.5, correct=900, held_back={at: at < 5 for at in range(10)}))
    candidate = a_run("k2", validation=0.9, correct=930, held_back={at: at > 5 for at in range(20)})
    decision = promote(store, candidate)
    assert not decision.promoted
    assert decision.why.startswith(
        "On validation data (validation/accuracy, on the 10 images that both held back) 0.4000 is not better than the "
        "0.5000 of the champion"
    )


# --- who stands for election


def test_the_best_on_validation_data_stands(a_run):
    a_run("k1", validation=0.5, correct=900)
    a_run("k2", validation=0.6, correct=500)
    assert candidate_of(load_results())["run_key"] == "k2"


def test_runs_that_cannot_be_compared_have_no_best(write_run):
    write_run("k1", correct=right(500))
    write_run("k2", seed=1, correct=right(500), digest="other")
    with pytest.raises(EyechartError, match=r"received 2 boards \(digits; digits\): choose with sweep=last"):
        candidate_of(load_results())
    with pytest.raises(EyechartError, match="run k9 is not finished"):
        candidate_of(load_results(), Run("k9"))


def test_neither_have_runs_for_which_nothing_was_held_back(write_run):
    write_run("k1", validation=None, correct=right(500))
    with pytest.raises(EyechartError, match=r"nothing was held back, so no .*: name the run to promote, run=KEY"):
        candidate_of(load_results())


# --- the program


@pytest.fixture
def trained(root, empty_database, digits_root):
    """A workspace with a sweep of two seeds."""
    link_data(digits_root, root)
    shutil.copyfile(empty_database, root / "mlflow.db")
    done = run_program(root, "train", "-m", "model=fnn", "dataset=digits", "seed=0,2", "trainer.epochs=40")
    assert done.returncode == 0, done.stderr
    return root


def test_the_program_promotes_who_is_shown_to_be_no_worse_and_says_how_the_champion_is_used(trained):
    validation = {run.key: run.result["validation/accuracy"] for run in Run.all()}
    lower, higher = sorted(validation, key=validation.__getitem__)
    done = run_program(trained, "promote", f"run={lower}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"version 1 of 'digits' (run {lower}) is champion now. The first champion: there was")
    assert "python pipelines/predict.py run=champion images=FOLDER" in done.stdout
    # two seeds of one network, both right about 19 of 20 images
    said = error_line(run_program(trained, "promote", "sweep=last"))
    assert said.startswith(
        f"error: version 2 of 'digits' (run {higher}) is not promoted, and stays challenger. "
        "It cannot be shown with 360 test images that it is worse by no more than 0.5 percentage points: "
    )
    assert re.search(r"About \d+,000 are needed, if the two are equally good, or type margin=[23] if", said)
    done = run_program(trained, "promote", "sweep=last", "margin=3")
    assert done.returncode == 0, done.stderr
    assert "is champion now. Not worse by more than the margin of 3 percentage points: " in done.stdout
    assert f"run {higher} is the champion of 'digits' already" in error_line(run_program(trained, "promote"))
    said = error_line(run_program(trained, "promote", f"run={lower[:8]}"))
    assert said.startswith(
        f"error: version 1 of 'digits' (run {lower}) is not promoted, and stays challenger. On valid"
    )
    assert "run= names the run" in error_line(run_program(trained, "promote", "run=last", "sweep=last"))
    assert "champions are known to MLflow only" in error_line(run_program(trained, "promote", "tracking=none"))


def test_the_program_without_runs(root):
    assert "there is no finished run to promote" in error_line(run_program(root, "promote"))
    assert "there is no sweep yet" in error_line(run_program(root, "promote", "sweep=last"))


def test_a_run_that_diverged_stands_for_election_only_where_it_is_named(store, a_run):
    a_run("k1", validation=0.5, correct=500)
    named = a_run("k2", validation=0.9, correct=900, diverged=3, best_epoch=2)
    assert candidate_of(load_results())["run_key"] == "k1"
    assert promote(store, named).promoted
    version = store.client.get_model_version_by_alias("digits", "champion")
    assert version.description.startswith("Diverged in epoch 3: test accuracy 0.9000 (validation accuracy 0.9000 at")


def test_where_every_run_diverged_none_is_chosen(write_run):
    write_run("k1", diverged=1)
    with pytest.raises(EyechartError, match="every run diverged, so none is chosen: name the run to promote, run=KEY"):
        candidate_of(load_results())
