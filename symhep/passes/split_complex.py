"""Complex values become pairs of real ones; a part that is zero by structure is never computed."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import nan
from typing import NamedTuple

from symhep.algebra.constructors import Algebra
from symhep.graph import Builder, Graph, Node, copy_node, is_const, transfer
from symhep.ops import REDUCTIONS

HALF = Fraction(1, 2)


class Parts(NamedTuple):
    """Real and imaginary part; `im` is None where the value is real by structure."""

    re: Node
    im: Node | None = None


def split_complex(graph: Graph, *, finite: bool = True) -> Graph:
    """Rewrite a graph over complex values into one over real values (class: finite, reassociates).

    A complex input z becomes the two inputs "z.real" and "z.imag"; a complex output becomes two outputs.
    """
    a = Algebra(Builder(), finite)
    parts: dict[Node, Parts] = {n: _input(a, n) for n in graph.inputs}
    for n in graph.order:
        if n not in parts:
            parts[n] = _split(a, n, [parts[x] for x in n.args])
    new = {n: p.re for n, p in parts.items()}
    outputs: list[Node] = []
    for n in graph.outputs:
        outputs += (parts[n].re, _im(a, parts[n])) if n.dtype == "complex" else (parts[n].re,)
    result = transfer(graph, new, outputs)
    result.inputs = tuple([x for n in graph.inputs for x in parts[n] if x is not None])
    _name_imaginary_parts(graph, parts, result)
    return result


def _name_imaginary_parts(graph: Graph, parts: dict[Node, Parts], result: Graph) -> None:
    for n, name in graph.names.items():
        if n in parts and n.dtype == "complex":
            result.names[parts[n].re] = f"{name}.real"
            im = parts[n].im
            if im is not None and not is_const(im):
                result.names[im] = f"{name}.imag"
    for n, line in graph.where.items():
        im = parts[n].im if n in parts else None
        if im is not None:
            result.where.setdefault(im, line)


def _input(a: Algebra, n: Node) -> Parts:
    name = n.attrs[0]
    if n.dtype == "complex":
        return Parts(a.input(f"{name}.real", "real", n.axes), a.input(f"{name}.imag", "real", n.axes))
    return Parts(a.input(name, n.dtype, n.axes))


def _split(a: Algebra, n: Node, args: list[Parts]) -> Parts:
    rule = _RULES.get(n.op)
    if rule is not None and (n.op in _ALWAYS or any(p.im is not None for p in args) or _may_leave_the_axis(n)):
        return rule(a, n, *args)
    return Parts(_real(a, n, [p.re for p in args]))


def _may_leave_the_axis(n: Node) -> bool:
    """Whether the value may be complex though the arguments are real by structure: np.sqrt(x + 0j)."""
    if n.op not in _LEAVES_THE_AXIS or n.dtype != "complex":
        return False
    return n.op != "power" or not isinstance(n.attrs[0], int)


def _real(a: Algebra, n: Node, args: list[Node]) -> Node:
    """The same operation on real arguments, through the smart constructor if it has one."""
    if n.op in ("add", "sub", "mul", "div", "neg", "select"):
        return getattr(a, n.op)(*args)
    if n.op == "power":
        return a.power(args[0], n.attrs[0])
    if n.op == "const":
        return copy_node(a.build, n, ())
    if n.op in REDUCTIONS:
        return a.reduction(n.op, args[0], n.attrs[0])
    return a.op(n.op, *args, attrs=n.attrs)


def _im(a: Algebra, p: Parts) -> Node:
    return a.zero if p.im is None else p.im


def _parts(a: Algebra, re: Node, im: Node) -> Parts:
    """Parts, with an imaginary part that is the constant zero dropped."""
    return Parts(re, None if a.is_value(im, 0) else im)


def _add(a: Algebra, n: Node, x: Parts, y: Parts) -> Parts:
    return _parts(a, a.add(x.re, y.re), _im(a, x) if y.im is None else y.im if x.im is None else a.add(x.im, y.im))


def _sub(a: Algebra, n: Node, x: Parts, y: Parts) -> Parts:
    im = _im(a, x) if y.im is None else a.neg(y.im) if x.im is None else a.sub(x.im, y.im)
    return _parts(a, a.sub(x.re, y.re), im)


def _neg(a: Algebra, n: Node, x: Parts) -> Parts:
    return Parts(a.neg(x.re), None if x.im is None else a.neg(x.im))


def _product_term(a: Algebra, x: Node, y: Node | None) -> Node | None:
    """x*y, or None where a factor is zero by structure (also under strict math: such a zero was never computed)."""
    if y is None or (is_const(x) and x.attrs[0] == 0) or (is_const(y) and y.attrs[0] == 0):
        return None
    return a.mul(x, y)


def _combine(a: Algebra, first: Node | None, second: Node | None, sign: int) -> Node:
    """first + sign*second, terms that are None left out."""
    if second is None:
        return a.zero if first is None else first
    if first is None:
        return second if sign > 0 else a.neg(second)
    return a.add(first, second) if sign > 0 else a.sub(first, second)


def _mul(a: Algebra, n: Node | None, x: Parts, y: Parts) -> Parts:
    re_re = _product_term(a, x.re, y.re)
    im_im = None if x.im is None else _product_term(a, x.im, y.im)
    re_im = _product_term(a, x.re, y.im)
    im_re = None if x.im is None else _product_term(a, x.im, y.re)
    return _parts(a, _combine(a, re_re, im_im, -1), _combine(a, re_im, im_re, 1))


def _norm(a: Algebra, x: Parts) -> Node:
    """x.re**2 + x.im**2."""
    if x.im is None:
        return a.mul(x.re, x.re)
    return _combine(a, _product_term(a, x.re, x.re), a.mul(x.im, x.im), 1)


def _div(a: Algebra, n: Node | None, x: Parts, y: Parts) -> Parts:
    if y.im is None:
        return Parts(a.div(x.re, y.re), None if x.im is None else a.div(x.im, y.re))
    top = _mul(a, None, x, Parts(y.re, a.neg(y.im)))
    norm = _norm(a, y)
    return _parts(a, a.div(top.re, norm), a.div(_im(a, top), norm))


def _complex(a: Algebra, n: Node, re: Parts, im: Parts) -> Parts:
    return _parts(a, re.re, im.re)


def _power(a: Algebra, n: Node, x: Parts) -> Parts:
    exponent = n.attrs[0]
    if not isinstance(exponent, int):
        if exponent == HALF:
            return _sqrt(a, n, x)
        return _pow(a, n, x, Parts(a.const(exponent)))
    result, square, k = Parts(a.one), x, abs(exponent)
    while k:
        if k & 1:
            result = _mul(a, None, result, square)
        k >>= 1
        if k:
            square = _mul(a, None, square, square)
    return result if exponent >= 0 else _div(a, None, Parts(a.one), result)


def _sqrt(a: Algebra, n: Node | None, z: Parts) -> Parts:
    """Principal root without cancellation: t = sqrt((|re| + |z|)/2), the other part is im/(2t)."""
    if z.im is None:
        t, right = a.op("sqrt", a.op("abs", z.re)), a.op("le", a.zero, z.re)
        return Parts(a.select(right, t, a.zero), a.select(right, a.zero, t))
    im = _im(a, z)
    modulus = a.op("sqrt", _norm(a, z))
    t = a.op("sqrt", a.mul(a.const(HALF), a.add(a.op("abs", z.re), modulus)))
    at_zero = a.op("eq", t, a.zero)
    other = a.select(at_zero, a.zero, a.div(im, a.mul(a.const(2), a.select(at_zero, a.one, t))))
    right = a.op("le", a.zero, z.re)
    return Parts(
        a.select(right, t, a.op("abs", other)),
        a.select(right, other, a.op("copysign", t, im)),
    )


def _exp(a: Algebra, n: Node | None, z: Parts) -> Parts:
    size, angle = a.op("exp", z.re), _im(a, z)
    return Parts(a.mul(size, a.op("cos", angle)), a.mul(size, a.op("sin", angle)))


def _log(a: Algebra, n: Node | None, z: Parts) -> Parts:
    if z.im is None:
        return Parts(a.op("log", a.op("abs", z.re)), a.op("atan2", a.zero, z.re))
    return Parts(a.mul(a.const(HALF), a.op("log", _norm(a, z))), a.op("atan2", _im(a, z), z.re))


def _scaled_log(base_log: Fraction):
    def rule(a: Algebra, n: Node, z: Parts) -> Parts:
        scale = a.const(base_log)
        log = _log(a, None, z)
        return Parts(a.mul(scale, log.re), a.mul(scale, _im(a, log)))

    return rule


def _pow(a: Algebra, n: Node, x: Parts, y: Parts) -> Parts:
    """exp(y log x); 0**y is 1 for y = 0, 0 where the real part of y is positive, and NaN elsewhere."""
    at_zero = a.op("and", a.op("eq", x.re, a.zero), a.op("eq", _im(a, x), a.zero))
    base = Parts(a.select(at_zero, a.one, x.re), a.select(at_zero, a.zero, _im(a, x)))
    power = _exp(a, None, _mul(a, None, y, _log(a, None, base)))
    unit, rest = _power_of_zero(a, y)
    return Parts(a.select(at_zero, unit, power.re), a.select(at_zero, rest, _im(a, power)))


def _power_of_zero(a: Algebra, y: Parts) -> tuple[Node, Node]:
    if y.im is None and is_const(y.re) and y.re.attrs[0] > 0:
        return a.zero, a.zero
    no_power = a.op("eq", y.re, a.zero)
    if y.im is not None:
        no_power = a.op("and", no_power, a.op("eq", y.im, a.zero))
    beyond = a.select(a.op("lt", a.zero, y.re), a.zero, a.const(nan))
    return a.select(no_power, a.one, beyond), a.select(no_power, a.zero, beyond)


def _exp2(a: Algebra, n: Node, z: Parts) -> Parts:
    return _exp(a, None, _mul(a, None, Parts(a.const(LN2)), z))


def _expm1(a: Algebra, n: Node, z: Parts) -> Parts:
    half_sine = a.op("sin", a.mul(a.const(HALF), _im(a, z)))
    less = a.mul(a.const(2), a.mul(half_sine, half_sine))
    re = a.sub(a.mul(a.op("expm1", z.re), a.op("cos", _im(a, z))), less)
    return Parts(re, a.mul(a.op("exp", z.re), a.op("sin", _im(a, z))))


def _log1p(a: Algebra, n: Node, z: Parts) -> Parts:
    im = _im(a, z)
    less_one = a.add(a.mul(z.re, a.add(z.re, a.const(2))), a.mul(im, im))
    return Parts(a.mul(a.const(HALF), a.op("log1p", less_one)), a.op("atan2", im, a.add(z.re, a.one)))


def _sin(a: Algebra, n: Node, z: Parts) -> Parts:
    x, y = z.re, _im(a, z)
    return Parts(a.mul(a.op("sin", x), a.op("cosh", y)), a.mul(a.op("cos", x), a.op("sinh", y)))


def _cos(a: Algebra, n: Node, z: Parts) -> Parts:
    x, y = z.re, _im(a, z)
    return Parts(a.mul(a.op("cos", x), a.op("cosh", y)), a.neg(a.mul(a.op("sin", x), a.op("sinh", y))))


def _sinh(a: Algebra, n: Node, z: Parts) -> Parts:
    x, y = z.re, _im(a, z)
    return Parts(a.mul(a.op("sinh", x), a.op("cos", y)), a.mul(a.op("cosh", x), a.op("sin", y)))


def _cosh(a: Algebra, n: Node, z: Parts) -> Parts:
    x, y = z.re, _im(a, z)
    return Parts(a.mul(a.op("cosh", x), a.op("cos", y)), a.mul(a.op("sinh", x), a.op("sin", y)))


def _tanh(a: Algebra, n: Node | None, z: Parts) -> Parts:
    """(t + i u)/(1 + i t u) with t = tanh re, u = tan im, and 1 - t*t = 1/cosh(re)**2: no overflow for large |re|."""
    t, u = a.op("tanh", z.re), a.op("tan", _im(a, z))
    cosh, uu = a.op("cosh", z.re), a.mul(u, u)
    norm = a.add(a.one, a.mul(a.mul(t, t), uu))
    return Parts(a.div(a.mul(t, a.add(a.one, uu)), norm), a.div(u, a.mul(a.mul(cosh, cosh), norm)))


def _times_i(a: Algebra, z: Parts) -> Parts:
    return _parts(a, a.neg(_im(a, z)), z.re)


def _over_i(a: Algebra, z: Parts) -> Parts:
    return _parts(a, _im(a, z), a.neg(z.re))


def _tan(a: Algebra, n: Node, z: Parts) -> Parts:
    return _over_i(a, _tanh(a, None, _times_i(a, z)))


def _shift(a: Algebra, c: int, z: Parts, sign: int = 1) -> Parts:
    """c + sign*z."""
    term = z if sign > 0 else _neg(a, None, z)  # type: ignore[arg-type]
    return Parts(a.add(a.const(c), term.re), term.im)


def _asin(a: Algebra, n: Node | None, z: Parts) -> Parts:
    """W. Kahan's form (Branch Cuts for Complex Elementary Functions, 1987): nothing cancels, for no z."""
    minus, plus = _sqrt(a, None, _shift(a, 1, z, -1)), _sqrt(a, None, _shift(a, 1, z))
    product = _mul(a, None, minus, plus)
    crossed = a.sub(a.mul(minus.re, _im(a, plus)), a.mul(_im(a, minus), plus.re))
    return Parts(a.op("atan2", z.re, product.re), a.op("copysign", a.op("asinh", crossed), _im(a, z)))


