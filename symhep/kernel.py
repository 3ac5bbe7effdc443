"""Kernels: a Python function for one event, and everything that can be done with it."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from symhep.batch.staged import run_columns
from symhep.calling import calls, results
from symhep.calling.calls import DOUBLE, SMALL, Columns, Runner, Site
from symhep.calling.plain_calls import ARRAYS, NUMBERS, SIMPLE, common, few_events, full, mixed, ready, threads_for
from symhep.differentiable import Differentiable
from symhep.errors import ArgumentError, listing, message, nearest
from symhep.tracing.annotations import Argument, arguments_of, names_in
from symhep.tracing.marks import recorder_of
from symhep.tracing.nested import call_inside
from symhep.tracing.source import describe_definition, name_of
from symhep.tracing.trace import Traced, trace
from symhep.variants import Options, Variant, checked_domain, emitter, unavailable

if TYPE_CHECKING:
    from symhep.batch.bound import Bound


class Kernel(Differentiable):
    """A formula for one event, compiled for many. Made by `kernel`; called with columns of events.

    name       the function's name
    arguments  what it takes, in order
    fn         the original function; None in a kernel that was not made from one

    >>> import numpy as np
    >>> pt = kernel(lambda px, py: np.sqrt(px * px + py * py))
    >>> pt(np.array([3.0, 6.0]), np.array([4.0, 8.0]))
    array([ 5., 10.])
    >>> pt.count()
    OpCount(add=1, mul=2, sqrt=1, total=4)
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[Argument],
        options: Options,
        function: Callable | None = None,
        tracer: Callable[[tuple], Traced] | None = None,
    ):
        self.name, self.arguments, self.options, self.fn = name, tuple(arguments), options, function
        self._tracer = tracer  # makes the graph for values of the static arguments where there is no function
        self.site = Site(name, function)
        self._variants: dict[tuple, Variant] = {}  # by types and values of the static arguments
        self._lock = threading.RLock()
        self._static = tuple([i for i, a in enumerate(arguments) if a.static])
        self._dtype = None if options.dtype is None else calls.float_dtype(options.dtype)
        self._preferred = DOUBLE if self._dtype is None else self._dtype
        by_name_only = any(a.kind is a.kind.KEYWORD_ONLY for a in arguments)
        self._simple = -1 if self._static or by_name_only else len(arguments)
        if function is not None:
            functools.update_wrapper(self, function)

    @classmethod
    def from_traced(cls, traced: Traced, options: Options | None = None) -> Kernel:
        """A kernel of a graph that is there already."""
        made = cls(traced.name, traced.arguments, options or Options())
        made._variants[()] = Variant(traced, made.options)
        return made

    # -- tracing ----------------------------------------------------------------------------------------------------

    def variant(self, statics: tuple = ()) -> Variant:
        """The kernel for given values of the static arguments, in order."""
        key = tuple([(type(v), v) for v in statics])
        try:
            found = self._variants.get(key)
        except TypeError:
            names = ", ".join([self.arguments[i].name for i in self._static])
            raise self.site.error(f"{self.name}: static arguments ({names}) have to be hashable") from None
        if found is None:
            with self._lock:
                found = self._variants.get(key)
                if found is None:
                    found = self._variants[key] = Variant(self._trace(statics), self.options)
        return found

    def _trace(self, statics: tuple) -> Traced:
        if self._tracer is not None:
            return self._tracer(statics)
        if self.fn is None:
            raise ArgumentError(f"{self.name} was made without a function: static arguments cannot change")
        values = {self.arguments[i].name: v for i, v in zip(self._static, statics)}
        return trace(self.fn, self.arguments, statics=values)

    def _chosen(self, statics: Mapping[str, Any]) -> Variant:
        """The variant that keyword arguments name, with defaults for the rest."""
        names = [self.arguments[i].name for i in self._static]
        unknown = [n for n in statics if n not in names]
        missing = [n for n, i in zip(names, self._static) if n not in statics and self.arguments[i].required]
        if unknown:
            what = f"{self.name} has no static argument {unknown[0]!r}"
            raise self.site.error(what, listing(nearest(unknown[0], names) or names or ["no static arguments"], "or"))
        if missing:
            what = f"{self.name}: {listing(missing)} is static and has no default, so its value is needed"
            instead = f"{self.name}.report({missing[0]}=...), and so on; or a lambda that calls it with a value"
            raise self.site.error(what, instead)
        return self.variant(tuple([statics.get(n, self.arguments[i].default) for n, i in zip(names, self._static)]))

    @property
    def traced(self) -> Traced:
        """The function as a graph, with the forms of its arguments and of its result."""
        return self._chosen({}).traced

    # -- calls ------------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, out: Any = None, threads: int | None = None, **kwargs: Any) -> Any:
        """Run for every event: columns in, columns out.

        Each argument has the shape of one event's value behind any batch axes; batch axes broadcast. `out` is an array,
        or a container like the result, to write into; `threads` defaults to the CPUs that this process may use.

        Raises ArgumentError for arguments that do not fit, TargetError for arrays of a package that has no target here.
        """
        if not kwargs and out is None and len(args) == self._simple:
            variant = self._variants.get(()) or self.variant()
            given = self._ready(variant, args)
            if given is not None:
                return self._run(variant, *given, threads)
        return self._general(args, kwargs, out, threads)

    def _ready(self, variant: Variant, values: tuple) -> tuple[Columns, np.dtype] | None:
        """Values that need no conversion as columns: numbers, or columns of one length, or both; None for others."""
        if not variant.plain or self.options.target in ("jax", "cupy"):
            return None
        if variant.axes is not None:
            return ready(variant.traced, values) if self._preferred is DOUBLE else None
        kinds = {*map(type, values)}
        if kinds <= NUMBERS and self._preferred is DOUBLE:
            return Columns((), values, plain=True), DOUBLE
        if variant.parameters or not kinds <= SIMPLE:
            return None
        dtype = common(values) if kinds == ARRAYS else None
        if dtype is not None:
            return (Columns(values[0].shape, values), dtype) if self._dtype is None or self._dtype is dtype else None
        batch = mixed(values) if self._preferred is DOUBLE else None
        return None if batch is None else (Columns(batch, values, plain=True), DOUBLE)

    def _general(self, args: tuple, kwargs: Mapping[str, Any], out: Any, threads: int | None) -> Any:
        values = calls.bind(self.arguments, args, kwargs, self.site)
        variant = self.variant(tuple([values[i] for i in self._static]))
        ready = self._ready(variant, tuple(values))
        if ready is not None:
            return self._run(variant, *ready, threads, out)
        leaves = calls.leaf_values(self.arguments, values, self.site)
        if any(_is_traced(v) for v in leaves):
            return call_inside(self.name, variant.traced, leaves)
        target = calls.target_for(leaves, self.options.target, self.site)
        if target == "jax":
            return self._by_jax(variant, leaves, out)
        if target == "cupy":
            from symhep.calling.cupy_calls import call

            return call(self.name, variant, self._dtype, self.site, leaves, out)
        if target is not None:
            raise unavailable(target)
        given, dtype = calls.columns_of(variant.traced, leaves, self._dtype, self.site)
        return self._run(variant, given, dtype, threads, out)

    def _by_jax(self, variant: Variant, leaves: list, out: Any) -> Any:
        from symhep.calling.jax_calls import jitted

        if out is not None:
            raise self.site.error(f"{self.name}: out= is for NumPy arrays; arrays of JAX cannot be written into")
        return jitted(self.name, variant, self._dtype, self.site)(leaves)

    def _run(self, variant: Variant, given: Columns, dtype: np.dtype, threads: int | None, out: Any = None) -> Any:
        if threads is not None:
            threads_for(threads, 0)
        if variant.axes is not None:
            return run_columns(variant.runner(dtype), variant, given, dtype, threads, out, self.site)
        runner = variant.runner(dtype)
        if out is not None:
            return self._into(variant, runner, given, dtype, threads, out)
        events = prod(given.batch)
        small = runner.small
        if events <= SMALL and small is not None:
            blocks = few_events(variant, small(), given, events)
        else:
            blocks = results.allocate(variant.slots, events, dtype, given.packed)
            runner.run(full(given, dtype), results.output_columns(variant.slots, blocks), threads_for(threads, events))
        if variant.bare:
            return blocks[0][0].reshape(given.batch) if given.batch else blocks[0][0, 0]
        arrays = [results.shaped(s, b, given.batch, given.packed) for s, b in zip(variant.slots, blocks)]
        if not given.batch:
            arrays = [a[()] for a in arrays]
        return variant.traced.tree.build(iter(arrays))

    def _into(self, variant: Variant, runner: Runner, given: Columns, dtype: np.dtype, threads: int | None, out: Any):
        """Run with the user's arrays for the results; they are returned."""
        slots, batch, packed = variant.slots, given.batch, given.packed
        targets = results.checked_out(variant.traced.tree, slots, out, [batch] * len(slots), dtype, packed, self.site)
        columns = results.direct_columns(slots, targets, given, dtype)
        blocks = results.allocate(slots, prod(batch), dtype) if columns is None else []
        outputs = results.output_columns(slots, blocks) if columns is None else columns
        runner.run(full(given, dtype), outputs, threads_for(threads, prod(batch)))
        for slot, block, target in zip(slots, blocks, targets):
            target[...] = results.shaped(slot, block, batch, packed)
        for slot, target in zip(slots, targets) if columns is not None else ():
            results.mirror_written(slot, target)
        return out

    def bind(self, **data: Any) -> Bound:
        """The kernel with some arguments given: what depends on these alone is computed now, and kept where that pays.

        The result is called with the arguments that are left, such as the parameters of a fit. Raises ArgumentError for
        data that do not fit.
        """
        from symhep.batch.bound import Bound

        return Bound(self, data)

    # -- what it is -------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<kernel {self.name}({', '.join([a.name for a in self.arguments])})>"

    def to(self, target: str) -> Kernel:
        """The same kernel bound to a target; raises TargetError where that does not work here.

        >>> kernel(lambda x: 2 * x).to("numpy")(3.0)
        np.float64(6.0)
        """
        from symhep.targets import targets

        made = self.with_options(target=target)
        if target != "auto" and not targets()[target]:
            raise unavailable(target)
        return made

    def with_options(self, **changes: Any) -> Kernel:
        """The same kernel with other options, those of `kernel`; what is traced already is kept."""
        made = Kernel(self.name, self.arguments, replace(self.options, **changes), self.fn, self._tracer)
        made._variants = {key: v.with_options(made.options) for key, v in self._variants.items()}
        return made

    def report(self, **statics: Any) -> Any:
        """What each pass did, and what the optimised program needs per event: a Report, which prints as a table."""
        from symhep.report import Report

        return Report.of_variant(self._chosen(statics), name=self.name, target=self._target, dtype=self._preferred)

    def count(self, **statics: Any) -> Any:
        """The operations of the optimised program per event, as an OpCount; work once per call is in `.per_call`."""
        from symhep.count import count

        return count(self._chosen(statics).optimised.graph)

    def source(self, target: str | None = None, **statics: Any) -> str:
        """The generated source for a target, its own if None: readable, and the same for the same formula."""
        from symhep.program import build

        variant, emit = self._chosen(statics), emitter(target or self._target)
        return emit(build(variant.optimised.graph, variant.axes), self._preferred, self.name)

    def build_c(self, directory: Any, **statics: Any) -> list[Any]:
        """Write the kernel as C: header, sources, README; returns their paths. Overwrites its own files only."""
        from symhep.c_export import build_c

        return build_c(self, self._chosen(statics), directory)

    @property
    def graph(self) -> Any:
        """The optimised program as a networkx.DiGraph (symhep/view.py names the attributes)."""
        from symhep.view import digraph

        return digraph(self._chosen({}).optimised.graph)

    @property
    def expr(self) -> Any:
        """The function as written, in sympy: one expression, or the result's container of them."""
        from symhep.symbolic.reading import expression

        return expression(self.traced)

    @property
    def optimised_expr(self) -> Any:
        """The optimised program in sympy: replacements and outputs."""
        from symhep.symbolic.reading import program

        return program(self._chosen({}).optimised.graph)

    def accuracy(self, n: int = 1000, domain: Any = None, **statics: Any) -> Any:
        """Errors in ulp against high precision at n inputs of a domain, before and after optimisation: an Accuracy."""
        from symhep.checking.accuracy import accuracy

        return accuracy(self, n, checked_domain(domain) or self.options.domain, **statics)

    @functools.cached_property
    def _numba_type_(self) -> Any:
        """What numba takes a kernel for inside the user's own `@njit` functions: numba asks for this name."""
        from symhep.targets.inline import dispatcher_of

        return dispatcher_of(self)._numba_type_

    @property
    def _target(self) -> str:
        return "numba" if self.options.target == "auto" else self.options.target

    # -- copies and pickles -----------------------------------------------------------------------------------------

    def __copy__(self) -> Kernel:
        return self

    def __deepcopy__(self, memo: dict) -> Kernel:
        return self

    def __reduce__(self):
        if not self._variants:
            self._chosen({})
        variants = [(key, v.traced, v.state()) for key, v in self._variants.items()]
        return _restore, (self.name, self.arguments, self.options, variants, self.__doc__)


