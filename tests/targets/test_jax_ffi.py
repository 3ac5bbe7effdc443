"""Machine code that XLA calls: the handler, devices, threads, caches, export."""

import os
import subprocess
import sys
import textwrap
import warnings

import llvmlite.binding as llvm
import numpy as np
import pytest

import symhep as sh
from symhep.calling.jax_derivatives import Derived
from symhep.program import build
from symhep.targets import jax_handler, native, processor
from symhep.variants import Options
from tests.programs import straight_line

jax = pytest.importorskip("jax", reason="jax is not installed")
jnp = jax.numpy

primitive = pytest.importorskip("symhep.targets.jax_primitive")
ffi = pytest.importorskip("symhep.targets.jax_ffi")


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


@sh.kernel
def momentum(px, py):
    return np.sqrt(px * px + py * py), px + py


def derived(program):
    return Derived.of_graph("program", program.graph, Options(effort="fast"), program.graph)


def run_python(code, root, **environment):
    """The output of a process that runs a text."""
    source = "import os, sys\nimport numpy as np\nimport symhep as sh\n" + textwrap.dedent(code)
    set_ = {**os.environ, "PYTHONPATH": str(root), "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu", **environment}
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, env=set_, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def test_jitted_functions_call_machine_code():
    text = jax.jit(momentum).lower(jnp.ones(8), 1.0).as_text()
    assert "custom_call @symhep_" in text and "sqrt" not in text


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seed", range(3))
def test_random_programs_have_the_bits_of_the_numba_target(seed, dtype):
    mixes = ("add", "sub", "mul", "div", "sqrt", "abs", "minimum", "copysign", "floor")
    program = straight_line(400, 9, 3, parameters=2, ops=mixes, seed=seed)
    rng = np.random.default_rng(seed)
    columns = [rng.uniform(0.5, 1.5, 3001 if n.axes else 1).astype(dtype) for n in program.inputs]
    outputs = [np.empty(3001, dtype) for _ in program.outputs]
    native.compile_program(program, dtype).run(columns, outputs)
    given = [jnp.asarray(c if c.size > 1 else c[0]) for c in columns]
    found = jax.jit(lambda *c: primitive.call(derived(program), c))(*given)
    for result, expected in zip(found, outputs, strict=True):
        np.testing.assert_array_equal(np.asarray(result), expected)


def test_parameters_may_become_columns():
    program = straight_line(100, 4, 2, parameters=2, seed=5)
    rng = np.random.default_rng(0)
    columns = [jnp.asarray(rng.uniform(0.5, 1.5, (3, 10) if n.axes else 3)) for n in program.inputs]
    made = derived(program)
    found = jax.vmap(lambda *c: primitive.call(made, c))(*columns)
    for k in range(3):
        one = primitive.call(made, [c[k] for c in columns])
        for result, expected in zip(found, one, strict=True):
            np.testing.assert_array_equal(np.asarray(result[k]), np.asarray(expected))


def test_small_numbers_are_not_flushed():
    tiny = np.array([1e-310, 5e-324, 2e-308])
    half = sh.kernel(lambda x: x * 0.5)
    np.testing.assert_array_equal(np.asarray(jax.jit(half)(tiny)), tiny * 0.5)


def test_wrong_calls_are_errors():
    name = ffi.register(straight_line(20, 3, 2, parameters=1), np.dtype(np.float64))
    x, f32, two = jnp.ones(6), jnp.ones(6, jnp.float32), jnp.float64(2)
    call = lambda results, *given: jax.jit(lambda *g: jax.ffi.ffi_call(name, results)(*g))(*given)
    double = [jax.ShapeDtypeStruct((6,), np.float64)] * 2
    assert call(double, x, x, two, two)[0].shape == (6,)
    for results, given, said in [
        (double, (x, x, x), "other numbers of arguments"),
        (double[:1], (x, x, x, two), "other numbers of arguments"),
        (double, (x, x, f32, two), "not of the dtype"),
        ([jax.ShapeDtypeStruct((6,), np.float32)] * 2, (x, x, x, two), "not of the dtype"),
        (double, (x, x, x[:5], two), "sizes"),
        (double, (x, x, x, x), "sizes"),  # the last one is a parameter
        ([double[0], jax.ShapeDtypeStruct((5,), np.float64)], (x, x, x, two), "sizes"),
    ]:
        with pytest.raises(Exception, match=f"symhep: .*{said}"):
            jax.block_until_ready(call(results, *given))


