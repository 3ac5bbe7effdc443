"""Derivatives of kernels, which are kernels again: `sh.grad` and its relatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from symhep.calling.calls import Site
from symhep.containers import Tree
from symhep.derivatives.forms import Wrt, cells_of, chosen, nested, pair
from symhep.derivatives.ground import (
    Ground,
    Result,
    add_adjoints,
    add_hessian,
    add_jacobian,
    ground,
    traced_again,
    unpaired,
)
from symhep.derivatives.linear import Linear
from symhep.derivatives.modes import forward, reverse
from symhep.derivatives.table import derivatives, sparsity
from symhep.errors import ArgumentError, listing, message
from symhep.garbage import collection_paused
from symhep.graph import Node
from symhep.kernel import Kernel, kernel
from symhep.passes import optimise
from symhep.tracing.annotations import Argument, Core
from symhep.tracing.source import describe_definition
from symhep.tracing.trace import Leaf, Traced


def grad(k: Any, wrt: Wrt = None) -> Kernel:
    """The gradient of a kernel with one real number per event (or per call) as its result.

    k    a kernel, or a function for one event
    wrt  the name of an argument: the result has the form of that argument; several names, or None for all real ones
         that are not static: the result is a dict. A lone argument counts as one name

    Axes: those of the batch, then those of the argument. By a symmetric matrix, the derivative is by the elements of
    its upper triangle, mirrored. Where a batch reduction makes the result, derivatives by parameters are summed over
    the batch.

    Raises ArgumentError if the result is not one real number, or `wrt` is not a real argument.

    >>> grad(lambda x, y: x * x * y)(3.0, 2.0)
    {'x': np.float64(12.0), 'y': np.float64(9.0)}
    """
    return _gradient(k, wrt, "grad", with_value=False)


def value_and_grad(k: Any, wrt: Wrt = None) -> Kernel:
    """The value of a kernel and its gradient (see `grad`) as a pair, from one program.

    >>> value_and_grad(lambda x: x**3)(2.0)
    (np.float64(8.0), np.float64(12.0))
    """
    return _gradient(k, wrt, "value_and_grad", with_value=True)


def _gradient(k: Any, wrt: Wrt, suffix: str, with_value: bool) -> Kernel:
    def build(g: Ground, name: str) -> Traced:
        table = derivatives(g.linear, g.graph.outputs, g.wrt, g.effort)
        result = Result([], [])
        if with_value:
            result.add_values(g)
        add_jacobian(result, g, table)
        return traced_again(g, name, result, pair(g.traced.tree, g.by.tree) if with_value else g.by.tree)

    return derived(k, wrt, suffix, build, scalar=True)


def jacobian(k: Any, wrt: Wrt = None) -> Kernel:
    """The derivatives of all values of a kernel's result.

    The result has the form of the kernel's, each value replaced by its derivatives (in the form that `grad` has).
    Axes: those of the batch, of the value, of the argument. `k.sparsity(wrt)` tells which elements can be other than 0.

    >>> import numpy as np
    >>> jacobian(lambda r, phi: (r * np.cos(phi), r * np.sin(phi)))(2.0, 0.0)[1]
    {'r': np.float64(0.0), 'phi': np.float64(2.0)}
    """

    def build(g: Ground, name: str) -> Traced:
        result = Result([], [])
        add_jacobian(result, g, derivatives(g.linear, g.graph.outputs, g.wrt, g.effort))
        return traced_again(g, name, result, nested(g.traced.tree, g.by.tree))

    return derived(k, wrt, "jacobian", build)


def hessian(k: Any, wrt: Wrt = None) -> Kernel:
    """The second derivatives of a kernel with one real number as its result; each is computed once.

    By one argument, axes: those of the batch, of the argument, of the argument again; by several, a dict of dicts.

    >>> hessian(lambda x, y: x * x * y)(3.0, 2.0)["x"]
    {'x': np.float64(4.0), 'y': np.float64(6.0)}
    """
    return _second(k, wrt, "hessian", lower_orders=False)


def value_grad_hessian(k: Any, wrt: Wrt = None) -> Kernel:
    """The value of a kernel, its gradient and its second derivatives as a triple, from one program.

    >>> value_grad_hessian(lambda x: x**3)(2.0)
    (np.float64(8.0), np.float64(12.0), np.float64(12.0))
    """
    return _second(k, wrt, "value_grad_hessian", lower_orders=True)


def _second(k: Any, wrt: Wrt, suffix: str, lower_orders: bool) -> Kernel:
    def build(g: Ground, name: str) -> Traced:
        first, adjoints = _optimised_gradient(g, k)
        upper = derivatives(first.linear, adjoints, first.wrt, first.effort, upper=True)
        result, tree = Result([], []), nested(first.by.tree, first.by.tree)
        if lower_orders:
            result.add_values(first)
            add_adjoints(result, first, [first.linear.new[n] for n in adjoints])
            tree = pair(first.traced.tree, first.by.tree, tree)
        add_hessian(result, first, upper)
        return traced_again(first, name, result, tree)

    return derived(k, wrt, suffix, build, scalar=True)


def _optimised_gradient(g: Ground, k: Any) -> tuple[Ground, list[Node]]:
    """The same ground with a program that has the gradient too, simplified; and the nodes of the gradient in it."""
    table = derivatives(g.linear, g.graph.outputs, g.wrt, g.effort)
    adjoints = [table.get((0, j), g.linear.a.zero) for j in range(len(g.wrt))]
    whole = g.linear.result(g.linear.inputs, [g.linear.new[g.graph.outputs[0]], *adjoints])
    options = as_kernel(k).options
    graph = unpaired(optimise(whole, effort=options.effort, math=options.math).graph)
    return replace(g, graph=graph, linear=Linear(graph)), list(graph.outputs[1:])


def jvp(k: Any, wrt: Wrt = None) -> Kernel:
    """The value of a kernel and its derivative along a direction, as a pair.

    After the kernel's own arguments come the components of the direction, named x_dot for an argument x and of its
    form.

    >>> jvp(lambda x, y: x * y)(3.0, 2.0, 1.0, 10.0)
    (np.float64(6.0), np.float64(32.0))
    """

    def build(g: Ground, name: str) -> Traced:
        more, dots = [], []
        for argument in chosen(g.traced.arguments, wrt, Site(g.traced.name, None)):
            tangent, leaves = _alike(g, argument, new_name(g, f"{argument.name}_dot"))
            nodes = [g.linear.a.input(path, "real", n.axes) for path, n in zip(_paths(leaves), _columns(g, argument))]
            more.append((tangent, leaves, nodes))
            dots += nodes
        tangents = forward(g.linear, dict(zip(g.wrt, dots)), g.graph.outputs)
        along = [tangents.get(o, g.linear.a.zero) for o in g.graph.outputs]
        result = Result([], [])
        result.add_values(g)
        for value in g.values:
            cells = [(along[re], None if im is None else along[im]) for re, im in value.columns]
            result.add(value.output, cells)
        return traced_again(g, name, result, pair(g.traced.tree, g.traced.tree), more)

    return derived(k, wrt, "jvp", build, more=True)


def vjp(k: Any, wrt: Wrt = None) -> Kernel:
    """The value of a kernel, and its derivatives weighted with a cotangent of the result, as a pair.

    After the kernel's own arguments comes `cotangent`, real and of the form of the result. The derivatives have the
    form that `grad` gives them; those by parameters are summed over the batch.

    Raises ArgumentError if the result has complex or boolean values.

    >>> vjp(lambda x, y: (x + y, x * y))(3.0, 2.0, (1.0, 10.0))[1]
    {'x': np.float64(21.0), 'y': np.float64(31.0)}
    """
    base = as_kernel(k)

    def build(g: Ground, name: str) -> Traced:
        argument, leaves = _cotangent(g, base.site)
        bars = [g.linear.a.input(p, "real", o.axes) for p, o in zip(_paths(leaves), g.graph.outputs)]
        adjoints = reverse(g.linear, list(zip(g.graph.outputs, bars)), g.wrt, summed=True)
        result = Result([], [])
        result.add_values(g)
        add_adjoints(result, g, [adjoints.get(n, g.linear.a.zero) for n in g.wrt])
        return traced_again(g, name, result, pair(g.traced.tree, g.by.tree), [(argument, leaves, bars)])

    return derived(base, wrt, "vjp", build, more=True)


def pattern(k: Any, wrt: Wrt = None, **statics: Any) -> Any:
    """Which elements of a kernel's Jacobian can be other than zero: boolean arrays in the form of the Jacobian."""
    import numpy as np

    made = as_kernel(k)
    g = ground(made._chosen(statics), wrt)
    found = sparsity(g.linear, g.graph.outputs, g.wrt)
    zero, one = g.linear.a.zero, g.linear.a.one
    result = Result([], [])
    add_jacobian(result, g, {(k, j): one for k, row in enumerate(found) for j, filled in enumerate(row) if filled})
    cells = iter(result.cells)
    arrays = []
    for o in result.outputs:
        size = o.shape[0] * (o.shape[0] + 1) // 2 if o.symmetric else math.prod(o.shape)
        filled = [any(x is not None and x is not zero for x in next(cells)) for _ in range(size)]
        arrays.append(_unpacked(np.array(filled, bool), o.shape, o.symmetric))
    return nested(g.traced.tree, g.by.tree).build(iter(arrays))


