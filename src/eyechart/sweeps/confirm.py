"""Asks new seeds about the rows that a sweep chose, after its runs are finished.

The winner of each board and its runner-up are trained with the lowest seeds that no run of these rows has had. The
choice and its seeds are written into the sweep's manifest before anything is trained, so the same command, typed again,
goes on with them, whatever has been trained meanwhile.
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
from collections.abc import Callable, Iterable, Sequence

from eyechart.comparison.groups import Board, as_dicts, boards, chosen_row
from eyechart.comparison.results import results_of, rows_of
from eyechart.config import TRAINING_VERSION
from eyechart.core.errors import EyechartError
from eyechart.core.words import counted
from eyechart.runner.job import Job
from eyechart.runs.choice import Choice, ChosenRow
from eyechart.runs.journal import Journal, RecordKind
from eyechart.runs.listing import passing_over
from eyechart.runs.lock import RunLock
from eyechart.runs.run import Run
from eyechart.runs.sweep import Sweep
from eyechart.runs.tags import CONFIRMS, DATA_DIGEST, TRAINED_BY_VERSION
from eyechart.sweeps.plan import Configure, Plan
from eyechart.sweeps.sweep import OpenSweep

MOST = 2  # rows of a board: the winner and its runner-up


def seeds_asked(jobs: Iterable[Job]) -> int:
    """With how many new seeds what a sweep chooses is to be confirmed; 0: it is not."""
    return max((job.config.confirm or 0 for job in jobs), default=0)


def in_words(jobs: Sequence[Job], sweep: Sweep | None) -> str:
    """What is left to confirm when these jobs are finished, in one line.

    Args:
        jobs: of a sweep.
        sweep: the same, where it was typed before.
    """
    groups: dict[tuple[str, object], set[str]] = {}
    for job in jobs:
        row, _ = rows_of(job.config.parameters(), job.digest, TRAINING_VERSION)
        groups.setdefault((job.digest, job.config.limit), set()).add(row)
    rows, seeds = sum(min(MOST, len(found)) for found in groups.values()), seeds_asked(jobs)
    finished = sum(run.finished for run in confirming_runs(sweep)) if sweep else 0
    done = f", {finished} finished" if finished else ""
    return f"then confirm: {counted(rows, 'row')} x {counted(seeds, 'seed')}{done}"


def confirming_runs(sweep: Sweep) -> list[Run]:
    """The runs that confirm what a sweep chose, begun or not."""
    return [Run(key) for choice in sweep.choices for key in choice.run_keys]


def is_confirmed(sweep: Sweep, seeds: int) -> bool:
    """Whether what a sweep chose has been confirmed with so many seeds or more."""
    choices = sweep.choices
    enough = bool(choices) and all(len(choice.seeds) >= seeds for choice in choices)
    return not seeds or (enough and all(run.finished for run in confirming_runs(sweep)))


def confirm(
    sweep: OpenSweep,
    seeds: int,
    job_of: Callable[[str], Job],
    configure: Configure,
    launch: Callable[[Sequence[Job]], list[str]],
    *,
    together: bool = False,
) -> list[str]:
    """Have the winner and the runner-up of each of a sweep's boards trained with new seeds.

    Args:
        sweep: whose other runs are finished.
        seeds: how many.
        job_of: from the run key of one of its runs to its job.
        configure: from a job's overrides, and its place, to its checked configuration.
        launch: trains some jobs, and returns a line for each that failed.
        together: whether runs that can be are trained together.

    Returns:
        A line for each run that failed.

    Raises:
        EyechartError: with another seed a row would not be the same in everything else.
    """
    if not sweep.driven_here:
        print("another process drives the same sweep: it confirms, if it was asked to", file=sys.stderr, flush=True)
        return []
    confirming = {run.key for run in confirming_runs(sweep)}
    results = results_of(run for run in sweep.runs if run.key not in confirming)
    jobs, choices = [], []
    for board in boards(results):
        rows = _chosen(board, job_of)
        if not rows:
            why = "every run diverged" if board.chosen else board.note
            print(f"nothing is confirmed on {board.title}: {why}", flush=True)
            continue
        known = _known(sweep, rows)
        numbers = _seeds(known, seeds, {row.chosen.row for row in rows})
        made = [[row.job(seed, place, sweep.id, configure) for place, seed in enumerate(numbers)] for row in rows]
        confirmed = (
            dataclasses.replace(row.chosen, confirmed_by=tuple(job.run_key for job in of_row))
            for row, of_row in zip(rows, made, strict=True)
        )
        choices.append(Choice(tuple(confirmed), numbers, _seen(known, len(numbers))))
        jobs += list(itertools.chain(*made))
        names = " and ".join(row.chosen.name for row in rows)
        print(f"confirming {names} on {board.title}: seeds {', '.join(map(str, numbers))}", flush=True)
    sweep.cover(jobs, choices)
    if not jobs:
        return []
    _mark(jobs, sweep)
    plan = Plan(tuple(jobs), together=together)
    print(plan.tell().splitlines()[-1], flush=True)
    return launch(plan.to_train) if plan.to_train else []


def _chosen(board: Board, job_of: Callable[[str], Job]) -> list[_Row]:
    """The rows of a board that are to be confirmed: the first of those that can be."""
    rows = [
        ChosenRow(row["run"], chosen_row(row["group"]), tuple(row["run_keys"]))
        for row in as_dicts(board.rows)
        if board.chosen and row["diverged"] < row["seeds"]
    ]
    return [_Row(row, job_of) for row in rows[:MOST]]


def _known(sweep: Sweep, rows: Sequence[_Row]) -> Choice | None:
    """What the manifest says of the choice of these rows; None where a search has chosen others since."""
    wanted = [row.chosen.row for row in rows]
    return next((choice for choice in sweep.choices if [row.row for row in choice.rows] == wanted), None)


@dataclasses.dataclass(frozen=True)
class _Row:
    """A row that is to be confirmed, and where the jobs of its runs are found."""

    chosen: ChosenRow
    job_of: Callable[[str], Job]

    def job(self, seed: int, place: int, sweep: str, configure: Configure) -> Job:
        """The job of a new seed: as one of the runs that chose the row, which may differ in their fold, in turn."""
        like = self.job_of(self.chosen.chosen_by[place % len(self.chosen.chosen_by)])
        words = [word for word in like.overrides if word.lstrip("+~").partition("=")[0] != "seed"]
        words.append(f"seed={seed}")
        name = " ".join(word for word in like.name.split() if word.partition("=")[0] != "seed")
        job = Job.of(configure(words, like.number), words, f"{name} seed={seed}, confirming".strip(), like.number)
        same = rows_of(job.config.parameters(), job.digest, TRAINING_VERSION)
        if self.chosen.row not in same:
            before, now = Run(like.run_key).params, job.config.parameters()
            other = [name for name in sorted({*before, *now} - {"seed"}) if before.get(name) != now.get(name)]
            raise EyechartError(
                f"'{self.chosen.name}' cannot be confirmed: expected runs with another seed to differ in nothing else, "
                f"received others in {', '.join(other) or 'the version of their training'}; type confirm=null"
            )
        return dataclasses.replace(job, confirms=sweep)


def _seeds(known: Choice | None, number: int, rows: set[str]) -> tuple[int, ...]:
    """The seeds that are chosen already, and as many more of the lowest that no run of these rows has had."""
    chosen = known.seeds if known else ()
    used: set[int | None] = {*chosen}
    for run in Run.all():
        with passing_over():
            said = run.journal
            version = int(said.tags.get(TRAINED_BY_VERSION, 1))
            if said.params and rows.intersection(rows_of(said.params, said.tags.get(DATA_DIGEST), version)):
                used.add(said.params.get("seed"))
    new = (seed for seed in itertools.count() if seed not in used)
    return (*chosen, *itertools.islice(new, max(0, number - len(chosen))))


def _seen(known: Choice | None, number: int) -> tuple[int, ...]:
    """With how many seeds the answer could be seen before there were so many."""
    if known is None:
        return ()
    more = number > len(known.seeds) and all(Run(key).finished for key in known.run_keys)
    return (*known.seen, len(known.seeds)) if more else known.seen


def _mark(jobs: Sequence[Job], sweep: OpenSweep) -> None:
    """Tag those that something else has trained since they were chosen."""
    for job in jobs:
        run = job.run
        if not run.finished or run.tags.get(CONFIRMS):
            continue
        with RunLock.take(run.folder, f"run {run.key}"):
            journal = Journal(run.folder)
            journal.append(RecordKind.TAGS, values={CONFIRMS: sweep.id})
            journal.close()
        if sweep.courier is not None:
            sweep.courier.tell(run.folder)
