"""Functions that cannot be traced because of shapes, kinds or names: with the exact text of their refusal."""

import inspect
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

import symhep as sh
from tests import refused
from tests.bad_inputs import product

CASES: list[Any] = []
case = partial(refused.case, CASES)


@case(
    "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature (n?,k),(k,m?)->(n?,m?) "
    "(size 3 is different from 2)"
)
def product_of_other_sizes(x):
    return np.stack([x, x]) @ np.ones(3)


@case("operands could not be broadcast together with shapes (2,) (3,)")
def sum_of_other_sizes(x):
    return np.stack([x, x]) + np.stack([x, x, x])


@case("index 5 is out of bounds for axis 0 with size 2")
def index_out_of_bounds(x):
    return np.stack([x, x])[5]


@case("cannot reshape array of size 2 into shape (3,)")
def shape_of_another_size(x):
    return np.stack([x, x]).reshape(3)


@case("unsupported operand type(s) for +: a traced number and 'str'")
def number_and_text(x):
    return x + "GeV"


@case("unsupported operand type(s) for <<: a traced number and 'int'")
def shifted_bits(x):
    return x << 2


@case("np.linalg.inv of shape (2,): one square matrix per event is needed")
def inverse_of_a_vector(x):
    return np.linalg.inv(np.stack([x, x]))


@case("product: missing a required argument: 'y'", "product(x, y)")
def registered_with_too_few(x):
    return product(x)


@case("product takes 2 real numbers, got complex and real", ".real and .imag of complex values")
def registered_of_complex(x):
    return product(x + 1j, x)


@case("a name has to be an identifier, got 'm inv'", 'a name such as sh.name(x, "s12")')
def name_with_a_space(x):
    return sh.name(x, "m inv")


@case("result of generator_of_values is of type generator", "numbers, arrays or containers of them", line=0)
def generator_of_values(x):
    return (k * x for k in range(3))


@case("result of set_of_values is of type set", "numbers, arrays or containers of them", line=0)
def set_of_values(x):
    return {1, x}


def source_of(function: FunctionType) -> tuple[list[str], int]:
    """The lines of a function from its `def` on, and the number of the first."""
    lines, start = inspect.getsourcelines(function)
    first = next(i for i, text in enumerate(lines) if text.startswith("def "))
    return [line.rstrip() for line in lines[first:]], start + first
