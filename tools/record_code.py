"""Record that code of the package which was edited gives the same results as before, or other ones.

python tools/record_code.py               say which definitions were edited since they were recorded
python tools/record_code.py same          they give the same results, as tests/test_golden.py shows: run keys stay
python tools/record_code.py next          they give other results: what is asked for again is trained anew
python tools/record_code.py next lenet    only those whose name contains this word
"""

from __future__ import annotations

import sys

from eyechart.code import versions
from eyechart.config import KINDS
from eyechart.core.files import write_json


def edited(word: str = "") -> dict[str, str]:
    """By its name in the table, the hash of each definition that is not recorded there."""
    names = [name for name in sorted({*KINDS, *versions.PARTS}) if word.lower() in name.lower()]
    now = {name: versions.reached_by(name).token for name in names}
    known = versions.table()
    return {name: one for name, one in now.items() if not any(one in old for old in known.get(name, {}).values())}


def record(found: dict[str, str], *, same: bool) -> dict[str, dict[str, list[str]]]:
    """The table with these hashes, under the newest version of each name or under the next one."""
    table = {name: {version: list(hashes) for version, hashes in one.items()} for name, one in versions.table().items()}
    for name, one in found.items():
        known = table.setdefault(name, {versions.FIRST: []})
        newest = max(map(int, known))
        known.setdefault(str(newest if same or not known[str(newest)] else newest + 1), []).append(one)
    return dict(sorted(table.items()))


def main(words: list[str]) -> None:
    """Say what was edited, and record it as it was typed."""
    if words and words[0] not in ("same", "next"):
        sys.exit(f"error: expected same or next, received {words[0]}: see the first lines of {__file__}")
    found = edited(*words[1:2])
    print("\n".join(found) if found else "every definition is recorded")
    if words and found:
        write_json(versions.TABLE, record(found, same=words[0] == "same"))
        print(f"recorded in {versions.TABLE.name}: {len(found)}")


if __name__ == "__main__":
    main(sys.argv[1:])
