"""The code that a run uses, as far as it decides the result: a token for each choice, and the files behind it."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from eyechart.code import versions
from eyechart.code.module import is_own, is_unseen
from eyechart.code.reach import Reached, reach
from eyechart.code.syntax import digest
from eyechart.core import paths
from eyechart.core.errors import ConfigError


@dataclass(frozen=True)
class Part:
    """The code behind one choice.

    Attributes:
        token: what it counts by; empty: the first version of the package's own code, which run keys do not name.
        files: of each file, a hash over what of it counts.
        own: whether it is a person's own.
        notes: a sentence for each file that counts as a whole, or cannot be read, with the reason.
        first: whether all of the package's code in it is of its first version.
    """

    token: str
    files: Mapping[str, str]
    own: bool = False
    notes: tuple[str, ...] = ()
    first: bool = True


@dataclass(frozen=True)
class UsedCode:
    """The code behind all choices.

    Attributes:
        choices: what was chosen of which code counts, as `model`.
        tokens: by the choice, as `model`: what its code counts by, where that is not the package's first version.
        files: of each file, a hash over what of it counts.
        own: whether a person's own code is among it.
        notes: a sentence for each file that counts as a whole, or cannot be read, with the reason.
        first: whether all of the package's code in it is of its first version, as it was before code was recorded.
    """

    choices: tuple[str, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    own: bool = False
    notes: tuple[str, ...] = ()
    first: bool = True

    @classmethod
    def of(cls, parts: Mapping[str, Part]) -> UsedCode:
        """Put together what was chosen."""
        files: dict[str, str] = {}
        for part in parts.values():  # two choices may use one file, and different things of it
            files |= {file: digest(files[file], one) if file in files else one for file, one in part.files.items()}
        return cls(
            tuple(parts),
            {choice: part.token for choice, part in parts.items() if part.token},
            files,
            any(part.own for part in parts.values()),
            tuple(dict.fromkeys(note for part in parts.values() for note in part.notes)),
            all(part.first for part in parts.values()),
        )

    def changed(self, before: Mapping[str, str]) -> list[str]:
        """The files of which other code counts than `before`, which has the hashes of that time."""
        return sorted(file for file in {*before, *self.files} if before.get(file) != self.files.get(file))


@functools.cache  # before the import, and once: what is edited later is not what this process runs
def own_code(target: str) -> Part:
    """Read a person's own class, and what it reaches in files of the person's own. Nothing of it is imported.

    Args:
        target: its whole name.

    Raises:
        ConfigError: a file cannot be parsed.
    """
    top = target.partition(".")[0]
    try:
        reached = reach([target], lambda module: module.partition(".")[0] == top or is_own(module), strict=True)
        reached.token  # noqa: B018
    except RecursionError:
        raise ConfigError(f"the code of {target} nests more deeply than can be read: expected it in parts") from None
    below = versions.below(reached.outside)
    if not reached.pieces and (elsewhere := reached.outside - {target}):  # the file only hands on what others wrote
        return package_code(*below) if below else own_code(*elsewhere)
    base = versions.tokens(below)
    first = not any(versions.token(name) for name in below if name in versions.table())
    token = digest(reached.token, base) if base else reached.token
    return Part(token, reached.files, own=True, notes=tuple(_notes(reached)), first=first)


def package_code(*names: str) -> Part:
    """Read code of this package, by its names in `versions.json`."""
    files: dict[str, str] = {}
    for name in names:
        files |= versions.reached_by(name).files
    token = versions.tokens(names)
    return Part(token, files, first=not token)


def with_files(part: Part, names: Sequence[str]) -> Part:
    """The same code where it also reads files, which a person named.

    Args:
        part: the code.
        names: of the files, from the workspace on.

    Raises:
        ConfigError: one cannot be read.
    """
    contents = {name: _content(name) for name in names}
    return replace(part, token=digest(part.token, *contents.values()), files={**part.files, **contents})


@functools.cache
def _content(name: str) -> str:
    try:
        with (paths.workspace() / name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:12]
    except OSError as error:
        raise ConfigError(
            f"model.depends names '{name}', which cannot be read ({error.strerror}): expected files, "
            f"from {paths.workspace()} on"
        ) from None


def _notes(reached: Reached) -> Iterator[str]:
    for file, why in reached.whole.items():
        yield f"{file} counts as a whole, because {why}: any change of it trains anew"
    for name in sorted(reached.outside):
        if is_unseen(name):
            yield f"{name} is in no file of Python that is found: name its file in model.depends, so that changes count"