def test_bundles_of_columns():
    program = straight_line(40, 5, 3, parameters=2)
    name = ffi.register(program, np.dtype(np.float64), (3, 0, 1, 2), (2, 0))
    rng = np.random.default_rng(0)
    a, b, c, p = (rng.uniform(0.5, 1.5, shape) for shape in ((9, 3), 9, (1,), 2))
    results = [jax.ShapeDtypeStruct((9, 2), np.float64), jax.ShapeDtypeStruct((9,), np.float64)]
    first, second = jax.jit(lambda *g: jax.ffi.ffi_call(name, results)(*g))(a, b, c, p)
    outputs = [np.empty(9) for _ in range(3)]
    native.compile_program(program, np.float64).run([*a.T, b, c, p[:1], p[1:]], outputs)
    np.testing.assert_array_equal(np.column_stack([first, second]).T, outputs)
    for given in ((a[:, :2], b, c, p), (a, b[:3], c, p), (a, b, c, np.ones((9, 2)))):
        with pytest.raises(Exception, match="symhep: the sizes"):
            jax.block_until_ready(jax.jit(lambda *g: jax.ffi.ffi_call(name, results)(*g))(*given))


def test_columns_of_different_types_are_refused_while_tracing():
    made = derived(straight_line(20, 2, 1))
    with pytest.raises(TypeError, match="columns of different types"):
        primitive.call(made, [jnp.ones(3), jnp.ones(3, jnp.float32)])


def test_registering_twice_gives_one_name():
    program = straight_line(30, 3, 1)
    first = ffi.register(program, np.dtype(np.float64))
    assert ffi.register(straight_line(30, 3, 1), np.dtype(np.float64)) == first
    assert ffi.register(program, np.dtype(np.float32)) != first


