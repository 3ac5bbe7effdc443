"""Kernels for high-energy physics: write a formula for one event, get optimised code for many.

>>> import numpy as np
>>> import symhep as sh
>>> @sh.kernel
... def transverse(px, py):
...     return np.sqrt(px * px + py * py)
>>> transverse
<kernel transverse(px, py)>
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symhep.batch.reductions import batch_max as batch_max
    from symhep.batch.reductions import batch_mean as batch_mean
    from symhep.batch.reductions import batch_min as batch_min
    from symhep.batch.reductions import batch_sum as batch_sum
    from symhep.checking.domain import box as box
    from symhep.derivatives.check import DerivativeError as DerivativeError
    from symhep.derivatives.check import check_derivatives as check_derivatives
    from symhep.derivatives.operators import grad as grad
    from symhep.derivatives.operators import hessian as hessian
    from symhep.derivatives.operators import jacobian as jacobian
    from symhep.derivatives.operators import jvp as jvp
    from symhep.derivatives.operators import value_and_grad as value_and_grad
    from symhep.derivatives.operators import value_grad_hessian as value_grad_hessian
    from symhep.derivatives.operators import vjp as vjp
    from symhep.derivatives.propagate import propagate as propagate
    from symhep.errors import ArgumentError as ArgumentError
    from symhep.errors import CompileError as CompileError
    from symhep.errors import DeviceMemoryError as DeviceMemoryError
    from symhep.errors import MissingPackage as MissingPackage
    from symhep.errors import SymhepError as SymhepError
    from symhep.errors import TargetError as TargetError
    from symhep.errors import TraceError as TraceError
    from symhep.kernel import Kernel as Kernel
    from symhep.kernel import kernel as kernel
    from symhep.symbolic.reading import compile as compile
    from symhep.targets import targets as targets
    from symhep.tracing.annotations import Argument as Argument
    from symhep.tracing.annotations import Array as Array
    from symhep.tracing.annotations import Boolean as Boolean
    from symhep.tracing.annotations import Complex as Complex
    from symhep.tracing.annotations import Integer as Integer
    from symhep.tracing.annotations import Matrix as Matrix
    from symhep.tracing.annotations import Scalar as Scalar
    from symhep.tracing.annotations import Static as Static
    from symhep.tracing.annotations import Symmetric as Symmetric
    from symhep.tracing.annotations import Vector as Vector
    from symhep.tracing.custom import register as register
    from symhep.tracing.marks import array as array
    from symhep.tracing.marks import keep as keep
    from symhep.tracing.marks import name as name
    from symhep.tracing.marks import where as where
    from symhep.tracing.marks import zeros as zeros

__version__ = "0.1.0"

# Where each public name is: nothing is imported before it is used
_HOMES = {
    "kernel": "kernel Kernel",
    "tracing.marks": "name keep where array zeros",
    "batch.reductions": "batch_sum batch_mean batch_max batch_min",
    "tracing.annotations": "Scalar Complex Integer Boolean Vector Matrix Symmetric Array Static Argument",
    "symbolic.reading": "compile",
    "checking.domain": "box",
    "targets": "targets",
    "tracing.custom": "register",
    "derivatives.operators": "grad value_and_grad jacobian hessian value_grad_hessian jvp vjp",
    "derivatives.check": "check_derivatives DerivativeError",
    "derivatives.propagate": "propagate",
    "errors": "SymhepError TraceError ArgumentError TargetError CompileError DeviceMemoryError MissingPackage",
}
_HOME_OF = {public: home for home, names in _HOMES.items() for public in names.split()}

__all__ = [*_HOME_OF]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "special":
        return import_module("symhep.special")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'symhep' has no attribute {name!r}")
    value = getattr(import_module(f"symhep.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Public names win over submodules of the same name, which imports would otherwise set in their place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME_OF and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
