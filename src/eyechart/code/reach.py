"""What a class or a function reaches by name: bases, helpers and constants, through all the files that belong to it."""

from __future__ import annotations

import ast
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from eyechart.code.module import Imported, Module, bound, is_not_run, read_module
from eyechart.code.syntax import digest, is_docstring, serialised

# what may reach anything, so that no reading tells what it reaches
DYNAMIC = frozenset(
    ["getattr", "setattr", "delattr", "exec", "eval", "compile", "globals", "locals", "vars", "__import__", "importlib"]
)
WHOLE = "*"  # in place of a name: all that a file does


@dataclass(frozen=True)
class Piece:
    """A definition that is reached, or a file that counts as a whole.

    Attributes:
        module: where it stands.
        name: what it defines, or `WHOLE`.
        text: its syntax, and what the names in it that come from elsewhere stand for.
    """

    module: Module
    name: str
    text: str


@dataclass(frozen=True)
class Reached:
    """All that some code reaches.

    Attributes:
        pieces: what counts.
        outside: what was reached beyond the files that count, whole names.
        whole: by the names of files that count as a whole, why.
    """

    pieces: tuple[Piece, ...]
    outside: frozenset[str] = frozenset()
    whole: dict[str, str] = field(default_factory=dict)

    @functools.cached_property
    def token(self) -> str:
        """One hash for all of it: 12 hexadecimal digits. Where a piece stands counts only if two have one name."""
        names = [piece.name for piece in self.pieces]
        texts = (
            f"{piece.module.name if names.count(piece.name) > 1 else ''}:{piece.name}:{piece.text}"
            for piece in self.pieces
        )
        return digest(*sorted(texts))

    @functools.cached_property
    def files(self) -> dict[str, str]:
        """Of each file, a hash over what of it counts."""
        by_file: dict[str, list[str]] = {}
        for piece in self.pieces:
            by_file.setdefault(piece.module.file, []).append(f"{piece.name}:{piece.text}")
        return {file: digest(*sorted(texts)) for file, texts in sorted(by_file.items())}


def reach(roots: Sequence[str], belongs: Callable[[str], bool], *, strict: bool) -> Reached:
    """Follow the names in some definitions, and in what these name, as far as the files that belong to them.

    Args:
        roots: whole names of classes, functions or constants.
        belongs: whether a module, by its name, is one of the files.
        strict: whether a file counts as a whole where names do not tell what is reached in it.
    """
    walk = _Walk(belongs, strict)
    for root in roots:
        walk.visit(Imported(*root.rpartition(".")[::2]))
    walk.run()
    pieces = sorted(walk.pieces.values(), key=lambda piece: (piece.module.name, piece.name))
    return Reached(tuple(pieces), frozenset(walk.outside), dict(sorted(walk.whole.items())))