def _unpacked(filled: Any, shape: tuple[int, ...], symmetric: bool) -> Any:
    from symhep.calling.results import mirrored

    return filled[mirrored(shape[0])].reshape(shape) if symmetric else filled.reshape(shape)


# -- kernels ---------------------------------------------------------------------------------------------------------


def as_kernel(k: Any) -> Kernel:
    """A kernel, made of a function if it is not one."""
    from symhep.batch.bound import Bound

    if isinstance(k, Bound):
        name = k.kernel.name
        raise k.kernel.site.error(f"derivatives of {name} with bound data", f"sh.grad({name}).bind(...)")
    return k if isinstance(k, Kernel) else kernel(k)


def derived(
    k: Any, wrt: Wrt, suffix: str, build: Callable[[Ground, str], Traced], scalar: bool = False, more: bool = False
) -> Kernel:
    """A kernel that is traced by differentiating another one.

    scalar  whether its result has to be one real number
    more    whether the kernel to be made takes more arguments, which are known when it is traced
    """
    base = as_kernel(k)
    chosen(base.arguments, wrt, base.site)
    if scalar and not any(a.static and a.required for a in base.arguments):
        _check_scalar(base, base.traced, suffix)
    name = f"{base.name}_{suffix}"

    def tracer(statics: tuple) -> Traced:
        variant = base.variant(statics)
        if scalar:
            _check_scalar(base, variant.traced, suffix)
        with collection_paused():
            return build(ground(variant, wrt), name)

    arguments = tracer(default_statics(base, suffix)).arguments if more else base.arguments
    made = Kernel(name, arguments, base.options, tracer=tracer)
    made.site = Site(name, base.site.function)  # where errors point to
    return made


