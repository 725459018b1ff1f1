"""Who is champion: the registered model that is to be used until another one is shown to be as good or better.

The candidate is the run that is best on validation data. It becomes champion if there is none yet, or if it was trained
on the same data, is better on validation data than the champion, and the test images show that it is better, or not
worse by more than a margin. Where the two held back different images, their answers to those that both held back are
compared, or, where these are too few, only those to the test images. Each such test uses the test images up a little:
their answers choose, and a score that chose is too good. So every decision says how many there have been on these
images.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from eyechart.comparison.answers import Read, correctness, read_answers
from eyechart.comparison.exchange import check_margin, exchange
from eyechart.comparison.groups import as_dicts, best_first, boards, folds_of
from eyechart.comparison.leakage import leakage
from eyechart.comparison.results import result_of
from eyechart.core import paths
from eyechart.core.errors import ConfigError, EyechartError
from eyechart.core.passwords import hide_password
from eyechart.data.inequality import inequality
from eyechart.evaluation import verdict
from eyechart.evaluation.scores import warnings
from eyechart.runs.cursor import deleted, delivered_run_id
from eyechart.runs.journal import is_private
from eyechart.runs.run import Run
from eyechart.runs.status import in_a_sentence
from eyechart.runs.tags import DATA_DIGEST, DECISION, USES
from eyechart.tracking import registry
from eyechart.tracking.registry import CHALLENGER, CHAMPION, Version
from eyechart.tracking.store import Store, local_uri
from eyechart.training.early_stopping import improvement

if TYPE_CHECKING:
    import pandas as pd

MARGIN = 100 * verdict.MARGIN  # percentage points of accuracy, as boards go by


@dataclass(frozen=True)
class Decision:
    """What came of an election.

    Attributes:
        promoted: whether the candidate is champion now.
        candidate: its version.
        why: in a sentence or two.
        champion: the version that was champion before; None if there was none.
    """

    promoted: bool
    candidate: Version
    why: str
    champion: Version | None


def candidate_of(results: pd.DataFrame, run: Run | None = None) -> dict[str, Any]:
    """The result of the run that stands for election.

    Args:
        results: as `load_results` gives them; not empty.
        run: that one; None: the one that is best on validation data, of those that did not diverge.

    Raises:
        EyechartError: the runs cannot be compared, or none was held against validation data.
    """
    if run is not None:
        return as_dicts(result_of(run))[0]
    read = functools.cache(read_answers)
    found = boards(results, read)
    if len(found) > 1:
        titles = "; ".join(board.title for board in found)
        raise EyechartError(
            f"expected runs on one data set, received {len(found)} boards ({titles}): "
            f"choose with sweep=last or experiment_name=NAME, or name the run: run=KEY"
        )
    ranking = best_first(results, read)
    if ranking.reason:
        raise EyechartError(f"{ranking.reason}, so no run is best on validation data: name the run to promote, run=KEY")
    (candidate,) = as_dicts(results[results["run_key"] == ranking.run_keys[0]])
    if candidate["diverged"]:
        raise EyechartError("every run diverged, so none is chosen: name the run to promote, run=KEY")
    return candidate


def promote(store: Store, candidate: Mapping[str, Any], name: str | None = None, margin: float = MARGIN) -> Decision:
    """Hold an election, and write its outcome on the candidate's version.

    The loser, candidate or former champion, is `challenger`.

    Args:
        store: whose registry.
        candidate: the result of its run, as `candidate_of` gives it.
        name: of the registered model; None: the data set's.
        margin: how much worse the candidate may be on test data at most, in percentage points of accuracy.

    Raises:
        ConfigError: no model can have that name, or no difference that margin.
        EyechartError: the candidate is champion already, it or its model has not been delivered, or it and the champion
            cannot be compared.
    """
    run_key, digest = str(candidate["run_key"]), str(candidate["data_digest"])
    name = name or str(candidate["dataset"])
    if not re.fullmatch(r"[\w. -]+", name):
        raise ConfigError(f"name must be made of letters, digits, spaces and _ . -, received '{name}'")
    check_margin(margin)
    _ = store.client  # a store that cannot be opened is what is to be told then
    run_id = delivered_run_id(Run(run_key).folder, store.uri)
    if run_id is None:
        raise EyechartError(_not_delivered(Run(run_key), store))
    notes = paths.own_notes()
    notes.mkdir(parents=True, exist_ok=True)
    with FileLock(notes / "promotion.lock"):  # two that decide at once would both go by the old champion
        champion = registry.find_version(store, name, CHAMPION)
        if champion is not None:
            _check(champion, name, run_key, digest)
        counter = f"{USES}.{digest[:12]}"
        uses = registry.count(store, name, counter)
        if champion is None:
            promoted, why = True, "The first champion: there was none to compare it with."
        else:
            promoted, why, used = _compare(candidate, champion, margin)
            uses += used
        version = registry.register(store, name, run_key, run_id)
        why = " ".join([why, *_warnings(candidate), _so_often(uses)])
        about = f"{in_a_sentence(candidate, candidate['diverged']).capitalize()}. {why}"
        registry.set_count(store, name, counter, uses)
        tags = {DATA_DIGEST: digest, DECISION: "promoted" if promoted else "not promoted", USES: uses}
        registry.note(store, version, about, tags)
        if promoted:
            registry.point(store, CHAMPION, version)
            if champion is not None:
                registry.point(store, CHALLENGER, champion)
        else:
            registry.point(store, CHALLENGER, version)
    return Decision(promoted, version, why, champion)


def _warnings(candidate: Mapping[str, Any]) -> list[str]:
    """What should be known of the candidate's accuracy, in sentences; nothing where its answers are not known."""
    try:
        found = correctness([str(candidate["run_key"])])
    except EyechartError:
        return []
    counts = found.counts[0]
    unequal = inequality(counts.support.tolist(), found.class_names, "test")
    lines = [*([unequal] if unequal else []), *warnings(counts, found.class_names), *leakage([candidate])]
    return [f"Warning: {line}." for line in lines]


