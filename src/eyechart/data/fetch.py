"""From a data set's configuration to its raw folder: try one place after another until the right content is found.

The order is: what already lies in the raw folder, the user's mirrors, the caches of this machine, the public addresses.
What counts is the decoded content (`Images.digest`), because those who pass data sets on compress and pack them anew.
A person's own data set need not say what its content is: then the first place that holds its files decides, and the raw
folder is held to the files that were found there, byte by byte.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyechart.core import paths
from eyechart.core.errors import DataError, EyechartError
from eyechart.core.files import write_json
from eyechart.core.folders import Kind, in_short, not_made_by, replacing_folder
from eyechart.data.alike import TOGETHER
from eyechart.data.config import GROUP_FOLDER, DatasetConfig, FormConfig
from eyechart.data.formats import Images, decode
from eyechart.data.formats.folder import list_images
from eyechart.data.images import numbering
from eyechart.data.on_disk import kind_of, unreadable
from eyechart.data.sources import NotThereError, UnreachableError, below, find_folder, get, is_url, may_exist

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
        remarks: what a person should know of the data, one line each.
    """

    folder: Path
    place: str | None
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class _OtherDigestError(DataError):
    """The content is right, but has had another digest since labels are numbered."""


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
    broken: bool = False  # the place has the files, and they cannot be read or are not what they should be


def fetch(dataset: DatasetConfig, mirrors: Sequence[str] = (), *, timeout: float = TIMEOUT) -> Fetched:
    """Put the files of a data set, and a record of their origin (`source.json`), into its raw folder.

    The folder is written whole or not at all. If it holds the right content already, nothing is done.

    Args:
        dataset: the data set.
        mirrors: folders or http(s) URLs to try after those in the environment variable EYECHART_MIRRORS (separated by
            commas). Each may hold the files themselves or a folder named after the data set, or after the one whose
            images it lays over photographs.
        timeout: seconds a web server may be silent.

    Raises:
        DataError: no place holds the right content. The message lists each place with the reason. Or the data set has
            no hash, and what the first place that holds it has is damaged or cannot be read. Or the raw folder holds
            something else.
        OSError: the raw folder cannot be written.
    """
    raw = paths.raw(dataset.name)
    known = _record(dataset)
    if known and _holds(raw, *known) and (dataset.sha256 or not _source_changed(*known)):
        others = not_made_by(raw, FETCHED)
        left = [f"{raw}: {in_short(others)}, which fetch.py did not put there, and leaves there"] if others else []
        return Fetched(raw, None, tuple(_names(known[0])), tuple(left))
    named = [*mirrors_from_environment(), *mirrors]
    failures: list[_Failure] = []
    given_up: set[str] = set()
    for candidate in _candidates(dataset, named, raw):
        server = _server(candidate.place)
        if server in given_up:
            continue
        try:
            kind = _put_by_hand(raw, candidate.form) if candidate.place == str(raw) else FETCHED
            with replacing_folder(raw, kind) as folder:
                files, ignored, images = _collect(dataset, candidate, folder, timeout)
            notes = _summary(f for f in failures if f.surprising)
            remark = numbering(images.originals)
            return Fetched(raw, candidate.place, files, (*notes, *ignored), (remark,) if remark else ())
        except NotThereError as error:
            failures.append(_Failure(candidate.label, str(error), surprising=False))
        except UnreachableError as error:
            given_up.add(server)
            # where nothing says what the data are, those of the next place may be others
            told = candidate.label in named or (dataset.sha256 is None and is_url(candidate.place))
            failures.append(_Failure(candidate.label, str(error), surprising=told))
        except DataError as error:
            # another place's files would be other data, or have the same digest as these
            if dataset.sha256 is None or isinstance(error, _OtherDigestError):
                raise DataError(f"data set '{dataset.name}' in {candidate.label}: {error}") from None
            failures.append(_Failure(candidate.label, str(error), surprising=True, broken=True))
        except EyechartError as error:  # there is something else in the raw folder
            looked_at = f" ({'; '.join(_summary(failures))})" if failures else ""
            raise DataError(f"{error}{looked_at}") from None
    raise _nowhere(dataset, failures)


