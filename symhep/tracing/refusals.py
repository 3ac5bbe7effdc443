"""What cannot be done with traced values, and what to write instead, in the words of the user's own line."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from symhep.errors import SymhepError, TraceError, message
from symhep.tracing.source import Spot, user_traceback

# Python's math and cmath names that NumPy spells differently
_NUMPY_NAMES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2",
    "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "pow": "power", "phase": "angle", "dist": "linalg.norm", "fsum": "sum",
}  # fmt: skip

_CHOICE = "np.where(condition, a, b)"


def refusal(what: str, instead: str = "") -> TraceError:
    """An error at the user's line that is running now."""
    return TraceError(message(what, str(Spot.here()), instead))


def no_order(name: str) -> TraceError:
    """The error for a function that complex numbers do not have."""
    return refusal(f"np.{name} of complex values: complex numbers have no order", "x.real, x.imag or abs(x)")


def no_bits(name: str) -> TraceError:
    """The error for bitwise operations on numbers."""
    what = f"np.{name} of numbers: bitwise operations combine conditions here"
    return refusal(what, "conditions, such as (x > 0) & (y > 0)")


def no_axes(name: str) -> TraceError:
    """The error for a reduction over a scalar."""
    what = f"np.{name} of one value per event: NumPy reductions act on core axes, and a scalar has none"
    over = name.removeprefix("a") if name.removeprefix("a") in ("max", "min") else name
    over = over if over in ("mean", "max", "min") else "sum"
    return refusal(what, f"sh.batch_{over}(x) for all events, or sh.array([a, b, c]) to combine values of one event")


def no_value(construct: str) -> TraceError:
    """The error for Python asking a traced value for a value now: `if`, `float()`, `math.sqrt`, an index and so on."""
    return _no_value(Spot.here(), construct)


def _no_value(spot: Spot, construct: str) -> TraceError:
    path = spot.enclosing()
    found = None
    if path and spot.operation.startswith("CALL") and isinstance(path[0], ast.Call):
        found = _call(spot, path[0], construct)
    elif construct == "bool":
        found = _truth(spot, path)
    elif spot.operation == "STORE_SUBSCR":
        found = _ASSIGNMENT
    if spot.operation == "COMPARE_OP":
        found = _OBJECTS
    what, instead = found or _PLAIN[construct]
    return TraceError(message(f"{what} needs a value now, but a traced one stands for every event", str(spot), instead))


_ASSIGNMENT = ("storing into a NumPy array", "sh.zeros(shape) in place of np.zeros(shape), or sh.array of a list")
_OBJECTS = ("a comparison of NumPy's arrays of Python objects", "sh.array([...]) in place of np.array([...])")

_PLAIN = {
    "bool": ("a truth value (`if`, `while`, `and`, `or`, `not`)", f"{_CHOICE}, or &, |, ~ between conditions"),
    "float": ("a conversion to float", "the value as it is"),
    "int": ("a conversion to int", "np.trunc(x)"),
    "complex": ("a conversion to complex", "a + 1j * b"),
    "index": ("an index or a length", "a number, a Python list index or an argument annotated with sh.Static"),
    "round": ("round()", "np.rint(x)"),
}


# -- truth values ----------------------------------------------------------------------------------------------------


def _truth(spot: Spot, path: list[ast.AST]) -> tuple[str, str] | None:
    """The construct that asks whether a traced value is true: the innermost one around the running instruction."""
    for child, parent in zip([None, *path], path):
        for kind, asks in _TRUTH:
            if isinstance(parent, kind) and (found := asks(spot, parent, child)):
                return found
    return None


def _if(spot: Spot, node: Any, child: Any) -> tuple[str, str] | None:
    return ("`if`", f"np.where({spot.text(node.test)}, a, b)") if child is node.test else None


def _conditional(spot: Spot, node: Any, child: Any) -> tuple[str, str] | None:
    if child is not node.test:
        return None
    test, body, other = (spot.text(n) for n in (node.test, node.body, node.orelse))
    return "`if`", f"np.where({test}, {body}, {other})"


