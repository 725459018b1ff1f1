"""The code is built as docs/architecture.md says: its picture and its table are held against the imports."""

from __future__ import annotations

import ast
import re

from support import REPOSITORY

PAGE = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
SOURCE = REPOSITORY / "src"


def room(module: str) -> str | None:
    """The room of a module, by its dotted name; None for what is not this project's."""
    parts = module.split(".")
    if parts[0] == "hydra_plugins":
        return "hydra_plugins"
    return parts[1] if parts[0] == "eyechart" and len(parts) > 1 else None


def imports() -> dict[str, set[str]]:
    """The rooms that each room imports, late imports and those for type checks counted."""
    found: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*.py"):
        here = room(".".join(path.relative_to(SOURCE).with_suffix("").parts))
        if here is None or here == "__init__":
            continue
        rooms = found.setdefault(here, set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                names = [f"eyechart.{alias.name}" for alias in node.names] if module == "eyechart" else [module]
            rooms |= {there for name in names if (there := room(name)) and there != here}
    return found


def test_each_room_imports_what_the_table_says_and_no_more():
    rows = re.findall(r"^\| `(\w+)(?:\.py)?` \| .* \| ([\w, ]+) \|$", PAGE, re.MULTILINE)
    table = {name: set() if listed == "nothing" else set(listed.split(", ")) for name, listed in rows}
    assert table == imports()


def test_the_picture_has_every_room_on_its_floor():
    floors = re.findall(r"^  (\d)  (.+)$", PAGE, re.MULTILINE)
    assert [int(number) for number, _ in floors] == list(range(8, 0, -1))
    floor = {name: int(number) for number, line in floors for name in re.findall(r"(\w+)(?:/|\.py)", line)}
    found = imports()
    assert floor.keys() == found.keys()
    for here, rooms in found.items():
        for there in rooms:
            assert floor[there] < floor[here], f"{here} -> {there}"
