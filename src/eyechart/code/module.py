"""A file of Python as it is read, and never run: what it defines, what it imports, what it does when it is imported."""

from __future__ import annotations

import ast
import dataclasses
import functools
import sys
import sysconfig
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path

from eyechart.code.syntax import is_docstring
from eyechart.core import paths
from eyechart.core.errors import ConfigError

PACKAGE = paths.PACKAGE.name  # eyechart
INSTALLED = {"site-packages", "dist-packages"}  # folders of what others wrote
NOT_RUN = {"TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'"}


@dataclass(frozen=True)
class Imported:
    """What an import binds a name to.

    Attributes:
        module: its whole name.
        name: what is taken from the module; None: the module itself.
    """

    module: str
    name: str | None = None

    def __str__(self) -> str:
        return self.module if self.name is None else f"{self.module}.{self.name}"


@dataclass(frozen=True)
class Module:
    """A file of Python.

    Attributes:
        name: by which it is imported.
        path: of the file.
        tree: its syntax.
        definitions: the statements of the file that give each name its meaning.
        imports: what each imported name may be bound to.
        stars: the modules from which everything is imported.
        effects: whether it does more, when it is imported, than to define names.
        hears: whether it has what hears of classes that are made, or asks for them.
    """

    name: str
    path: Path
    tree: ast.Module
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, list[Imported]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    effects: bool = False
    hears: bool = False

    @property
    def file(self) -> str:
        """The file's path below the folder from which it is imported, as `nets/wide.py`."""
        name = self.name.replace(".", "/")
        return f"{name}/__init__.py" if self.path.name == "__init__.py" else f"{name}.py"


@functools.cache  # what is imported stays as it was, so a file is read once in the life of a process
def read_module(name: str) -> Module | None:
    """Find the file of a module and parse it. Nothing is imported, not even the packages around it.

    Returns:
        None if there is no such module, or it is not written in Python.

    Raises:
        ConfigError: the file cannot be parsed.
    """
    path, _ = _find(name)
    if path is None:
        return None
    try:
        tree = ast.parse(path.read_bytes(), path)
    except (SyntaxError, ValueError, RecursionError) as error:
        here = ".".join(map(str, sys.version_info[:2]))
        raise ConfigError(f"{path} is not Python {here}: {' '.join(str(error).split())}") from None
    return _read(name, path, tree)


@functools.cache
def is_own(name: str) -> bool:
    """Whether a module is of a person's own: neither Python's, nor installed from elsewhere, nor of this package."""
    top = name.partition(".")[0]
    path = None if top == PACKAGE or top in sys.stdlib_module_names else _find(name)[0]
    if path is None or INSTALLED & set(path.parts):
        return False
    return not any(folder in path.parents for folder in _folders_of_python())


@functools.cache
def is_unseen(name: str) -> bool:
    """Whether what a name of another module stands for may be a person's own, and can be read nowhere.

    It may lie in an archive, be compiled, or be found only by what the code does to `sys.path`.
    """
    top = name.partition(".")[0]
    if top == PACKAGE or top in sys.stdlib_module_names:
        return False
    spec = _spec(top)
    places = [] if spec is None else [spec.origin or "", *(spec.submodule_search_locations or ())]
    return is_own(top) or (_find(top)[0] is None and not any(INSTALLED & set(Path(place).parts) for place in places))


@functools.cache
def _folders_of_python() -> frozenset[Path]:
    """The folders of Python's own modules and of what is installed."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return frozenset(Path(sysconfig.get_path(name)).resolve() for name in names)


@functools.cache
def _find(name: str) -> tuple[Path | None, tuple[Path, ...]]:
    """Where Python would find a module: its file, if it is one of Python, and the folders of what lies below it.

    `importlib.util.find_spec` would import the packages around it.
    """
    parent, _, last = name.rpartition(".")
    if not parent:
        spec = _spec(name)
        if spec is None:
            return None, ()
        file = Path(spec.origin).resolve() if spec.origin and spec.origin.endswith(".py") else None
        file = file if file and file.is_file() else None  # it may lie in an archive
        return file, tuple(Path(place) for place in spec.submodule_search_locations or ())
    places = [place / last for place in _find(parent)[1]]
    for place in places:
        for file, below in ((place / "__init__.py", (place,)), (place.with_suffix(".py"), ())):
            if file.is_file():
                return file.resolve(), below
    return None, tuple(place for place in places if place.is_dir())  # a package without a file of its own


def _spec(name: str) -> ModuleSpec | None:
    """What Python finds for the name of a module that lies in no package."""
    found = (finder.find_spec(name, None) for finder in sys.meta_path if name)
    return next((one for one in found if one is not None), None)


def _read(name: str, path: Path, tree: ast.Module) -> Module:
    effects = False
    module = Module(name, path, tree)
    for statement in tree.body:
        if is_docstring(statement) or isinstance(statement, ast.Pass) or is_not_run(statement):
            continue
        alone = isinstance(statement, ast.Import | ast.ImportFrom) or defined(statement)
        effects = effects or not alone
        # what another statement binds within is found too
        for node in [statement] if alone else ast.walk(statement):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for one, imported in bound(node, module):
                    module.imports.setdefault(one, []).append(imported)
                module.stars.extend(starred(node, module))
            elif isinstance(node, ast.stmt):
                for one in defined(node):
                    module.definitions.setdefault(one, []).append(node)
    return dataclasses.replace(module, effects=effects, hears=any(map(_hears, ast.walk(tree))))


def _hears(node: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name == "__init_subclass__"
    if isinstance(node, ast.ClassDef):
        return any(one.arg == "metaclass" and not ast.unparse(one.value).endswith("ABCMeta") for one in node.keywords)
    return isinstance(node, ast.Attribute) and node.attr == "__subclasses__"


def defined(statement: ast.stmt) -> list[str]:
    """The names that a statement defines, if that is all it does."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets = [statement.target]
    flat = [inner for one in targets for inner in (one.elts if isinstance(one, ast.Tuple | ast.List) else [one])]
    names = [one.id for one in flat if isinstance(one, ast.Name)]
    more = any(isinstance(node, ast.NamedExpr) for node in ast.walk(statement))
    return names if len(names) == len(flat) and not more else []


def is_not_run(statement: ast.stmt) -> bool:
    """Whether a statement is for type checkers, or for a file that is started as a program."""
    return isinstance(statement, ast.If) and not statement.orelse and ast.unparse(statement.test) in NOT_RUN


def bound(statement: ast.Import | ast.ImportFrom, module: Module) -> list[tuple[str, Imported]]:
    """The names that an import binds in a module, each with what it is bound to."""
    if isinstance(statement, ast.ImportFrom):
        source = _source(statement, module)
        return [(one.asname or one.name, Imported(source, one.name)) for one in statement.names if one.name != "*"]
    found = []
    for one in statement.names:
        first = one.name.partition(".")[0]
        found.append((one.asname, Imported(one.name)) if one.asname else (first, Imported(first)))
    return found


def starred(statement: ast.Import | ast.ImportFrom, module: Module) -> list[str]:
    """The module from which a statement imports everything, if it does."""
    if isinstance(statement, ast.ImportFrom) and any(one.name == "*" for one in statement.names):
        return [_source(statement, module)]
    return []


def _source(statement: ast.ImportFrom, module: Module) -> str:
    """The whole name of the module that an import takes from."""
    if not statement.level:
        return statement.module or ""
    up = statement.level - (module.path.name == "__init__.py")
    parts = module.name.split(".")
    return ".".join([*parts[: len(parts) - up], *([statement.module] if statement.module else [])])