def _while(spot: Spot, node: Any, child: Any) -> tuple[str, str] | None:
    if child is not node.test:
        return None
    return "`while`", f"a `for` loop of fixed length that keeps values by np.where({spot.text(node.test)}, new, old)"


def _and_or(spot: Spot, node: Any, child: Any) -> tuple[str, str] | None:
    word, sign = ("and", "&") if isinstance(node.op, ast.And) else ("or", "|")
    return f"`{word}`", f" {sign} ".join(_bracketed(spot, v) for v in node.values)


def _not(spot: Spot, node: Any, child: Any) -> tuple[str, str] | None:
    return ("`not`", f"~{_bracketed(spot, node.operand)}") if isinstance(node.op, ast.Not) else None


def _comparison(spot: Spot, node: Any, child: Any) -> tuple[str, str] | None:
    terms = [spot.text(n) for n in (node.left, *node.comparators)]
    if isinstance(node.ops[0], (ast.In, ast.NotIn)):
        return "`in`", f"({terms[0]} == a) | ({terms[0]} == b)"
    if len(node.ops) == 1:
        return None
    signs = [_SIGNS[type(op)] for op in node.ops]
    pairs = [f"({a} {sign} {b})" for a, sign, b in zip(terms, signs, terms[1:])]
    return f"`{terms[0]} {signs[0]} {terms[1]} {signs[1]} ...`", " & ".join(pairs)


def _assert(spot: Spot, node: Any, child: Any) -> tuple[str, str] | None:
    return "`assert`", "the check outside the kernel"


def _comprehension(spot: Spot, node: Any, child: Any) -> tuple[str, str] | None:
    tests = [test for generator in node.generators for test in generator.ifs]
    if not any(child is test for test in tests):
        return None
    return "`if` in a comprehension", f"np.where({spot.text(child)}, a, b)"


_SIGNS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_TRUTH: tuple[tuple[Any, Callable], ...] = (
    (ast.If, _if),
    (ast.IfExp, _conditional),
    (ast.While, _while),
    (ast.BoolOp, _and_or),
    (ast.UnaryOp, _not),
    (ast.Compare, _comparison),
    (ast.Assert, _assert),
    (_COMPREHENSIONS, _comprehension),
)


def _bracketed(spot: Spot, node: ast.AST) -> str:
    text = spot.text(node)
    return text if isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)) else f"({text})"


# -- calls -----------------------------------------------------------------------------------------------------------


def _call(spot: Spot, node: ast.Call, construct: str) -> tuple[str, str] | None:
    """A call of something that is not symhep's, by what is called."""
    function, name = spot.lookup(node.func), spot.text(node.func)
    args = [spot.text(a) for a in node.args]
    first = args[0] if args else "x"
    module = getattr(function, "__module__", "") or ""
    if module in ("math", "cmath"):
        own = function.__name__
        return name, f"{_numpy_name(own)}({', '.join(args)})"
    if module.partition(".")[0] == "numpy" or isinstance(function, np.ufunc):
        return _numpy_call(name, function, args)
    by_builtin = {
        float: first, bool: first, int: f"np.trunc({first})",
        complex: f"{first} + 1j * {args[1]}" if len(args) > 1 else first,
        round: f"np.round({', '.join(args)})" if len(args) > 1 else f"np.rint({first})",
        max: _chain("np.maximum", args), min: _chain("np.minimum", args),
        range: f"a fixed number, or annotate the argument: {first}: sh.Static",
        any: f"np.any(sh.array({first}))", all: f"np.all(sh.array({first}))",
        sorted: "np.minimum and np.maximum: the order differs from event to event",
    }  # fmt: skip
    instead = by_builtin.get(function) if _hashable(function) else None
    return (f"{name}()", instead) if instead else (f"{name}()", _PLAIN[construct][1])


