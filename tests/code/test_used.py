"""What of a person's own code counts: what the chosen class reaches by name, and nothing else."""

from __future__ import annotations

import itertools
import textwrap

import pytest

from eyechart.code import module, used, versions
from eyechart.core.errors import ConfigError

NETS = """
from dataclasses import dataclass
from eyechart.models import Architecture
from helpers import width as wide, unused
import shapes.round

DEPTH = 3
OTHER = 4

def scale(x):
    return x * FACTOR

FACTOR = 2

@dataclass(frozen=True)
class Narrow(Architecture):
    '''A network.'''
    units: int = 4

    def layers(self, pixels, image_shape):
        from keras import layers
        for _ in range(DEPTH):
            pixels = layers.Dense(wide(self.units))(scale(pixels))
        return shapes.round.make(pixels)
"""
HELPERS = """
def width(units):
    return units + 1

def unused():
    pass
"""
ROUND = "def make(x):\n    return x\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write files of a person's own; the code of `nets.Narrow` as it then is."""
    monkeypatch.syspath_prepend(tmp_path)
    files = {"nets.py": NETS, "helpers.py": HELPERS, "shapes/__init__.py": "", "shapes/round.py": ROUND}

    def write(target="nets.Narrow", **changed):
        new = {f"{name.replace('__', '/')}.py": text for name, text in changed.items()}
        for name, text in (files | new).items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(textwrap.dedent(text))
        for cached in (module.read_module, module.is_own, module._find, used.own_code):
            cached.cache_clear()
        return used.own_code(target)

    yield write
    for cached in (module.read_module, module.is_own, module._find, used.own_code):
        cached.cache_clear()


def test_the_files_that_are_reached_are_named(write):
    part = write()
    assert list(part.files) == ["helpers.py", "nets.py", "shapes/round.py"]
    assert part.own
    assert not part.notes
    assert len(part.token) == 12


SAME = {
    "a comment": {"nets": NETS.replace("DEPTH = 3", "DEPTH = 3  # deep")},
    "a docstring": {"nets": NETS.replace("A network.", "Another word.")},
    "a second network": {"nets": NETS + "\n@dataclass(frozen=True)\nclass Wide(Narrow):\n    more: int = 1\n"},
    "a constant that is not used": {"nets": NETS.replace("OTHER = 4", "OTHER = 5")},
    "a helper that is not used": {"helpers": HELPERS.replace("pass", "return 1")},
    "the order of definitions": {
        "nets": NETS.replace("FACTOR = 2\n", "").replace("DEPTH = 3", "FACTOR = 2\nDEPTH = 3")
    },
    "an import that is not used": {"nets": "import json\n" + NETS},
    "a file that nothing imports": {"more": "x = 1\n"},
    "what is done as a program": {"nets": NETS + "\nif __name__ == '__main__':\n    print(1)\n"},
    "an annotation for type checkers": {
        "nets": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import more\n" + NETS
    },
}
BASE = "DEPTH = 3\nclass Base(Architecture):\n    pass"
PATCHED = "\ndef patch(kind):\n    kind.units = 7\n    return kind\nPatched = patch(Narrow)\n"
OTHER = {
    "the class": {"nets": NETS.replace("units: int = 4", "units: int = 5")},
    "a constant": {"nets": NETS.replace("DEPTH = 3", "DEPTH = 4")},
    "a helper's constant": {"nets": NETS.replace("FACTOR = 2", "FACTOR = 3")},
    "a helper in a second file": {"helpers": HELPERS.replace("+ 1", "+ 2")},
    "a helper in a package": {"shapes__round": ROUND.replace("return x", "return -x")},
    "where a helper comes from": {
        "nets": NETS.replace("from helpers", "from others"),
        "others": HELPERS.replace("1", "2"),
    },
    "what a library's name stands for": {"nets": NETS.replace("keras import layers", "keras import ops as layers")},
    "a base of one's own": {"nets": NETS.replace("Narrow(Architecture)", "Narrow(Base)").replace("DEPTH = 3", BASE)},
    "a decorator": {"nets": NETS.replace("@dataclass(frozen=True)", "@dataclass(order=True)")},
    "what is done with it later in the file": {"nets": NETS + "\nNarrow.units = 7\n"},
    "a call that it is handed to": {"nets": NETS + PATCHED},
    "a file that changes it when it is imported": {"helpers": HELPERS + "\nimport math\nmath.pi = 3\n"},
}


