"""Objects that hold sympy expressions: sympy's own containers, its vectors, and those of the package vector."""

from __future__ import annotations

import sys
from typing import Any

import sympy
from sympy.vector.basisdependent import BasisDependent
from sympy.vector.dyadic import Dyadic
from sympy.vector.vector import Vector

from symhep.errors import ArgumentError, listing, message

# what a vector of the package vector calls its coordinates if it is a momentum
_MOMENTUM = {"x": "px", "y": "py", "z": "pz", "t": "E", "rho": "pt", "tau": "mass"}


def components_of(value: Any) -> Any:
    """sympy's Tuple and Dict as Python's, a vector of the package vector as a dict of its coordinates.

    Anything else is returned as it is.

    >>> components_of(sympy.Tuple(1, 2))
    (1, 2)
    """
    if isinstance(value, sympy.Tuple):
        return tuple(value)
    if isinstance(value, sympy.Dict):
        return dict(value)
    backend = sys.modules.get("vector.backends.sympy")
    if backend is None or not isinstance(value, backend.VectorSympy):
        return value
    names = _MOMENTUM if isinstance(value, sys.modules["vector"].Momentum) else {}
    found: dict[str, Any] = {}
    for part in ("azimuthal", "longitudinal", "temporal"):
        coordinates = getattr(value, part, None)
        for name in ("x", "y", "rho", "phi", "z", "theta", "eta", "t", "tau"):
            if hasattr(coordinates, name):
                found[names.get(name, name)] = getattr(coordinates, name)
    return found


def array_of(value: Any) -> Any:
    """The components of sympy's vectors and dyadics as an array; anything else is returned as it is.

    Raises ArgumentError for one that has components along several frames.
    """
    if isinstance(value, BasisDependent):
        return _of_systems(value)
    mechanics = sys.modules.get("sympy.physics.vector")
    if mechanics is None or not isinstance(value, (mechanics.Vector, mechanics.Dyadic)):
        return value
    if isinstance(value, mechanics.Vector):
        frames = {frame: None for _, frame in value.args}
    else:
        frames = {frame: None for _, *pair in value.args for v in pair for _, frame in v.args}
    if not frames:
        return sympy.Array.zeros(*(3,) * (1 if isinstance(value, mechanics.Vector) else 2))
    return _array(value.to_matrix(_one(list(frames), value, "value.express({})")))


def _of_systems(value: Any) -> Any:
    """A vector or dyadic of sympy.vector."""
    vectors = value.components if isinstance(value, Vector) else [v for dyad in value.components for v in dyad.args]
    bases = vectors if isinstance(value, (Vector, Dyadic)) else []
    systems = list(dict.fromkeys([base.system for base in sorted(bases, key=str)]))
    if not systems:
        return sympy.Array.zeros(*(3,) * (1 if isinstance(value, Vector) else 2))
    return _array(value.to_matrix(_one(systems, value, "sympy.vector.express(value, {})")))


def _one(frames: list[Any], value: Any, instead: str) -> Any:
    """The one frame of a vector."""
    frames = sorted(frames, key=str)
    if len(frames) > 1:
        what = f"the {_kind(value)} {value!s:.40} has components along {listing(frames)}"
        raise ArgumentError(message(what, instead=instead.format(frames[0])))
    return frames[0]


def _kind(value: Any) -> str:
    return "dyadic" if "Dyadic" in [cls.__name__ for cls in type(value).__mro__] else "vector"


def _array(matrix: Any) -> Any:
    rows, columns = matrix.shape
    return sympy.Array(list(matrix), (rows,) if columns == 1 else (rows, columns))