def _asinh(a: Algebra, n: Node, z: Parts) -> Parts:
    return _over_i(a, _asin(a, None, _times_i(a, z)))


def _acos(a: Algebra, n: Node, z: Parts) -> Parts:
    minus, plus = _sqrt(a, None, _shift(a, 1, z, -1)), _sqrt(a, None, _shift(a, 1, z))
    crossed = a.sub(a.mul(plus.re, _im(a, minus)), a.mul(_im(a, plus), minus.re))
    im = a.op("copysign", a.op("asinh", crossed), _im(a, z))
    return Parts(a.mul(a.const(2), a.op("atan2", minus.re, plus.re)), a.neg(im))


def _acosh(a: Algebra, n: Node, z: Parts) -> Parts:
    minus, plus = _sqrt(a, None, _shift(a, -1, z)), _sqrt(a, None, _shift(a, 1, z))
    inner = a.add(a.mul(minus.re, plus.re), a.mul(_im(a, minus), _im(a, plus)))
    return Parts(a.op("asinh", inner), a.mul(a.const(2), a.op("atan2", _im(a, minus), plus.re)))


def _atanh(a: Algebra, n: Node | None, z: Parts) -> Parts:
    """|re| = log1p(4 |x|/((1 - |x|)**2 + y*y))/4 and im = atan2(2 y, (1 - x)(1 + x) - y*y)/2: exact for small z too."""
    x, y = a.op("abs", z.re), _im(a, z)
    less, square = a.sub(a.one, x), a.mul(y, y)
    inside = a.div(a.mul(a.const(4), x), a.add(a.mul(less, less), square))
    re = a.mul(a.const(Fraction(1, 4)), a.op("log1p", inside))
    angle = a.op("atan2", a.mul(a.const(2), y), a.sub(a.mul(less, a.add(a.one, x)), square))
    return Parts(a.op("copysign", re, z.re), a.mul(a.const(HALF), angle))


