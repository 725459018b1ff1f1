"""What a class or a function reaches by name: bases, helpers and constants, through all the files that belong to it."""

from __future__ import annotations

import ast
import functools
import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from eyechart.code.module import Imported, Module, bound, is_not_run, read_module
from eyechart.code.syntax import digest, is_docstring, serialised

# what may reach anything, so that no reading tells what it reaches
DYNAMIC = frozenset(
    ["getattr", "setattr", "delattr", "exec", "eval", "compile", "globals", "locals", "vars", "__import__"]
)
CHANGES = DYNAMIC - {"getattr", "compile"}  # and may change anything
ATTRIBUTES = frozenset(["__dict__", "__globals__", "__subclasses__"])
REFLECTION = ("builtins", "importlib", "inspect", "operator.attrgetter", "pkgutil", "runpy", "sys.modules")
WHOLE = "*"  # in place of a name: all that a file does


@dataclass(frozen=True)
class Piece:
    """A definition that is reached, or a file that counts as a whole.

    Attributes:
        module: where it stands.
        name: what it defines, or `WHOLE`.
        text: its syntax, and what the names in it that come from elsewhere stand for.
        uses: names in it, each with the definition in these files that it stands for.
    """

    module: Module
    name: str
    text: str
    uses: frozenset[tuple[str, Imported]] = frozenset()


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
        return digest(*sorted(map(self._told, self.pieces)))

    @functools.cached_property
    def files(self) -> dict[str, str]:
        """Of each file, a hash over what of it counts."""
        by_file: dict[str, list[str]] = {}
        for piece in self.pieces:
            by_file.setdefault(piece.module.file, []).append(self._told(piece))
        return {file: digest(*sorted(texts)) for file, texts in sorted(by_file.items())}

    def _told(self, piece: Piece) -> str:
        uses = sorted(f"{name} is {self._called(place)}" for name, place in piece.uses)
        return "\n".join([f"{self._called(Imported(piece.module.name, piece.name))}:{piece.text}", *uses])

    def _called(self, place: Imported) -> str:
        return str(place) if place.name is None or place.name in self._ambiguous else place.name

    @functools.cached_property
    def _ambiguous(self) -> set[str | None]:
        """The names that stand for several definitions."""
        places = {Imported(piece.module.name, piece.name) for piece in self.pieces}
        places |= {place for piece in self.pieces for _, place in piece.uses}
        return {name for name, number in Counter(place.name for place in places).items() if number > 1}


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
        self._entered: dict[str, Module] = {}
        self.pieces: dict[tuple[str, str], Piece] = {}
        self.outside: set[str] = set()
        self.whole: dict[str, str] = {}

    def run(self) -> None:
        """Look at what is left until nothing is."""
        while self._left:
            while self._left:
                self._take(*self._left.pop())
            for module in list(self._entered.values()):
                self._find_patches(module)

    def visit(self, target: Imported) -> None:
        """Reach a name of another file, or the file itself."""
        target = self._definition(target)
        module = self._module(target.module)
        if module is None or (target.name and read_module(str(target)) and not self._belongs(str(target))):
            self.outside.add(str(target))
        elif target.name is None:
            self._count_whole(module, "it is handed on as a module")
        elif self._says(target):
            self._reach(module, target.name)
        else:
            self._count_whole(module, f"it does not say what {target.name} is")

    def _definition(self, target: Imported) -> Imported:
        """Where a name is defined, through the files that hand it on."""
        seen: set[Imported] = set()
        while target.name is not None and target not in seen:
            seen.add(target)
            module = self._module(target.module)
            found = module.imports.get(target.name, []) if module else []
            if len(found) > 1 or (module and target.name in module.definitions):
                break
            if found and found[0] != target:
                target = found[0]
            elif self._module(str(target)):
                target = Imported(str(target))
            elif module:
                starred = (Imported(star, target.name) for star in module.stars)
                target = next((one for one in starred if self._says(one)), target)
        return target

    def _says(self, target: Imported) -> bool:
        """Whether a file gives a name a meaning."""
        module = self._module(target.module)
        return module is not None and (target.name in module.definitions or target.name in module.imports)

    def _module(self, name: str) -> Module | None:
        """A module that belongs, together with what the packages around it do when they are imported."""
        if not name or not self._belongs(name) or (module := read_module(name)) is None:
            return None
        if name not in self._entered:
            self._entered[name] = module
            if self._strict and module.stars:
                self._count_whole(module, f"it has from {module.stars[0]} import *")
            elif self._strict and module.effects:
                self._count_whole(module, "it does more than to define names")
            if parent := name.rpartition(".")[0]:
                self._module(parent)
            for imported in itertools.chain.from_iterable(module.imports.values()):
                self._enter(imported)
        return module

    def _enter(self, imported: Imported) -> None:
        """What is imported may change what was there."""
        if self._strict:
            self._module(imported.module)
            self._module(str(imported))

    def _reach(self, module: Module, name: str) -> None:
        if (module.name, name) not in self._seen:
            self._seen.add((module.name, name))
            self._left.append((module, name))

    def _count_whole(self, module: Module, why: str) -> None:
        self.whole.setdefault(module.file, why)
        self._reach(module, WHOLE)

    def _take(self, module: Module, name: str) -> None:
        """Look at one name of a file, or at the whole file."""
        if name == WHOLE:
            statements = [one for one in module.tree.body if not (is_docstring(one) or is_not_run(one))]
            for star in module.stars:
                if starred := self._module(star):
                    self._count_whole(starred, f"{module.file} imports everything from it")
                    for imported in itertools.chain.from_iterable(starred.imports.values()):
                        self.visit(imported)
        else:
            statements = module.definitions.get(name, [])
            for imported in module.imports.get(name, []):
                self.visit(imported)
            if self._strict and len(module.imports.get(name, [])) + (name in module.definitions) > 1:
                self._count_whole(module, f"it gives {name} a meaning more than once")
        told: set[str] = set()
        uses: set[tuple[str, Imported]] = set()
        for statement in statements:
            for first, place, own in self._names_in(statement, module):
                if own:
                    uses.add((first, place))
                else:
                    told.add(f"{first} is {place}")
        text = "\n".join(["".join(map(serialised, statements)), *sorted(told)])
        if statements:
            self.pieces[module.name, name] = Piece(module, name, text, frozenset(uses))

    def _names_in(self, statement: ast.stmt, module: Module) -> Iterator[tuple[str, Imported, bool]]:
        """Reach every name in a statement; what an imported one stands for, and whether that lies in these files."""
        imports = {name: list(imported) for name, imported in module.imports.items()}
        for node in ast.walk(statement):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for name, imported in bound(node, module):
                    imports.setdefault(name, []).append(imported)
                    self._enter(imported)
            elif self._strict and isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
                self._count_whole(module, f"it uses {node.attr}")
        for chain in _chains(statement):
            first = chain[0]
            for imported in imports.get(first, []):
                place = self._through(imported, chain[1:])
                yield first, place, self._module(place.module) is not None
                if self._strict and f"{place}.{chain[-1]}".startswith(REFLECTION):
                    self._count_whole(module, f"it uses {place}")
            if first in module.definitions or len(module.imports.get(first, [])) > 1:
                self._reach(module, first)
            if self._strict and first in DYNAMIC and not self._reads_elsewhere(statement, first, imports):
                self._count_whole(module, f"it uses {first}")

    def _through(self, imported: Imported, rest: Sequence[str]) -> Imported:
        """Reach what a chain of attributes leads to, and say where that is."""
        place, left = self._definition(imported), list(rest)
        for number in range(1, len(left) + 1):  # of packages without a file of their own
            if not self._module(place.module) and self._module(below := ".".join([str(place), *left[:number]])):
                place, left = Imported(below), left[number:]
        while left and place.name is None and self._module(place.module):
            place = self._definition(Imported(place.module, left.pop(0)))
        if self._module(place.module):
            self.visit(place)
        else:
            self.outside.add(".".join([str(place), *left]))
        return place

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

    def _find_patches(self, module: Module) -> None:
        """Reach the definitions of a file that may change what counts when the file is imported."""
        for name, statements in module.definitions.items():
            if (module.name, name) not in self._seen and any(self._may_change(one, module) for one in statements):
                self._reach(module, name)

    def _may_change(self, statement: ast.stmt, module: Module) -> bool:
        """Whether a definition, when it is made, calls own code, is given to a library, or hands over what counts."""
        for node in made(statement):
            if isinstance(node, ast.Name) and node.id in CHANGES:
                return True
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                callers = [_chain(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list]
                if any(not one or self._is_own(one[0], module) for one in callers):
                    return True
                if node is statement and not all(_of_python(one, module) for one in callers):
                    return True
            if isinstance(node, ast.ClassDef) and self._is_heard_of(node, module):
                return True
            if isinstance(node, ast.Call):
                caller, given = _chain(node.func), [*node.args, *(keyword.value for keyword in node.keywords)]
                if isinstance(node.func, ast.Call) or (caller and self._is_own(caller[0], module)):
                    return True
                names = {inner.id for one in given for inner in ast.walk(one) if isinstance(inner, ast.Name)}
                if any(self._counts(one, module) for one in names):
                    return True
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                aliased = module.definitions.get(node.target.id, [])
                if any(self._counts(one, module) for other in aliased for one in _names_of(other)):
                    return True
        return False

    def _is_own(self, name: str, module: Module) -> bool:
        return name in module.definitions or any(self._module(one.module) for one in module.imports.get(name, []))

    def _counts(self, name: str, module: Module) -> bool:
        """Whether a name of a file stands for a definition that was reached."""
        if (module.name, name) in self._seen and name in module.definitions:
            return True
        places = [self._definition(one) for one in module.imports.get(name, [])]
        return any((place.module, place.name or WHOLE) in self._seen for place in places)

    def _is_heard_of(self, made: ast.ClassDef, module: Module) -> bool:
        """Whether own code may hear that a class is made: of a base that looks for its subclasses, or a metaclass."""
        makers = [*made.bases, *(keyword.value for keyword in made.keywords)]
        bases = [chain for base in makers if (chain := _chain(base))]
        return any(self._is_own(chain[0], module) for chain in bases) and any(
            one.hears for one in self._entered.values()
        )


def made(statement: ast.AST) -> Iterator[ast.AST]:
    """What is evaluated of a definition when it is made: not the bodies of functions."""
    left = [statement]
    while left:
        node = left.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            left += [*node.args.defaults, *(one for one in node.args.kw_defaults if one)]
            left += [] if isinstance(node, ast.Lambda) else node.decorator_list
        else:
            left += ast.iter_child_nodes(node)


def _of_python(chain: Sequence[str], module: Module) -> bool:
    """Whether a decorator is Python's own, as `dataclass` and `property` are."""
    return all(one.module.partition(".")[0] in sys.stdlib_module_names for one in module.imports.get(chain[0], []))


def _names_of(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def _chains(statement: ast.stmt) -> Iterator[list[str]]:
    """Every name that a statement uses, with the attributes that are asked of it; of annotations those of fields."""
    left: list[ast.AST] = [statement]
    while left:
        node = left.pop()
        if chain := _chain(node):
            yield chain
            continue
        if isinstance(node, ast.If) and is_not_run(node):
            continue
        for name, value in ast.iter_fields(node):
            if name in ("returns", "type_comment") or (name == "annotation" and isinstance(node, ast.arg)):
                continue
            left += [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, ast.AST)]


def _chain(node: ast.AST) -> list[str]:
    """`[a, b, c]` of `a.b.c`; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else []