@pytest.mark.parametrize("change", SAME)
def test_what_it_does_not_reach_does_not_count(write, change):
    assert write().token == write(**SAME[change]).token


@pytest.mark.parametrize("change", OTHER)
def test_what_it_reaches_counts(write, change):
    assert write().token != write(**OTHER[change]).token


WHOLE = {
    "getattr": NETS.replace("scale(pixels)", "getattr(self, 'scale')(pixels)"),
    "exec": NETS.replace("return x * FACTOR", "exec('x *= 2')\n    return x"),
    "globals": NETS.replace("return x * FACTOR", "return x * globals()['FACTOR']"),
    "import *": NETS.replace("import shapes.round", "import shapes.round\nfrom helpers import *"),
    "more than to define": NETS + "\nNarrow.units = 7\n",
    "handed on as a module": NETS.replace("shapes.round.make(pixels)", "apply(shapes.round, pixels)"),
}


@pytest.mark.parametrize("why", WHOLE)
def test_a_file_that_cannot_be_followed_counts_whole_and_this_is_said(write, why):
    part = write(nets=WHOLE[why])
    assert any(why in note and "counts as a whole" in note for note in part.notes), part.notes
    changed = {"nets": WHOLE[why].replace("OTHER = 4", "OTHER = 5"), "shapes__round": ROUND + "\nmore = 1\n"}
    assert write(**changed).token != part.token


def test_getattr_on_a_library_is_followed(write):
    text = NETS.replace("layers.Dense(", "getattr(layers, 'Dense')(")
    part = write(nets=text)
    assert not part.notes
    assert write(nets=text.replace("OTHER = 4", "OTHER = 5")).token == part.token


def test_nothing_is_run_and_nothing_is_imported(write, tmp_path):
    write(nets=NETS + "\nraise SystemExit('it was run')\n", helpers=HELPERS + "\nraise SystemExit('it was run')\n")


def test_circles_end(write):
    circle = {
        "nets": NETS + "\nimport helpers\n",
        "helpers": HELPERS.replace("units + 1", "nets.DEPTH") + "\nimport nets\n",
    }
    assert write(**circle).token == write(**circle).token


def test_a_file_that_is_not_python_is_named(write):
    with pytest.raises(ConfigError, match=r"helpers\.py is not Python"):
        write(helpers="def width(:\n")


def test_the_package_s_code_below_it_counts_by_its_version(write, monkeypatch):
    before = write()
    edited = {**versions.table(), "eyechart.models.architecture.Architecture": {"1": ["0"], "2": ["1"]}}
    monkeypatch.setattr(versions, "table", lambda: edited)
    assert write().token != before.token


def test_files_that_the_code_reads_count_by_their_content(write, root):
    file = root / "teacher.npz"
    tokens = []
    for content in (b"one", b"two", b"one"):
        file.write_bytes(content)
        used._content.cache_clear()
        tokens.append(used.with_files(write(), ["teacher.npz"]).token)
    assert tokens[0] == tokens[2] != tokens[1]
    used._content.cache_clear()
    with pytest.raises(ConfigError, match=r"model\.depends names 'absent\.npz', which cannot be read"):
        used.with_files(write(), ["absent.npz"])


def test_changed_names_the_files():
    now = used.UsedCode(files={"a.py": "1", "b.py": "2", "c.py": "3"})
    assert now.changed({"a.py": "1", "b.py": "0", "d.py": "4"}) == ["b.py", "c.py", "d.py"]
    for one, other in itertools.combinations(({}, {"a.py": "1"}, {"a.py": "2"}), 2):
        assert used.UsedCode(files=one).changed(other)