def _atan(a: Algebra, n: Node, z: Parts) -> Parts:
    return _over_i(a, _atanh(a, None, _times_i(a, z)))


def _abs(a: Algebra, n: Node, z: Parts) -> Parts:
    return Parts(a.op("sqrt", _norm(a, z)))


def _eq(a: Algebra, n: Node, x: Parts, y: Parts) -> Parts:
    return Parts(a.op("and", a.op("eq", x.re, y.re), a.op("eq", _im(a, x), _im(a, y))))


def _ne(a: Algebra, n: Node, x: Parts, y: Parts) -> Parts:
    return Parts(a.op("or", a.op("ne", x.re, y.re), a.op("ne", _im(a, x), _im(a, y))))


def _select(a: Algebra, n: Node, condition: Parts, x: Parts, y: Parts) -> Parts:
    return Parts(a.select(condition.re, x.re, y.re), a.select(condition.re, _im(a, x), _im(a, y)))


def _keep(a: Algebra, n: Node, x: Parts) -> Parts:
    return Parts(a.op("keep", x.re), None if x.im is None else a.op("keep", x.im))


def _conj(a: Algebra, n: Node, x: Parts) -> Parts:
    return Parts(x.re, None if x.im is None else a.neg(x.im))


# rational stand-ins, correct to 60 digits, of the irrational constants that appear in these formulas
LN2 = Fraction(693147180559945309417232121458176568075500134360255254120680009, 10**63)
LN10 = Fraction(2302585092994045684017991454684364207601101488628772976033327901, 10**63)

