"""What sympy's special functions mean: symhep's own, with the arguments in its order."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from symhep import special
from symhep.errors import ArgumentError, message
from symhep.special.node import constant
from symhep.symbolic.steps import Step

_DIGITS = 70  # of constants such as zeta(3)


def _call(function: Callable[..., Any]) -> Callable[[Any], Step]:
    return lambda expr: (function, expr.args)


def _number(expr: Any) -> Step:
    """A function of numbers alone, as a number."""
    name = type(expr).__name__
    if not expr.is_number or not expr.is_real:
        what = f"{name} of what is not a real number has no formula here: {expr!s:.60}"
        raise ArgumentError(message(what, instead=f"a number as its argument, as in {name}(3)"))
    return (lambda: Fraction(str(expr.evalf(_DIGITS)))), ()


def _no_formula(name: str, instead: str) -> Any:
    raise ArgumentError(message(f"{name} is not supported with these arguments", instead=instead))


def _erfi(x: Any) -> Any:
    return (2 / math.sqrt(math.pi)) * np.exp(x * x) * special.dawsn(x)


def _falling(x: Any, n: Any) -> Any:
    return special.poch(x - n + 1, n)


def _lower_gamma(a: Any, x: Any) -> Any:
    return special.gamma_of(a) * special.gammainc(a, x)


def _upper_gamma(a: Any, x: Any) -> Any:
    return special.gamma_of(a) * special.gammaincc(a, x)


def _elliptic_e(*args: Any) -> Any:
    return special.ellipe(*args) if len(args) == 1 else special.ellipeinc(*args)


def _elliptic_pi(*args: Any) -> Any:
    if len(args) == 2:
        return special.ellippi(*args)
    return _no_formula("elliptic_pi of three arguments", "Carlson's R_F and R_D, or an integral of your own")


def _lambert(x: Any, branch: Any = 0) -> Any:
    if constant(branch, "LambertW", "k", least=-math.inf) == 0:
        return special.lambertw(x)
    return _no_formula("LambertW of another branch", "LambertW(x)")


def _hankel(sign: int) -> Callable[..., Any]:
    return lambda n, x: special.jv(n, x) + sign * 1j * special.yv(n, x)


SPECIAL: dict[type, Callable[[Any], Step]] = {
    sympy.gamma: _call(special.gamma),
    sympy.loggamma: _call(special.loggamma),
    sympy.digamma: _call(special.digamma),
    sympy.trigamma: _call(lambda x: special.polygamma(1, x)),
    sympy.polygamma: _call(special.polygamma),
    sympy.beta: _call(lambda a, b=None: special.beta(a, a if b is None else b)),
    sympy.factorial: _call(special.factorial),
    sympy.binomial: _call(special.binom),
    sympy.RisingFactorial: _call(special.poch),
    sympy.FallingFactorial: _call(_falling),
    sympy.lowergamma: _call(_lower_gamma),
    sympy.uppergamma: _call(_upper_gamma),
    sympy.erfc: _call(special.erfc),
    sympy.erfi: _call(_erfi),
    sympy.erfinv: _call(special.erfinv),
    sympy.erfcinv: _call(special.erfcinv),
    sympy.besselj: _call(special.jv),
    sympy.bessely: _call(special.yv),
    sympy.besseli: _call(special.iv),
    sympy.besselk: _call(special.kv),
    sympy.hankel1: _call(_hankel(1)),
    sympy.hankel2: _call(_hankel(-1)),
    sympy.jn: _call(special.spherical_jn),
    sympy.yn: _call(special.spherical_yn),
    sympy.legendre: _call(special.eval_legendre),
    sympy.assoc_legendre: _call(lambda n, m, x: special.lpmv(m, n, x)),
    sympy.chebyshevt: _call(special.eval_chebyt),
    sympy.chebyshevu: _call(special.eval_chebyu),
    sympy.hermite: _call(special.eval_hermite),
    sympy.hermite_prob: _call(special.eval_hermitenorm),
    sympy.laguerre: _call(special.eval_laguerre),
    sympy.assoc_laguerre: _call(special.eval_genlaguerre),
    sympy.gegenbauer: _call(special.eval_gegenbauer),
    sympy.jacobi: _call(special.eval_jacobi),
    sympy.Ynm: _call(special.sph_harm_y),
    sympy.Znm: _call(special.real_sph_harm),
    sympy.elliptic_k: _call(special.ellipk),
    sympy.elliptic_f: _call(special.ellipkinc),
    sympy.elliptic_e: _call(_elliptic_e),
    sympy.elliptic_pi: _call(_elliptic_pi),
    sympy.polylog: _call(special.polylog),
    sympy.LambertW: _call(_lambert),
    sympy.zeta: _number,
    sympy.dirichlet_eta: _number,
}

# the functions that sympy has no class for, by the names under which formulas are written
SPECIAL_BY_NAME: dict[str, Callable[..., Any]] = {
    **special.SPECIALS,
    **{name: getattr(special, name) for name in ("voigt_profile", "chdtr", "chdtrc", "ive", "kve", "wigner_d")},
}
