"""The text of a syntax tree: the same for the same program, on every Python."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import REPOSITORY, interpreters

from eyechart.code.syntax import serialised

# of each kind of statement and expression one, and what Pythons have read in different ways
PROGRAM = '''
"""A docstring."""
from __future__ import annotations
import os, sys as system
from a.b import c as d

x: int = 1; y = 0x10 + 1_000.5 - 2j ** ~3; z = "a" "b" f"c{x!r:>{y}}d"[::2] + b"e"
w = f"{x=} {y:.2f}" f"{'q'}" "r" f"" f"{x:{y}}"

class A(B, metaclass=M):
    """Another."""
    field: list[int] | None = None
    @property
    def f(self, a, /, b=1, *c, d, e=..., **g) -> "A":
        """A third."""
        global x
        with open(a) as h, b: return (yield)
        async def i(): await j; return [k async for k in l if k]
        for m, *n in o: continue
        else: pass
        while not p: break
        try: raise Q from r
        except (S, T) as t: del u[0], v.w
        else: assert x, y
        finally: x += 1
        return lambda *a, **b: {**c, "d": {e, f}} if (g := h) else [*i, *j] and not k or l < m <= n is not o in p
match x:
    case {"a": [1, *_], **rest} | B(c=d) if d: pass
    case None | True | "s" | -1: ...
'''


def test_comments_docstrings_imports_and_layout_do_not_count():
    other = PROGRAM
    for old, new in [
        ('"""A docstring."""', "# nothing"),
        ('"""Another."""', "'one more'"),
        ('"""A third."""', ""),
        ("x: int = 1; ", "x: int = (  # one\n  1)\n\n"),
        ("import os, sys as system", ""),
        ("    ", "  "),
    ]:
        assert old in other
        other = other.replace(old, new)
    assert serialised(ast.parse(other)) == serialised(ast.parse(PROGRAM))


@given(
    st.sampled_from(list(ast.walk(ast.parse("def f(a):\n    return a + 1 * g(a, [2, 'x'], b=3.0)\n")))), st.integers()
)
def test_what_a_program_does_counts(node, number):
    tree = ast.parse("def f(a):\n    return a + 1 * g(a, [2, 'x'], b=3.0)\n")
    text = serialised(tree)
    for constant in (one for one in ast.walk(tree) if isinstance(one, ast.Constant)):
        before, constant.value = constant.value, number
        assert (serialised(tree) == text) == (type(before) is int and before == number)
        constant.value = before
    assert serialised(tree) == text


@pytest.mark.parametrize(
    ("one", "other"), [("1", "1.0"), ("1", "True"), ("'a'", "b'a'"), ("a.b", "a.c"), ("f(**a)", "f(*a)")]
)
def test_values_of_other_kinds_are_other_programs(one, other):
    assert serialised(ast.parse(one + "+ 0")) != serialised(ast.parse(other + "+ 0"))


def test_every_python_that_is_installed_gives_the_same_text():
    source = [PROGRAM, *(path.read_text() for path in sorted((REPOSITORY / "src/eyechart").rglob("*.py")))]
    program = (
        "import sys, ast, hashlib, json, importlib.util\n"
        "spec = importlib.util.spec_from_file_location('syntax', sys.argv[1])\n"
        "syntax = importlib.util.module_from_spec(spec); spec.loader.exec_module(syntax)\n"
        "texts = [syntax.serialised(ast.parse(text)) for text in json.load(sys.stdin)]\n"
        "print(hashlib.sha256(json.dumps(texts).encode()).hexdigest())\n"
    )
    said = {}
    for name, place in {"this": sys.executable, **interpreters()}.items():
        path = str(REPOSITORY / "src/eyechart/code/syntax.py")
        done = subprocess.run(
            [place, "-c", program, path], input=json.dumps(source), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        said[name] = done.stdout
    assert len(set(said.values())) == 1, said