def _nowhere(dataset: DatasetConfig, failures: Sequence[_Failure]) -> DataError:
    tried = "; ".join(_summary(failures)) or "no place, because none is named"
    sound = "a sound copy of " if any(failure.broken for failure in failures) else ""
    origin = f"get its files from {dataset.origin}, and put them" if dataset.origin else "put its files"
    by_hand = ", or ".join(" + ".join(form.files) for form in dataset.forms)
    return DataError(
        f"no source holds {sound}data set '{dataset.name}'. Tried {tried}. To supply it by hand, {origin} ({by_hand}) "
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
    raw = paths.raw(dataset.name)
    record, form = _known(dataset)
    try:
        if dataset.sha256 is None and not _holds(raw, record, form):
            raise DataError("they are not those that were fetched")
        return _decode(dataset, form, raw, _names(record))
    except _OtherDigestError as error:
        raise DataError(f"data set '{dataset.name}' in {raw}: {error}") from None
    except DataError as error:
        raise DataError(f"the files in {raw} are damaged: {error}; to fetch them again, {again}") from None


def form_of(dataset: DatasetConfig) -> FormConfig:
    """The form of what `fetch` has put into the raw folder, as it is configured now.

    Raises:
        DataError: the data set has not been fetched.
    """
    return _known(dataset)[1]


def _candidates(dataset: DatasetConfig, mirrors: Sequence[str], raw: Path) -> Iterator[_Candidate]:
    # files put there by hand are as good as others; but what was fetched and has changed since is only known by a hash
    if raw.is_dir() and (dataset.sha256 or not (raw / RECORD).exists()):
        yield from (_Candidate(str(raw), form, str(raw)) for form in dataset.forms)
    names = [dataset.name]
    if dataset.background is not None:  # the files are those of another one, which may have been fetched
        names.append(dataset.background.of)
        fetched = str(paths.raw(dataset.background.of))
        if may_exist(fetched):
            yield from (_Candidate(fetched, form, fetched) for form in dataset.forms)
    for mirror in mirrors:
        for name in names:
            inner = below(mirror, name)  # looked at first, because the files of several data sets have equal names
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


def _collect(
    dataset: DatasetConfig, candidate: _Candidate, folder: Path, timeout: float
) -> tuple[tuple[str, ...], list[str], Images]:
    """Copy one form from one place into `folder`, and verify and record it.

    Returns:
        The names of the files, a note on those that were ignored if there are any, and what the files hold.
    """
    form = candidate.form
    wanted, ignored = _listing(candidate.place, form)
    files = tuple(
        get(candidate.place, file, folder, timeout=timeout, most=_most(dataset)).relative_to(folder).as_posix()
        for file in wanted
    )
    images = _decode(dataset, form, folder, files)
    record = {
        "name": dataset.name,
        "sha256": dataset.sha256,
        "format": form.format,
        "asked_for": list(form.files),
        "place": candidate.place,
        "files": [
            {"name": name, "from": below(candidate.place, name), "sha256": _hash(folder / name)} for name in files
        ],
    }
    write_json(folder / RECORD, record)
    return files, ignored, images


def _recorded(raw: Path) -> list[str]:
    """What an earlier fetch put into a raw folder, as the record there says, whichever its data set was."""
    try:
        record = json.loads((raw / RECORD).read_text(encoding="utf-8"))
        return [RECORD, *map(str, _names(record))]
    except (OSError, ValueError, KeyError, TypeError):
        return []


FETCHED = Kind("fetch", "", _recorded)


def _put_by_hand(raw: Path, form: FormConfig) -> Kind:
    """The raw folder as one that may be replaced by its own content, where it holds the files of a form and no more."""
    try:
        wanted = _listing(str(raw), form)[0]
    except (DataError, NotThereError, UnreachableError):  # the same is told where they are to be copied
        return FETCHED
    names = [*wanted, *(f"{name}.gz" for name in wanted), *(name.removesuffix(".gz") for name in wanted)]
    return Kind("fetch", "", lambda raw: _recorded(raw) or names)


def _listing(place: str, form: FormConfig) -> tuple[list[str], list[str]]:
    """The files that a form consists of in a place, and a note on those that do not belong to it if there are any."""
    if form.format != "folder":
        return form.files, []
    top = find_folder(place, form.files[0])
    try:
        listing = list_images(top, grouped=form.group == GROUP_FOLDER)
    except OSError as error:
        raise unreadable(top, error) from None
    names = [f"{form.files[0]}/{path.relative_to(top).as_posix()}" for path in listing.paths]
    total = listing.ignored.total()
    kinds = ", ".join(f"{count} {kind}" for kind, count in listing.ignored.most_common())
    what = "1 file in {} that is no image" if total == 1 else f"{total} files in {{}} that are no images"
    return names, [f"{what.format(top)}: {kinds}"] if total else []


def _decode(dataset: DatasetConfig, form: FormConfig, folder: Path, files: Sequence[str]) -> Images:
    for name in files:
        if kind_of(folder / name) != "file":
            raise DataError(f"{name} is missing")
    found = form.files if form.format == "folder" else files  # of the others, the name may lack the .gz or have it
    paths = [folder / name for name in found]
    together = dataset.copies == TOGETHER
    images = decode(form, paths, dataset.class_names, _most(dataset), together=together)
    if dataset.sha256 is not None and dataset.sha256 != (digest := images.content()):
        if dataset.sha256 == images.digest():
            return images
        if images.earlier_digest() == dataset.sha256:
            raise _OtherDigestError(
                f"{numbering(images.originals)}: write sha256: {digest} into conf/dataset/{dataset.name}.yaml"
            )
        raise DataError(f"other content: expected the SHA-256 {dataset.sha256} of the arrays. Received: {digest}")
    return images


def _known(dataset: DatasetConfig) -> tuple[dict[str, Any], FormConfig]:
    """As `_record`, or DataError where there is none."""
    known, raw = _record(dataset), paths.raw(dataset.name)
    if known is None:
        raise DataError(
            f"data set '{dataset.name}' is not fetched (expected it in {raw}); "
            f"type: python pipelines/fetch.py dataset={dataset.name}"
        )
    return known


def _most(dataset: DatasetConfig) -> int:
    """How many bytes a file of a data set may be sent as, or unpack to."""
    return round(dataset.max_gigabytes * 10**9)


def _record(dataset: DatasetConfig) -> tuple[dict[str, Any], FormConfig] | None:
    """The record of an earlier fetch of this data set, if there is one, and the form in which it came then."""
    try:
        record = json.loads((paths.raw(dataset.name) / RECORD).read_text(encoding="utf-8"))
        if record["sha256"] == dataset.sha256 and record["files"]:
            for form in dataset.forms:
                # the oldest records do not say which files were asked for, and did not need to
                if form.format == record["format"] and form.files == record.get("asked_for", form.files):
                    return record, form
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _holds(folder: Path, record: dict[str, Any], form: FormConfig) -> bool:
    """Whether a folder holds the recorded files, and no further images."""
    try:
        if form.format == "folder" and _listing(str(folder), form)[0] != _names(record):
            return False
        return all(_hash(folder / file["name"]) == file["sha256"] for file in record["files"])
    except (OSError, DataError, NotThereError, UnreachableError):
        return False


def _source_changed(record: dict[str, Any], form: FormConfig) -> bool:
    """Whether the folder on this machine that the files came from holds others by now; False where it is gone."""
    try:
        source = find_folder(record["place"], "")
    except (NotThereError, UnreachableError, DataError):
        return False
    there = all((source / name).exists() for name in (form.files if form.format == "folder" else _names(record)))
    return there and not _holds(source, record, form)


def _names(record: dict[str, Any]) -> list[str]:
    return [file["name"] for file in record["files"]]


def _hash(path: Path) -> str:
    if kind_of(path) != "file":
        raise DataError(f"{path.name} is missing")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