def _not_delivered(run: Run, store: Store) -> str:
    """Why the store does not have a run, and what to type."""
    if deleted(run.folder, store.uri):
        return f"run {run.key} was deleted in this tracking store: restore it there, then type the same again"
    said = f"run {run.key} has not been delivered to this tracking store"
    if is_private(run.folder):
        return f"{said}, because it was trained with tracking=none: type the command that trained it, without that"
    to = "" if store.uri == local_uri() else f" to={hide_password(store.uri)}"
    return f"{said}: type python pipelines/sync.py{to}, then the same again"


def _check(champion: Version, name: str, run_key: str, digest: str) -> None:
    """Raise EyechartError where there is nothing to decide, or no way to."""
    if champion.run_key == run_key:
        raise EyechartError(f"run {run_key} is the champion of '{name}' already (version {champion.number})")
    known = champion.tags.get(DATA_DIGEST, "")
    if known != digest:
        raise EyechartError(
            f"expected a run on the data of the champion of '{name}' (digest {known[:12] or 'unknown'}), received one "
            f"on digest {digest[:12]}: scores on different data do not compare; type name=NEW for a model of its own"
        )


def _compare(candidate: Mapping[str, Any], champion: Version, margin: float) -> tuple[bool, str, bool]:
    """Whether the candidate takes the champion's place, why, and whether the test images were asked."""
    run = Run(champion.run_key)
    if not run.finished:
        raise EyechartError(
            f"the champion's run {champion.run_key} is not in {paths.runs()}: copy its folder there, "
            f"or promote where it is"
        )
    (known,) = as_dicts(result_of(run))
    who = f"the champion (version {champion.number}, run {champion.run_key})"
    read = functools.cache(read_answers)
    lost, said = _on_validation(candidate, known, who, read)
    if lost:
        return False, said, False
    left, right = correctness([str(candidate["run_key"])], read), correctness([champion.run_key], read)
    if left.images != right.images:
        raise EyechartError(f"the candidate and {who} were not tested on the same images: train one of them again")
    found = exchange(left, right, who, margin)
    return found.allowed, f"{said}{found.why}", True


def _on_validation(candidate: Mapping[str, Any], champion: Mapping[str, Any], who: str, read: Read) -> tuple[bool, str]:
    """Whether the candidate is no better on validation data, and what is to be said of it; nothing if it is better."""
    metric, runs = candidate["monitor"], (candidate, champion)
    if not isinstance(metric, str) or metric != champion["monitor"]:
        return False, ""
    ground = folds_of(runs, read).ground([[str(run["run_key"])] for run in runs])
    if ground.reason:
        return False, f"Validation data do not choose between them: {ground.reason}. "
    ours, theirs = ground.scores or (candidate[metric], champion[metric])
    if ground.scores:
        metric = "validation/accuracy"
    if improvement(metric, ours, theirs) > 0:
        return False, ""
    on = f", on the {ground.images:,} images that both held back" if ground.scores else ""
    return True, f"On validation data ({metric}{on}) {ours:.4f} is not better than the {theirs:.4f} of {who}."


def _so_often(uses: int) -> str:
    times = "have not been used" if not uses else f"have been used {'once' if uses == 1 else f'{uses} times'}"
    return f"These test images {times} to decide who is champion."