def default_statics(base: Kernel, suffix: str) -> tuple:
    """The static arguments, which have to be known where the arguments of the new kernel depend on them."""
    needed = [a.name for a in base.arguments if a.static and a.required]
    if needed:
        what = f"{suffix} of {base.name}: {listing(needed)} has to have a default value"
        instead = f"{needed[0]}: sh.Static = ... in the signature; or a lambda that calls {base.name} with a value"
        raise ArgumentError(message(what, describe_definition(base.fn) if base.fn else "", instead))
    return tuple([a.default for a in base.arguments if a.static])


def _check_scalar(base: Kernel, traced: Traced, suffix: str) -> None:
    outputs = traced.graph.outputs
    if len(outputs) == 1 and not traced.outputs[0].shape and outputs[0].dtype == "real":
        return
    kinds = {"bool": "a truth value", "complex": "a complex number"}
    kind = kinds.get(outputs[0].dtype, "an array") if len(outputs) == 1 else f"{len(outputs)} numbers"
    what = f"{suffix} of {base.name}: its result is {kind}, and not one real number"
    place = describe_definition(base.fn) if base.fn is not None else ""
    by_kind = {"bool": "np.where(condition, 1, 0)", "complex": "np.abs, .real or .imag of it"}
    many = "sh.jacobian; sh.batch_sum for a sum over events"
    instead = by_kind.get(outputs[0].dtype, many) if len(outputs) == 1 else many
    raise ArgumentError(message(what, place, instead))


def _alike(g: Ground, argument: Argument, name: str) -> tuple[Argument, tuple[Leaf, ...]]:
    """An argument of the same form under another name, and its leaves; it comes last."""
    position = len(g.traced.arguments) + g.by.names.index(argument.name)
    own = [leaf for leaf in g.traced.leaves if g.traced.arguments[leaf.argument] is argument]
    made = replace(argument, name=name, default=Argument.__dataclass_fields__["default"].default)
    leaves = [_leaf(leaf, leaf.path.replace(argument.name, name, 1), position) for leaf in own]
    return made, tuple(leaves)


def new_name(g: Ground, name: str) -> str:
    """A name for another argument: with a number, if the kernel is a derivative and has one of this name."""
    taken = {a.name for a in g.traced.arguments}
    return next(n for n in (name, *(f"{name}_{k}" for k in range(2, len(taken) + 3))) if n not in taken)


def _leaf(leaf: Leaf, path: str, position: int) -> Leaf:
    columns = tuple([(path + name[len(leaf.path) :], index) for name, index in leaf.columns])
    return replace(leaf, path=path, argument=position, columns=columns)


def _paths(leaves: tuple[Leaf, ...]) -> list[str]:
    return [path for leaf in leaves for path, _ in leaf.columns]


def _columns(g: Ground, argument: Argument) -> list[Node]:
    return [
        g.graph.inputs[p]
        for leaf, cells in zip(g.by.leaves, g.by.cells)
        if g.traced.arguments[leaf.argument] is argument
        for p in cells
    ]


def _cotangent(g: Ground, site: Site) -> tuple[Argument, tuple[Leaf, ...]]:
    """The argument for the cotangent of the result, and its leaves."""
    if any(o.dtype != "real" for o in g.traced.graph.outputs):
        what = f"vjp of {site.name}: its result has complex or boolean values"
        raise site.error(what, "np.abs, .real or .imag of it")
    tree: Tree = g.traced.tree
    name = new_name(g, "cotangent")
    leaves, cores = [], []
    for path, value in zip(tree.paths(name), g.values):
        o = value.output
        core = Core("real", o.shape, o.symmetric, next(iter(o.axes), None))
        indices = list(cells_of(o.shape, o.symmetric))
        columns = tuple([(f"{path}[{','.join(map(str, i))}]" if i else path, i) for i in indices])
        leaves.append(Leaf(path, core, len(g.traced.arguments), columns))
        cores.append(core)
    return Argument(name, tree, tuple(cores)), tuple(leaves)
