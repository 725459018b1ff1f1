"""Edits of a person's own code, each of its kind: those that change what is computed change the token."""

from __future__ import annotations

import sys

import pytest

from eyechart.code import module, used, versions
from eyechart.core.errors import ConfigError


@pytest.fixture
def code_of(tmp_path, monkeypatch):
    """Write files of a person's own; the code of `nets.Net` as it then is."""
    monkeypatch.syspath_prepend(tmp_path)
    caches = (module.read_module, module.is_own, module.is_unseen, module._find, used.own_code)

    def code_of(files, target="nets.Net"):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        for cached in caches:
            cached.cache_clear()
        sys.path_importer_cache.clear()
        return used.own_code(target)

    yield code_of
    for cached in caches:
        cached.cache_clear()


def net(before="", body="return f(x)", after=""):
    """A file with a network, and what stands around it."""
    head = "from eyechart.models import Architecture\n"
    return f"{head}{before}\nclass Net(Architecture):\n    def layers(self, x, shape):\n        {body}\n{after}"


F, G = "def f(x):\n    return x + 1\n", "def f(x):\n    return x + 2\n"
AB = {"a.py": F, "b.py": G}
SWAPPED = {
    "in an if": (net("import sys\nif sys.argv:\n    from ONE import f\nelse:\n    from TWO import f"), AB),
    "in a try": (net("try:\n    from ONE import f\nexcept ImportError:\n    from TWO import f"), AB),
    "one after the other": (net("from ONE import f\nfrom TWO import f"), AB),
    "in a function": (net(body="if x: from ONE import f\n        else: from TWO import f\n        return f(x)"), AB),
    "of one name in two files": (net("from ONE import f\nfrom TWO import f as g", "return f(g(x))"), AB),
    "in a package": (
        net("from p import g, h", "return g(h(x))"),
        {"p/__init__.py": "from .ONE import f as g\nfrom .TWO import f as h\n", "p/a.py": F, "p/b.py": G},
    ),
}


@pytest.mark.parametrize("where", SWAPPED)
def test_imports_that_change_places_count(code_of, where):
    text, files = SWAPPED[where]
    files = {"nets.py": text, **files}
    one, other = (
        {name: text.replace("ONE", first).replace("TWO", second) for name, text in files.items()}
        for first, second in ("ab", "ba")
    )
    assert code_of(one).token != code_of(other).token


REGISTRY = "ALL = {}\ndef register(f):\n    ALL[f.__name__] = f\n    return f\n"
MAKER = "ALL = []\nclass Maker(type):\n    def __init__(made, *rest):\n        ALL.append(made)\n"
HEARING = "ALL = []\nclass Base:\n    def __init_subclass__(made):\n        ALL.append(made)\n"
CHANGE = "ALL = [1, 2]\n"
COUNTS = {
    "a definition after an import of its name": {"nets.py": net(f"from a import f\n{F}"), "a.py": F},
    "a package's name, not the file of that name": {
        "nets.py": net("from p import f"), "p/__init__.py": "from .g import f", "p/f.py": "", "p/g.py": F,
    },
    "a module that a package hands on": {
        "nets.py": net("from q import p", "return p.f(x)"), "q.py": "from r import p",
        "r/__init__.py": "from . import p", "r/p.py": F,
    },
    "a folder without __init__": {"nets.py": net("from p.q import r", "return r.f(x)"), "p/q/r.py": F},
    "its attributes": {"nets.py": net("import p.q.r", "return p.q.r.f(x)"), "p/q/r.py": F},
    "import * of what is imported": {"nets.py": net("from a import *"), "a.py": "from b import f", "b.py": F},
    "import * after a definition": {"nets.py": net("def f(): pass\nfrom a import *", "return f()"), "a.py": F},
    "a module's __getattr__": {"nets.py": net("from a import f"), "a.py": "def __getattr__(name): return 1 + 1"},
    "not for type checkers": {
        "nets.py": net("from typing import TYPE_CHECKING\nif not TYPE_CHECKING:\n    from a import f"), "a.py": F,
    },
    "not started as a program": {"nets.py": net("if __name__ != '__main__':\n    from a import f"), "a.py": F},
    "an import for its effect": {"nets.py": net("K = 1", "import a; return K"), "a.py": "import nets\nnets.K += 1"},
    "import_module": {"nets.py": net(f"from importlib import import_module as i\n{F}", "return i('nets').f(x)")},
    "sys.modules": {"nets.py": net(f"from sys import modules\n{F}", "return modules[__name__].f(x)")},
    "__subclasses__": {"nets.py": net(f"class A: pass\nclass B(A):\n    {F[:8]}: return 1 + 1", "A.__subclasses__()")},
    "__init_subclass__": {"nets.py": net(f"{HEARING}class A(Base):\n    k = 1 + 1", "return ALL[0].k")},
    "a metaclass": {"nets.py": net(f"{MAKER}class A(metaclass=Maker):\n    k = 1 + 1", "return ALL[0].k")},
    "a metaclass's heir": {
        "nets.py": net(f"{MAKER}class A(metaclass=Maker): pass\nclass B(A):\n    k = 1 + 1", "return ALL[1].k"),
    },
    "what is registered": {"nets.py": net(f"{REGISTRY}@register\n{F}", "return ALL['f'](x)")},
    "what is registered in another file": {
        "nets.py": net("from a import ALL\nimport b", "return ALL['f'](x)"), "a.py": REGISTRY,
        "b.py": f"from a import register\n@register\n{F}",
    },
    "what is registered by a call": {"nets.py": net(f"{REGISTRY}{F}_ = register(f)", "return ALL['f'](x)")},
    "what Keras is told of": {
        "nets.py": net(f"import keras\n@keras.saving.register_keras_serializable('p')\n{F}", "return 'p>f'"),
    },
    "what a generic function is told of": {
        "nets.py": net(f"import functools\n@functools.singledispatch\ndef g(x): pass\n@g.register\n{F}", "return g(x)"),
    },
    "an assignment in an expression": {"nets.py": net("A = (K := 1 + 1)", "return K")},
    "setattr in a comprehension": {"nets.py": net(after="A = [setattr(k, 'u', 1 + 1) for k in (Net,)]")},
    "another name of a list": {"nets.py": net(f"{CHANGE}A = ALL\nA += [1 + 1]", "return ALL")},
    "a call of a method": {"nets.py": net(f"{CHANGE}A = ALL.append(1 + 1)", "return ALL")},
    "a call of it in a class": {"nets.py": net(f"{CHANGE}class A:\n    ALL.append(1 + 1)", "return ALL")},
    "a call of it in a default": {"nets.py": net(f"{CHANGE}def a(b=ALL.append(1 + 1)): pass", "return ALL")},
    "a call that changes it": {
        "nets.py": net(f"{CHANGE}def change(k): ALL[0] = k\nA = change(1 + 1)", "return ALL"),
    },
    "a module that is handed to a call": {
        "nets.py": net("import a, b", "return a.K"), "a.py": "K = 1", "b.py": "import a\nA = setattr(a, 'K', 1 + 1)",
    },
    "the type of a field": {"nets.py": net("U = 1 + 1", after="    k: U = 3")},
    "a package around it": {"nets.py": net("from p.a import f"), "p/__init__.py": "import a\na.K = 1 + 1", "p/a.py": F},
}  # fmt: skip


