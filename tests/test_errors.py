"""Every refusal says what, where in the user's code, and what to write instead: the exact texts."""

import math
import random
import time
from functools import partial

import numpy as np
import pytest

import symhep as sh
from symhep.errors import ArgumentError, MissingPackage, SymhepError, TargetError, TraceError, listing, message, nearest
from symhep.tracing.trace import trace
from tests import refused
from tests.refused import VALUE

ONE = "it is one number per event"
VECTOR = "an argument annotated with sh.Vector[n]"
CASES = []
case = partial(refused.case, CASES)


@case(VALUE.format("`if`"), "np.where(x > 0, a, b)", line=1)
def if_statement(x):
    if x > 0:
        return x
    return -x


@case(VALUE.format("`if`"), "np.where(x > 0, x, -x)")
def conditional_expression(x):
    return x if x > 0 else -x


@case(VALUE.format("`while`"), "a `for` loop of fixed length that keeps values by np.where(x > 1, new, old)", line=1)
def while_loop(x):
    while x > 1:
        x = x / 2
    return x


@case(VALUE.format("`and`"), "(x > 0) & (y > 0)")
def logical_and(x, y):
    return np.where(x > 0 and y > 0, x, y)


@case(VALUE.format("`or`"), "(x > 0) | (y > 0)")
def logical_or(x, y):
    return np.where(x > 0 or y > 0, x, y)


@case(VALUE.format("`not`"), "~(x > 0)")
def logical_not(x, y):
    return np.where(not x > 0, x, y)


@case(VALUE.format("`0 < x < ...`"), "(0 < x) & (x < 1)")
def chained_comparison(x):
    return np.where(0 < x < 1, x, 0)


@case(VALUE.format("`assert`"), "the check outside the kernel", line=1)
def assertion(x):
    assert x > 0
    return x


@case(VALUE.format("`in`"), "(x == a) | (x == b)")
def membership(x):
    return np.where(x in (1, 2), x, 0)


@case(VALUE.format("max()"), "np.maximum(np.maximum(x, y), 0)")
def builtin_max(x, y):
    return max(x, y, 0)


@case(VALUE.format("min()"), "np.minimum(x, y)")
def builtin_min(x, y):
    return min(x, y)


@case(VALUE.format("any()"), "np.any(sh.array([x > 0, x < 1]))")
def builtin_any(x):
    return any([x > 0, x < 1])


@case(VALUE.format("sorted()"), "np.minimum and np.maximum: the order differs from event to event")
def builtin_sorted(x):
    return sorted([x, 2 * x])


@case(VALUE.format("bool()"), "x > 0")
def builtin_bool(x):
    return bool(x > 0)


@case(VALUE.format("float()"), "x")
def builtin_float(x):
    return float(x) + 1


@case(VALUE.format("int()"), "np.trunc(x)")
def builtin_int(x):
    return int(x)


@case(VALUE.format("complex()"), "x + 1j * y")
def builtin_complex(x, y):
    return complex(x, y)


@case(VALUE.format("round()"), "np.rint(x)")
def builtin_round(x):
    return round(x)


@case(VALUE.format("round()"), "np.round(x, 2)")
def builtin_round_digits(x):
    return round(x, 2)


@case(VALUE.format("math.sqrt"), "np.sqrt(x * y)")
def math_sqrt(x, y):
    return math.sqrt(x * y)


@case(VALUE.format("math.atan2"), "np.arctan2(y, x)")
def math_atan2(x, y):
    return math.atan2(y, x)


@case(VALUE.format("math.erf"), "scipy.special.erf(x)")
def math_erf(x):
    return math.erf(x)


@case(VALUE.format("range()"), "a fixed number, or annotate the argument: x: sh.Static")
def range_of_value(x):
    return sum(range(x))


@case(VALUE.format("an index or a length"), "a number, a Python list index or an argument annotated with sh.Static")
def list_index(x):
    return [1, 2, 3][x]


@case(f"len() of a scalar: {ONE}", VECTOR)
def length(x):
    return len(x)


@case(f"a loop over a scalar: {ONE}", VECTOR, line=1)
def loop(x):
    for y in x:
        return y