class _Walk:
    """The state of `reach`: what was found, and what is still to be looked at."""

    def __init__(self, belongs: Callable[[str], bool], strict: bool):
        self._belongs, self._strict = belongs, strict
        self._left: list[tuple[Module, str]] = []
        self._seen: set[tuple[str, str]] = set()
        self._entered: set[str] = set()
        self.pieces: dict[tuple[str, str], Piece] = {}
        self.outside: set[str] = set()
        self.whole: dict[str, str] = {}

    def run(self) -> None:
        """Look at what is left until nothing is."""
        while self._left:
            while self._left:
                self._take(*self._left.pop())
            self._find_patches()

    def visit(self, target: Imported) -> None:
        """Reach a name of another file, or the file itself."""
        module = self._module(target.module)
        if module is None:
            self.outside.add(str(target))
        elif target.name is None:
            self._count_whole(module, "it is handed on as a module")
        elif target.name in module.definitions or target.name in module.imports:
            self._reach(module, target.name)
        elif submodule := self._module(f"{target.module}.{target.name}"):
            self._count_whole(submodule, "it is handed on as a module")
        elif module.stars:
            self._count_whole(module, f"it has from {module.stars[0]} import *")

    def _module(self, name: str) -> Module | None:
        """A module that belongs, together with what the packages around it do when they are imported."""
        if not name or not self._belongs(name) or (module := read_module(name)) is None:
            return None
        if name not in self._entered:
            self._entered.add(name)
            if self._strict and module.effects:
                self._count_whole(module, "it does more than to define names")
            if parent := name.rpartition(".")[0]:
                self._module(parent)
            if self._strict:
                # what is imported may change what was there
                for imported in itertools.chain.from_iterable(module.imports.values()):
                    self._module(imported.module)
                    self._module(str(imported))
        return module

    def _reach(self, module: Module, name: str) -> None:
        if (module.name, name) not in self._seen:
            self._seen.add((module.name, name))
            self._left.append((module, name))

    def _count_whole(self, module: Module, why: str) -> None:
        if not self._strict and why.startswith("it has from"):
            return
        self.whole.setdefault(module.file, why)
        self._reach(module, WHOLE)

    def _take(self, module: Module, name: str) -> None:
        """Look at one name of a file, or at the whole file."""
        if name == WHOLE:
            statements = [one for one in module.tree.body if not (is_docstring(one) or is_not_run(one))]
            for star in module.stars:
                if starred := self._module(star):
                    self._count_whole(starred, f"{module.file} imports everything from it")
        elif name in module.definitions:
            statements = module.definitions[name]
        else:
            for imported in module.imports[name]:
                self._follow(imported)
            return
        names = {text for statement in statements for text in self._names_in(statement, module)}
        text = "".join(serialised(one) for one in statements if not isinstance(one, ast.Import | ast.ImportFrom))
        self.pieces[module.name, name] = Piece(module, name, "\n".join([text, *sorted(names)]))

    def _follow(self, target: Imported) -> None:
        if target.name is None and self._module(target.module) is None:
            self.outside.add(target.module)
        else:
            self.visit(target)

    def _names_in(self, statement: ast.stmt, module: Module) -> Iterator[str]:
        """Reach every name in a statement; what is said of those that come from elsewhere."""
        imports = {name: list(imported) for name, imported in module.imports.items()}
        for node in ast.walk(statement):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for name, imported in bound(node, module):
                    imports.setdefault(name, []).append(imported)
        for chain in _chains(statement):
            first = chain[0]
            if first in imports:
                for imported in imports[first]:
                    yield f"{first} is {self._through(imported, chain[1:])}"
            elif first in module.definitions:
                self._reach(module, first)
            elif module.stars:
                self._count_whole(module, f"it has from {module.stars[0]} import *")
            if self._strict and first in DYNAMIC and not self._reads_elsewhere(statement, first, imports):
                self._count_whole(module, f"it uses {first}")

    def _through(self, imported: Imported, rest: Sequence[str]) -> str:
        """Reach what a chain of attributes leads to; its name, where that lies elsewhere."""
        module, left = imported.module, list(rest)
        if imported.name is not None:
            if not self._belongs(f"{module}.{imported.name}") or read_module(f"{module}.{imported.name}") is None:
                self.visit(imported)
                return str(imported) if str(imported) in self.outside else imported.name
            module = f"{module}.{imported.name}"
        while left and self._belongs(f"{module}.{left[0]}") and read_module(f"{module}.{left[0]}") is not None:
            module = f"{module}.{left.pop(0)}"
        if self._module(module) is None:
            self.outside.add(".".join([module, *left[:1]]))
            return str(imported)
        self.visit(Imported(module, left[0] if left else None))
        return left[0] if left else "module"

    def _reads_elsewhere(self, statement: ast.stmt, name: str, imports: dict[str, list[Imported]]) -> bool:
        """Whether every use of `getattr` in a statement reads from what lies outside the files that count."""
        if name != "getattr":
            return False
        uses = [node for node in ast.walk(statement) if isinstance(node, ast.Name) and node.id == name]
        safe = 0
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name and node.args:
                chain = _chain(node.args[0])
                sources = imports.get(chain[0], []) if chain else []
                safe += bool(sources) and not any(self._belongs(source.module) for source in sources)
        return safe == len(uses)

    def _find_patches(self) -> None:
        """Reach what hands a definition that counts to a call, when its file is imported."""
        for module in {piece.module.name: piece.module for piece in self.pieces.values()}.values():
            counted = {name for owner, name in self.pieces if owner == module.name}
            for name, statements in module.definitions.items():
                if name not in counted and any(handed_over(one) & counted for one in statements):
                    self._reach(module, name)


def handed_over(statement: ast.stmt) -> set[str]:
    """The names that a definition gives to calls when it is made."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        made: list[ast.expr] = statement.decorator_list
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign) and statement.value is not None:
        made = [statement.value]
    else:
        return set()
    calls = [node for one in made for node in ast.walk(one) if isinstance(node, ast.Call)]
    given = [inner for call in calls for inner in (*call.args, *(keyword.value for keyword in call.keywords))]
    return {node.id for one in given for node in ast.walk(one) if isinstance(node, ast.Name)}


def _chains(statement: ast.stmt) -> Iterator[list[str]]:
    """Every name that a statement uses, with the attributes that are asked of it; not those of annotations."""
    left: list[ast.AST] = [statement]
    while left:
        node = left.pop()
        if chain := _chain(node):
            yield chain
            continue
        if isinstance(node, ast.If) and is_not_run(node):
            continue
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "type_comment"):
                continue
            left += [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, ast.AST)]


def _chain(node: ast.AST) -> list[str]:
    """`[a, b, c]` of `a.b.c`; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else []