_ALWAYS = frozenset({"complex", "real", "imag", "conj"})
_LEAVES_THE_AXIS = frozenset(
    {"sqrt", "power", "pow", "log", "log2", "log10", "log1p", "asin", "acos", "acosh", "atanh"}
)
_RULES: dict[str, Callable[..., Parts]] = {
    "complex": _complex,
    "real": lambda a, n, x: Parts(x.re),
    "imag": lambda a, n, x: Parts(_im(a, x)),
    "conj": _conj,
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "neg": _neg,
    "power": _power,
    "pow": _pow,
    "sqrt": _sqrt,
    "abs": _abs,
    "exp": _exp,
    "exp2": _exp2,
    "expm1": _expm1,
    "log": _log,
    "log2": _scaled_log(1 / LN2),
    "log10": _scaled_log(1 / LN10),
    "log1p": _log1p,
    "sin": _sin,
    "cos": _cos,
    "tan": _tan,
    "asin": _asin,
    "acos": _acos,
    "atan": _atan,
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _tanh,
    "asinh": _asinh,
    "acosh": _acosh,
    "atanh": _atanh,
    "eq": _eq,
    "ne": _ne,
    "select": _select,
    "keep": _keep,
    "batch_sum": lambda a, n, x: _parts(a, *[a.reduction(n.op, p, n.attrs[0]) for p in (x.re, _im(a, x))]),
}
