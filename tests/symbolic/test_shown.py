"""Large expressions: what LaTeX and notebooks show of them, and that they are expressions like any other."""

import pickle

import numpy as np
import sympy

import symhep as sh
from symhep.symbolic.shown import MOST, abridged, part

x, y = sympy.symbols("x y")
LARGE = sympy.Add(*[x**k * sympy.sin(k * y) for k in range(400)])


class Page:
    """What IPython hands to an object that prints itself."""

    def text(self, words):
        self.words = words


def test_small_ones_are_left_alone():
    small = sympy.sin(x) + y
    assert abridged(small) is small
    assert sh.compile(small, [x, y]).expr == small


def test_large_ones_are_cut():
    shown = abridged(LARGE)
    assert len(sympy.latex(LARGE)) > 10_000 > len(sympy.latex(shown)) > 100
    assert r"\ldots" in shown._repr_latex_()
    assert len(sympy.latex(sympy.Matrix([shown, 2 * shown.args[3]]))) < 10_000
    page = Page()
    shown._repr_pretty_(page, False)
    assert len(page.words) < 10_000 and "..." in page.words


def test_they_are_equal_and_compute():
    shown = abridged(LARGE)
    assert shown == LARGE and shown == LARGE and hash(shown) == hash(LARGE) and {LARGE: 1}[shown] == 1
    assert shown != LARGE + 1 and shown != 3
    assert shown.func is sympy.Add and isinstance(shown, sympy.Add)
    assert type(shown + 1) is type(shown.subs(x, 2)) is sympy.Add
    assert (shown - LARGE) == 0
    assert pickle.loads(pickle.dumps(shown)) == LARGE


def test_kinds_of_large_ones():
    chosen = sympy.Piecewise((LARGE, x < 0), (sympy.sin(LARGE), True))
    for expr in (chosen, sympy.sin(LARGE), sympy.Pow(LARGE, 2), sympy.Max(LARGE, 1)):
        shown = sh.compile(expr, [x, y], effort="fast").expr
        assert shown == expr and len(sympy.latex(shown)) < 20_000


def test_deep_ones():
    def deep(x, y):
        for k in range(3000):
            x = np.sin(x * y) + k
        return x

    shown = sh.kernel(deep).expr
    assert 100 < len(sympy.latex(shown)) < 10_000
    assert len(list(sympy.preorder_traversal(part(shown)))) <= MOST


def test_programs_are_cut_too():
    replaced, (output,) = sh.compile([LARGE], [x, y], effort="fast").optimised_expr
    assert all(len(sympy.latex(e)) < 10_000 for e in [output, *[e for _, e in replaced]])
