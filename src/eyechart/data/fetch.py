"""From a data set's configuration to its raw folder: try one place after another until the right content is found.

The order is: what already lies in the raw folder, the user's mirrors, the caches of this machine, the public addresses.
What counts is the decoded content (`Images.digest`), because those who pass data sets on compress and pack them anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyechart import paths
from eyechart.data.config import DatasetConfig, FormConfig
from eyechart.data.formats import Images, decode
from eyechart.data.sources import NotThereError, UnreachableError, below, get, is_url, may_exist
from eyechart.errors import DataError
from eyechart.files import replacing, write_json

MIRRORS = "EYECHART_MIRRORS"
RECORD = "source.json"
TIMEOUT = 20.0  # seconds


@dataclass(frozen=True)
class Fetched:
    """What `fetch` did.

    Attributes:
        folder: the raw folder.
        place: where the files came from; None if they were there already.
        files: their names below `folder`.
        notes: what a person should know of places that were passed over, one line each.
    """

    folder: Path
    place: str | None
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    place: str
    form: FormConfig
    label: str  # what the user calls the place


@dataclass(frozen=True)
class _Failure:
    label: str
    reason: str
    surprising: bool  # worth a note even when another place has the files


def fetch(dataset: DatasetConfig, mirrors: Sequence[str] = (), *, timeout: float = TIMEOUT) -> Fetched:
    """Put the files of a data set, and a record of their origin (`source.json`), into its raw folder.

    The folder is written whole or not at all. If it holds the right content already, nothing is done.

    Args:
        dataset: the data set.
        mirrors: folders or http(s) URLs to try after those in the environment variable EYECHART_MIRRORS (separated by
            commas). Each may hold the files themselves or a folder named after the data set.
        timeout: seconds a web server may be silent.

    Raises:
        DataError: no place holds the right content. The message lists each place with the reason.
        OSError: the raw folder cannot be written.
    """
    raw = paths.raw(dataset.name)
    if (record := _record(dataset)) and _unchanged(record, raw):
        return Fetched(raw, None, tuple(file["name"] for file in record["files"]))
    named = [*mirrors_from_environment(), *mirrors]
    failures: list[_Failure] = []
    given_up: set[str] = set()
    for candidate in _candidates(dataset, named, raw):
        server = _server(candidate.place)
        if server in given_up:
            continue
        try:
            with replacing(raw) as folder:
                files = _collect(dataset, candidate, folder, timeout)
            return Fetched(raw, candidate.place, files, tuple(_summary(f for f in failures if f.surprising)))
        except NotThereError as error:
            failures.append(_Failure(candidate.label, str(error), surprising=False))
        except UnreachableError as error:
            given_up.add(server)
            failures.append(_Failure(candidate.label, str(error), surprising=candidate.label in named))
        except DataError as error:
            failures.append(_Failure(candidate.label, str(error), surprising=True))
    tried = "; ".join(_summary(failures))
    by_hand = ", or ".join(" + ".join(form.files) for form in dataset.forms)
    raise DataError(
        f"no source holds data set '{dataset.name}'. Tried {tried}. To supply it by hand, put its files ({by_hand}) "
        f"into a folder and type: {MIRRORS}=/that/folder python pipelines/fetch.py dataset={dataset.name}"
    )


def mirrors_from_environment() -> list[str]:
    """The folders and URLs that EYECHART_MIRRORS names, separated by commas."""
    return [place for entry in os.environ.get(MIRRORS, "").split(",") if (place := entry.strip())]


def read_raw(dataset: DatasetConfig) -> Images:
    """Decode what `fetch` has put into the raw folder.

    Raises:
        DataError: the data set has not been fetched, or its files are not what they were then.
    """
    again = f"type: python pipelines/fetch.py dataset={dataset.name}"
    record, raw = _record(dataset), paths.raw(dataset.name)
    if record is None:
        raise DataError(f"data set '{dataset.name}' is not fetched (expected it in {raw}); {again}")
    try:
        images = _decode(dataset, record["format"], raw, [file["name"] for file in record["files"]])
    except DataError as error:
        raise DataError(f"the files in {raw} are damaged: {error}; to fetch them again, {again}") from None
    return images


def _candidates(dataset: DatasetConfig, mirrors: Sequence[str], raw: Path) -> Iterator[_Candidate]:
    if raw.is_dir():  # files put there by hand are as good as others
        yield from (_Candidate(str(raw), form, str(raw)) for form in dataset.forms)
    for mirror in mirrors:
        inner = below(mirror, dataset.name)  # looked at first, because the files of several data sets have equal names
        if may_exist(inner):
            yield from (_Candidate(inner, form, mirror) for form in dataset.forms)
        yield from (_Candidate(mirror, form, mirror) for form in dataset.forms)
    for places in ("caches", "urls"):
        for form in dataset.forms:
            yield from (_Candidate(place, form, place) for place in getattr(form, places))


def _server(place: str) -> str:
    return place.split("/")[2] if is_url(place) else place


def _summary(failures: Iterable[_Failure]) -> list[str]:
    """One text per label: the surprising reasons if there are any, else all, each once."""
    by_label: dict[str, list[_Failure]] = {}
    for failure in failures:
        by_label.setdefault(failure.label, []).append(failure)
    lines = []
    for label, group in by_label.items():
        reasons = [failure.reason for failure in group if failure.surprising] or [failure.reason for failure in group]
        lines.append(f"{label}: {', '.join(dict.fromkeys(reasons))}")
    return lines


def _collect(dataset: DatasetConfig, candidate: _Candidate, folder: Path, timeout: float) -> tuple[str, ...]:
    """Copy one form from one place into `folder`, and verify and record it; return the names of the files."""
    form = candidate.form
    files = tuple(
        get(candidate.place, file, folder, timeout=timeout).relative_to(folder).as_posix() for file in form.files
    )
    _decode(dataset, form.format, folder, files)
    record = {
        "name": dataset.name,
        "sha256": dataset.sha256,
        "format": form.format,
        "files": [
            {"name": name, "from": below(candidate.place, name), "sha256": _hash(folder / name)} for name in files
        ],
    }
    write_json(folder / RECORD, record)
    return files


def _decode(dataset: DatasetConfig, format: str, folder: Path, files: Sequence[str]) -> Images:
    images = decode(format, [folder / name for name in files], classes=len(dataset.class_names))
    if (digest := images.digest()) != dataset.sha256:
        raise DataError(f"other content: expected the SHA-256 {dataset.sha256} of the arrays. Received: {digest}")
    return images


def _record(dataset: DatasetConfig) -> dict[str, Any] | None:
    """The record of an earlier fetch of this content, if there is one."""
    try:
        record = json.loads((paths.raw(dataset.name) / RECORD).read_text(encoding="utf-8"))
        return record if record["sha256"] == dataset.sha256 and record["files"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _unchanged(record: dict[str, Any], raw: Path) -> bool:
    try:
        return all(_hash(raw / file["name"]) == file["sha256"] for file in record["files"])
    except OSError:
        return False


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