@pytest.mark.parametrize("triple", ["x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "riscv64-unknown-linux-gnu"])
def test_the_handler_compiles_for_other_machines(triple):
    text = jax_handler.handler(triple)
    llvm.parse_assembly(text).verify()
    assert ("stmxcsr" in text, "fpcr" in text) == (triple.startswith("x86"), triple.startswith("aarch64"))
    assert processor.emit_object(text, triple)


def test_threads_of_the_pool_share_the_work():
    program = straight_line(300)
    columns = [jnp.asarray(np.random.default_rng(k).uniform(0.5, 1.5, 60_001)) for k in range(len(program.inputs))]
    outputs = [np.empty(60_001) for _ in program.outputs]
    native.compile_program(program, np.float64).run([np.asarray(c) for c in columns], outputs)
    f = jax.jit(lambda *c: primitive.call(derived(program), c))
    for _ in range(20):
        for result, expected in zip(f(*columns), outputs, strict=True):
            np.testing.assert_array_equal(np.asarray(result), expected)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinities")
def test_a_pool_of_one_thread_does_not_block(root):
    code = """
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        import jax
        f = sh.kernel(lambda x, y: x * y + np.exp(x))
        x = np.linspace(0, 1, 300_000)
        g = jax.jit(lambda x: sum(f(x, x + k) for k in range(4)))
        print(np.array_equal(np.asarray(g(x)), sum(np.asarray(f(x, x + k)) for k in range(4))))
    """
    assert run_python(code, root) == "True"


SHARDED = """
    import jax, jax.numpy as jnp
    from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
    kernel = sh.kernel(lambda x, y, s: (np.sqrt(x * x + y * y) * np.exp(-x) * s, x * y))
    x = np.random.default_rng(0).uniform(0.5, 1.5, 1000)
    y = x[::-1].copy()
    mesh = Mesh(np.array(jax.devices()), ("d",))
    halves = NamedSharding(mesh, P("d"))
    xs, ys = jax.device_put(x, halves), jax.device_put(y, halves)
    loss = lambda f: lambda x, y, s: jnp.sum(f(x, y, s)[0] ** 2)
    same = lambda a, b: all(np.allclose(p, q, rtol=1e-13, atol=0) for p, q in zip(a, b, strict=True))
    want = kernel(x, y, 2.0)
    slopes = jax.grad(loss(kernel), (0, 1, 2))(x, y, 2.0)
"""


def test_sharded_arrays_stay_where_they_are(root):
    code = textwrap.dedent(SHARDED) + textwrap.dedent("""
        value, slope = jax.jit(kernel), jax.jit(jax.grad(loss(kernel), (0, 1, 2)))
        for f, expected in ((value, want), (slope, slopes), (kernel, want)):
            found = f(xs, ys, 2.0)
            assert same(found, expected) and found[0].sharding == halves, f
        assert "gather" not in value.lower(xs, ys, 2.0).compile().as_text()
        assert "gather" not in slope.lower(xs, ys, 2.0).compile().as_text()
        rows = NamedSharding(mesh, P(None, "d"))
        xr, yr = jax.device_put(x.reshape(2, 500), rows), jax.device_put(y.reshape(2, 500), rows)
        found = value(xr, yr, 2.0)[0]
        assert found.sharding == rows and np.array_equal(np.asarray(found).ravel(), want[0])
        assert np.array_equal(value(jax.device_put(x, jax.devices()[1]), y[0], 2.0)[1], x * y[0])
        def square(p: sh.Vector[2], q: sh.Vector[2]):
            return p * (p @ q), p @ q
        square = sh.kernel(square, parameters=("q",))
        p, q = x.reshape(500, 2), y[:2]
        for placed in (P("d"), P(None, "d"), P()):
            ps = jax.device_put(p, NamedSharding(mesh, placed))
            assert same(jax.jit(square)(ps, q), square(p, q))
        found = jax.jit(square).lower(jax.device_put(p, NamedSharding(mesh, P("d"))), q).compile()
        assert "gather" not in found.as_text()
        print("same")
    """)
    assert run_python(code, root, XLA_FLAGS="--xla_force_host_platform_device_count=2") == "same"


def test_shard_map(root):
    code = textwrap.dedent(SHARDED) + textwrap.dedent("""
        shard_map = getattr(jax, "shard_map", None) or __import__("jax.experimental.shard_map").shard_map
        f = shard_map(kernel, mesh=mesh, in_specs=(P("d"), P("d"), P()), out_specs=(P("d"), P("d")))
        for g in (f, jax.jit(f)):
            assert same(g(xs, ys, 2.0), want)
        for g in (jax.grad(loss(f), (0, 1, 2)), jax.jit(jax.grad(loss(f), (0, 1, 2)))):
            assert same(g(xs, ys, 2.0), slopes)
        print("same")
    """)
    assert run_python(code, root, XLA_FLAGS="--xla_force_host_platform_device_count=2") == "same"


def test_xlas_own_cache_across_processes(root, tmp_path):
    code = """
        import jax
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        hits = []
        jax.monitoring.register_event_listener(lambda name, **_: hits.append(name.endswith("cache_hits")))
        f = sh.kernel(lambda x: np.exp(x) * x)
        x = np.linspace(0, 1, 1000)
        assert np.array_equal(np.asarray(jax.jit(f)(x)), f(x))
        print(any(hits))
    """
    directory = {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "jax"), "SYMHEP_CACHE": str(tmp_path / "symhep")}
    assert run_python(code, root, **directory) == "False"
    assert run_python(code, root, **directory) == "True"


def test_exported_programs_need_no_symhep():
    from jax import export

    x, y = np.random.default_rng(0).uniform(0.5, 1.5, (2, 100))
    exported = export.export(jax.jit(momentum))(x, y)
    assert "custom_call @symhep" not in exported.mlir_module()
    for result, expected in zip(exported.call(x, y), momentum(x, y), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-14)
    (n,) = export.symbolic_shape("n")
    column = jax.ShapeDtypeStruct((n,), np.float64)
    gradient = jax.grad(lambda x, y: jnp.sum(momentum(x, y)[0]))
    exported = export.export(jax.jit(gradient), platforms=("cpu", "cuda"))(column, column)
    np.testing.assert_allclose(exported.call(x, y), x / np.hypot(x, y), rtol=1e-13)


def test_without_machine_code_it_is_jnp(monkeypatch):
    program = straight_line(1200)
    columns = [jnp.asarray(np.random.default_rng(k).uniform(0.5, 1.5, 5)) for k in range(len(program.inputs))]
    expected = primitive.call(derived(program), columns)
    monkeypatch.setattr(Derived, "_register", lambda *_: None)
    small = derived(straight_line(20))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = jax.jit(lambda *c: primitive.call(small, c)).lower(*columns).as_text()
    assert "custom_call" not in text
    large = derived(program)
    with pytest.warns(UserWarning, match="program runs as jnp operations here"):
        lowered = jax.jit(lambda *c: primitive.call(large, c)).lower(*columns)
    assert "custom_call" not in lowered.as_text()
    plain = jax.jit(lambda *c: primitive.plain(large, *c))(*columns)
    np.testing.assert_allclose(plain[0], expected[0], rtol=1e-10)


def test_derivatives_of_a_large_program_are_only_lowered():
    program = straight_line(6000)
    made = derived(program).pullback((0, 1), (0,))
    assert (len(made.inputs), len(made.outputs)) == (len(program.inputs) + 1, 2)
    graph = made.optimised
    assert build(graph).outputs and len(graph.order) >= len(program.graph.order)


def test_optimised_derivatives_are_verified_and_kept(monkeypatch, tmp_path):
    from symhep import passes
    from symhep.checking.verify import VerificationError

    monkeypatch.setenv("SYMHEP_CACHE", str(tmp_path))
    program = straight_line(200, 5, 2, ops=("add", "mul", "div"))
    wrong = lambda graph, **_: type("Found", (), {"graph": type(graph)(graph.inputs, graph.outputs[::-1])})
    with monkeypatch.context() as patch:
        patch.setattr(passes, "optimise", wrong)
        with pytest.raises(VerificationError):
            _ = derived(program).pullback((0, 1), (0,)).optimised
    first = derived(program).pullback((0, 1), (0,)).optimised
    monkeypatch.setattr(Derived, "_optimise", lambda self: pytest.fail("it is in the cache"))
    assert derived(program).pullback((0, 1), (0,)).optimised.to_bytes() == first.to_bytes()


def test_symhep_does_not_import_jax(root):
    assert run_python("import symhep.kernel, symhep.targets.jax; print('jax' in sys.modules)", root) == "False"
    code = "f = sh.kernel(lambda x: x * x)\nf(np.ones(3)); f.source('jax'); print('jax' in sys.modules)"
    assert run_python(code, root) == "False"