def _numpy_call(name: str, function: Callable, args: list[str]) -> tuple[str, str]:
    """A NumPy function of a list or of an array of objects: it would see symhep's values inside a traced array."""
    from symhep.tracing.numpy_functions import supported

    own = function.__name__
    if own in ("array", "asarray", "asanyarray", "ascontiguousarray"):
        return name, "sh.array([...]), without dtype=float"
    if own not in supported():
        return f"{name} (not supported)", "a formula for one event"
    return name, f"{name}(sh.array({args[0] if args else '[...]'}){''.join([', ' + a for a in args[1:]])})"


def _numpy_name(name: str) -> str:
    """Where NumPy or SciPy has what the math module calls by this name.

    >>> _numpy_name("atan2"), _numpy_name("sqrt"), _numpy_name("erf")
    ('np.arctan2', 'np.sqrt', 'scipy.special.erf')
    """
    own = _NUMPY_NAMES.get(name, name)
    return f"np.{own}" if "." in own or hasattr(np, own) else f"scipy.special.{own}"


def _chain(function: str, args: list[str]) -> str:
    """Nested calls of a function of two arguments.

    >>> _chain("np.maximum", ["a", "b", "c"]), _chain("np.maximum", ["values"])
    ('np.maximum(np.maximum(a, b), c)', 'np.max(sh.array(values))')
    """
    if not args:
        return f"{function}(a, b)"
    if len(args) == 1:
        return f"{function.removesuffix('imum')}(sh.array({args[0]}))"
    text = args[0]
    for a in args[1:]:
        text = f"{function}({text}, {a})"
    return text


def _hashable(value: Any) -> bool:
    return getattr(value, "__hash__", None) is not None


# -- Python's own errors ---------------------------------------------------------------------------------------------

_BY_TEXT = (
    ("no len()", "len() of a scalar: it is one number per event", "an argument annotated with sh.Vector[n]"),
    ("not iterable", "a loop over a scalar: it is one number per event", "an argument annotated with sh.Vector[n]"),
    ("non-iterable", "unpacking a scalar: it is one number per event", "an argument annotated with sh.Vector[n]"),
    ("not subscriptable", "an index into a scalar: it is one number per event",
     "an argument annotated with sh.Vector[n]"),
    ("item assignment", "item assignment to a scalar: it is one number per event",
     "sh.zeros(shape), then x[i] = value"),
    ("not callable", "a call of a traced number", "`*` where a product is meant"),
    ("ufunc", "NumPy's arrays of Python objects cannot do this", "sh.array([...]) in place of np.array([...])"),
)  # fmt: skip


_OURS = {
    "'Scalar' object": "a traced number",
    "'Boolean' object": "a traced condition",
    "'Scalar'": "a traced number",
    "'Boolean'": "a traced condition",
    '"Scalar"': "a traced number",
    "Scalar object": "traced number",
    "Boolean object": "traced condition",
    "ufunc": "ufunc",
}


def explain(error: Exception) -> TraceError | None:
    """What an error that Python or NumPy raised about a traced value means; None if it is about something else."""
    if isinstance(error.__cause__, TraceError):  # NumPy wraps what it finds in float()
        return error.__cause__
    spot = Spot.of(error)
    text = str(error)
    if spot is None or isinstance(error, SymhepError):
        return None
    if isinstance(error, (ValueError, IndexError)):
        return TraceError(message(text.strip(), str(spot))) if _inside(error) else None
    if not isinstance(error, (TypeError, AttributeError)) or not any(word in text for word in _OURS):
        return None
    for part, what, instead in _BY_TEXT:
        if part in text:
            return TraceError(message(what, str(spot), instead))
    for word, said in _OURS.items():
        text = text.replace(word, said)
    return TraceError(message(text, str(spot)))


def _inside(error: Exception) -> bool:
    """Whether it was raised by what the user's code called, symhep or NumPy, and not by the user's code itself."""
    entry = user_traceback(error.__traceback__)
    return entry is not None and entry.tb_next is not None
