"""The code that a run uses, as far as it decides the result: a token for each choice, and the files behind it."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from eyechart.code import versions
from eyechart.code.module import PACKAGE, is_own
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
        notes: a sentence for each file that counts as a whole, with the reason.
    """

    token: str
    files: Mapping[str, str]
    own: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class UsedCode:
    """The code behind all choices.

    Attributes:
        choices: what was chosen of which code counts, as `model`.
        tokens: by the choice, as `model`: what its code counts by, where that is not the package's first version.
        files: of each file, a hash over what of it counts.
        own: whether a person's own code is among it.
        notes: a sentence for each file that counts as a whole, with the reason.
    """

    choices: tuple[str, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    own: bool = False
    notes: tuple[str, ...] = ()

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
    reached = reach([target], lambda module: module.partition(".")[0] == top or is_own(module), strict=True)
    taken = (versions.in_table(name) for name in reached.outside if name.startswith(f"{PACKAGE}."))
    base = versions.tokens(name for name in taken if name)
    token = digest(reached.token, base) if base else reached.token
    return Part(token, reached.files, own=True, notes=tuple(_notes(reached)))


def package_code(*names: str) -> Part:
    """Read code of this package, by its names in `versions.json`."""
    files: dict[str, str] = {}
    for name in names:
        files |= versions.reached_by(name).files
    return Part(versions.tokens(names), files)


def with_files(part: Part, names: Sequence[str]) -> Part:
    """The same code where it also reads files, which a person named.

    Args:
        part: the code.
        names: of the files, from the workspace on.

    Raises:
        ConfigError: one cannot be read.
    """
    contents = {name: _content(name) for name in names}
    return Part(digest(part.token, *contents.values()), {**part.files, **contents}, own=part.own, notes=part.notes)


@functools.cache
def _content(name: str) -> str:
    try:
        content = (paths.workspace() / name).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"model.depends names '{name}', which cannot be read ({error.strerror}): expected files, "
            f"from {paths.workspace()} on"
        ) from None
    return hashlib.sha256(content).hexdigest()[:12]


def _notes(reached: Reached) -> Iterator[str]:
    for file, why in reached.whole.items():
        yield f"{file} counts as a whole, because {why}: any change of it trains anew"