@case(f"unpacking a scalar: {ONE}", VECTOR, line=1)
def unpacking(x):
    a, b = x
    return a + b


@case(f"an index into a scalar: {ONE}", VECTOR)
def subscript(x):
    return x[0]


@case(f"item assignment to a scalar: {ONE}", "sh.zeros(shape), then x[i] = value", line=1)
def scalar_assignment(x):
    x[0] = 3
    return x


@case("a call of a traced number", "`*` where a product is meant")
def call(x):
    return x(3)


@case("random numbers inside a kernel", "random numbers as arguments")
def random_of_python(x):
    return x + random.random()


@case("random numbers inside a kernel", "random numbers as arguments")
def random_of_numpy(x):
    return x * np.random.normal()


@case("random numbers inside a kernel", "random numbers as arguments", line=0)
def random_with_seed(x):
    np.random.seed(3)
    return x * np.random.normal()


TWICE = "traces differently twice: random numbers, time or mutable global state?"


@case(f"random_generator {TWICE}", "what changes as an argument", line=2)
def random_generator(x):
    y = x + 1
    return y * np.random.default_rng().normal()


@case(f"clock {TWICE}", "what changes as an argument")
def clock(x):
    return x * time.perf_counter()


_count = [0]


@case(f"counter {TWICE}", "what changes as an argument", line=2)
def counter(x):
    _count[0] += 1
    return x * _count[0]


@case("the result of constant does not depend on any argument", "a formula of the arguments", line=0)
def constant(x):
    return 3.0


@case("no_return returns None", "return ...", line=0)
def no_return(x):
    x * 2


@case("result.b of text_result is of type str", "numbers, arrays or containers of them", line=0)
def text_result(x):
    return {"a": x, "b": "text"}


@case("result[1] of partly_none is of type NoneType", "numbers, arrays or containers of them", line=0)
def partly_none(x):
    return x, None


@case(VALUE.format("max()"), "np.max(sh.array(values))", line=2)
def builtin_max_of_list(x):
    values = [x, 2 * x]
    return max(values)


@pytest.mark.parametrize("function, text", CASES)
def test_refusal(function, text):
    refused.check(function, text)


def test_refusal_inside_a_helper():
    def helper(value):
        return math.exp(value)

    with pytest.raises(TraceError, match=r"in helper: return math.exp\(value\)\n  write instead: np.exp\(value\)"):
        trace(lambda x: 2 * helper(x))


def test_refusal_without_source():
    namespace = {}
    exec("def f(x):\n    if x > 0:\n        return x\n    return -x", namespace)
    with pytest.raises(TraceError) as caught:
        trace(namespace["f"])
    assert str(caught.value) == message(
        VALUE.format("a truth value (`if`, `while`, `and`, `or`, `not`)"),
        "<string>:2, in f",
        "np.where(condition, a, b), or &, |, ~ between conditions",
    )


def test_users_own_errors_pass_through():
    def f(x):
        raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        trace(f)


def test_value_of_another_trace():
    kept = []

    def f(x):
        kept.append(x)
        return kept[0] * x

    trace(f)
    with pytest.raises(TraceError, match=r"a traced value is used outside the call that made it"):
        trace(f)


def test_seeded_random_numbers_of_another_thread_do_no_harm():
    def f(x):
        random.random()  # as another thread would
        return x + 1

    assert [n.op for n in trace(f).graph.operations()] == ["add"]


def test_classes():
    assert issubclass(TraceError, (SymhepError, TypeError)) and issubclass(ArgumentError, TypeError)
    assert issubclass(ArgumentError, ValueError) and issubclass(TargetError, SymhepError)
    assert str(MissingPackage("jax", extra="jax")) == "jax is not installed\n  write instead: pip install 'symhep[jax]'"
    assert sh.TraceError is TraceError


def test_wording():
    assert listing(["a"]) == "a" and listing([]) == "nothing" and listing("abc", "or") == "a, b or c"
    assert nearest("lenght", ["length", "mass"]) == ["length"]
    assert message("what") == "what"