@pytest.mark.parametrize("edit", COUNTS)
def test_what_changes_the_network_counts(code_of, edit):
    files = COUNTS[edit]
    before = code_of(files).token
    edited = {name: text.replace("+ 1", "+ 2").replace("+= 1", "+= 2") for name, text in files.items()}
    assert edited != files
    assert code_of(edited).token != before


LOG = "import logging\nlog = logging.getLogger(__name__)\n"
PLAIN = net(LOG + F)
DOES_NOT_COUNT = {
    "line ends": PLAIN.replace("\n", "\r\n").encode(),
    "a byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "an encoding": b"# -*- coding: latin-1 -*-\n# \xe9\n" + PLAIN.encode(),
    "brackets": PLAIN.replace("x + 1", "(\n        x + 1\n    )").replace("f(x)\n", "f(x,)\n"),
    "the order of imports": PLAIN.replace("import logging\n", "").replace("from eye", "import logging\nfrom eye"),
    "a second network": PLAIN + "class Wide(Net): pass\n",
    "a second network's optional field": PLAIN + "class Wide(Net):\n    units: list = dict(a=1)\n",
    "a second network's compiled method": PLAIN
    + "import tensorflow as tf\nclass Wide(Net):\n    @tf.function\n    "
    + F[:9]
    + " pass\n",
    "what another file offers": PLAIN + "__all__ = ['Net']\n",
}


@pytest.mark.parametrize("edit", DOES_NOT_COUNT)
def test_what_does_not_change_the_network_does_not_count(code_of, edit):
    before = code_of({"nets.py": PLAIN})
    assert not before.notes
    assert code_of({"nets.py": DOES_NOT_COUNT[edit]}).token == before.token


def test_a_helper_that_moves_to_another_file_does_not_count(code_of):
    before = code_of({"nets.py": net("from a import f"), "a.py": F}).token
    assert code_of({"nets.py": net("from b.c import f"), "b/c.py": F}).token == before
    assert code_of({"nets.py": net(F)}).token != code_of({"nets.py": net(G)}).token


def test_a_class_has_one_token_whichever_way_it_is_named(code_of):
    files = {"p/__init__.py": "from .nets import *\n", "p/nets.py": net(F)}
    assert code_of(files, "p.Net").token == code_of(files, "p.nets.Net").token


@pytest.mark.parametrize(
    "text",
    ["from eyechart import models", "import eyechart.models as models", "import eyechart.models.recurrent, eyechart"],
)
def test_the_package_counts_by_whatever_name_it_is_reached(code_of, monkeypatch, text):
    files = {"nets.py": f"{text}\nclass Net({'models' if text[-6:] == 'models' else 'eyechart.models'}.CNN): pass\n"}
    before = code_of(files)
    assert before.first
    table = {**versions.table(), "eyechart.models.convolutional.CNN": {"1": ["0"], "2": ["1"]}}
    monkeypatch.setattr(versions, "table", lambda: table)
    after = code_of(files)
    assert after.token != before.token
    assert not after.first


def test_what_cannot_be_read_is_said(code_of, tmp_path):
    files = {"nets.py": "import sys\nsys.path.insert(0, 'more')\n" + net("from deep import f"), "more/deep.py": F}
    assert any("deep.f is in no file of Python that is found" in note for note in code_of(files).notes)
    assert any("model.depends" in note for note in code_of({}, "absent.Net").notes)
    with pytest.raises(ConfigError, match="nests more deeply than can be read"):
        code_of({"nets.py": net("K = x" + ".a()" * 700, "return K")})
    with pytest.raises(ConfigError, match=r"nets\.py is not Python 3"):
        code_of({"nets.py": "def f[(x): pass"})