def _restore(name: str, arguments: tuple, options: Options, variants: list, doc: str | None) -> Kernel:
    made = Kernel(name, arguments, options)
    made.__doc__ = doc
    for key, traced, state in variants:
        made._variants[key] = Variant(traced, options)
        if state is not None:
            made._variants[key].restore(state)
    return made


def _is_traced(value: Any) -> bool:
    return recorder_of(value) is not None


def kernel(
    fn: Callable | None = None,
    *,
    target: str = "auto",
    dtype: Any = None,
    effort: str | float = "default",
    domain: Any = None,
    identities: bool | str = False,
    math: str = "finite",
    parameters: Sequence[str] = (),
) -> Any:
    """Make a kernel of a function that is written for one event; used as a decorator, bare or with options.

    target      what it runs on; "auto" goes by the arrays
    dtype       float32 or float64 to cast to; None goes by the arrays
    effort      "fast", "default", "max" or a number of seconds for the search
    domain      where the inputs lie, for accuracy and identities
    identities  "probe" looks for relations that hold on the domain
    math        "finite" may reassociate, "strict" keeps IEEE results
    parameters  names of arguments without batch axis

    Raises ArgumentError where the signature cannot be that of a kernel.

    >>> import numpy as np
    >>> @kernel(dtype=np.float32)
    ... def energy(px, py, pz, m):
    ...     return np.sqrt(px * px + py * py + pz * pz + m * m)
    >>> energy.arguments[0].name
    'px'
    """
    options = Options(target, dtype, effort, domain, identities, math, names_in(parameters))
    if fn is None:
        return functools.partial(_make, options)
    return _make(options, fn)


def _make(options: Options, fn: Callable) -> Kernel:
    if not callable(fn):
        raise ArgumentError(f"a kernel is made of a function, got {type(fn).__name__}")
    name, arguments = name_of(fn), arguments_of(fn, options.parameters)
    for taken in ("out", "threads"):
        if any(a.name == taken for a in arguments):
            what = f"{name} has an argument {taken!r}, which every kernel's call has already"
            raise ArgumentError(message(what, describe_definition(fn), f"{taken}_ or another name"))
    return Kernel(name, arguments, options, fn)
