import itertools

import numpy as np
import pytest

from benchmarks import helas_c
from kernels import kinematics as kin
from kernels import matrix_elements as me
from kernels.phase_space import random_events

N = 2000
EVENTS = random_events(N, sqrt_s=1000.0, seed=7)
ROTATED = random_events(N, sqrt_s=1000.0, seed=8, rotate=True)
IDENTITY2 = np.eye(2)
SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def momenta(events):
    return me.momenta_from_columns(events)


def slash_matrix(p):
    """p-slash as a 4x4 matrix, written independently of the kernels."""
    energy, space = p[0], np.tensordot(p[1:], SIGMA, axes=1)
    zero = np.zeros((2, 2))
    return np.block([[zero, energy * IDENTITY2 - space], [energy * IDENTITY2 + space, zero]])


def single(events, index):
    """Momenta of one event, as arrays of 4 floats."""
    return [np.array(p, float) for p in events.reshape(5, 4, -1)[:, :, index]]


# wavefunctions


@pytest.mark.parametrize("index", range(5))
def test_spinor_completeness(index):
    """sum over helicities of u ubar = p-slash; the antiquark's vbar obeys the same relation."""
    gamma0 = np.block([[np.zeros((2, 2)), IDENTITY2], [IDENTITY2, np.zeros((2, 2))]])
    p1, p2, *_ = single(ROTATED, index)
    u = [np.array(me.incoming_quark(p1, h).psi) for h in (-1, 1)]
    vbar = [np.array(me.incoming_antiquark(p2, h).psi) for h in (-1, 1)]
    np.testing.assert_allclose(sum(np.outer(x, x.conj() @ gamma0) for x in u), slash_matrix(p1), atol=1e-10)
    np.testing.assert_allclose(sum(np.outer(gamma0 @ x.conj(), x) for x in vbar), slash_matrix(p2), atol=1e-10)


@pytest.mark.parametrize("index", range(5))
def test_polarisation_vectors(index):
    """eps.k = 0, eps.eps* = -1, and the sum over helicities is -g + (k n + n k)/(k.n) with n = (E, -k)."""
    metric = np.diag([1.0, -1, -1, -1])
    k = single(EVENTS, index)[2]
    vectors = [np.array(me.outgoing_photon(k, h).v) for h in (-1, 1)]
    for v in vectors:
        assert abs(me.dot(v, k)) < 1e-13 * k[0]
        assert me.dot(v, v.conj()) == pytest.approx(-1, rel=1e-13)
    n = np.array([k[0], *-k[1:]])
    expected = -metric + (np.outer(k, n) + np.outer(n, k)) / me.dot(k, n)
    np.testing.assert_allclose(sum(np.outer(v, v.conj()) for v in vectors), expected, atol=1e-13)


def test_slash_against_matrices():
    rng = np.random.default_rng(3)
    v, psi = rng.normal(size=(2, 4)) + 1j * rng.normal(size=(2, 4))
    left, right = 0.3, 0.7
    couplings = np.diag([left, left, right, right])
    np.testing.assert_allclose(me.slash(v, psi, left, right), slash_matrix(v) @ couplings @ psi, atol=1e-13)
    np.testing.assert_allclose(me.slash_bar(v, psi, left, right), psi @ slash_matrix(v) @ couplings, atol=1e-13)
    out = me.Fermion(tuple(rng.normal(size=4)), None)
    amplitude = me.iov(me.Fermion(tuple(psi), None), out, me.Photon(tuple(v), None), left, right)
    assert amplitude == pytest.approx(np.array(out.psi) @ slash_matrix(v) @ couplings @ psi, rel=1e-13)


def test_currents_against_matrices():
    """fvi and fvo with different left and right couplings are the propagators of the vertex rule."""
    p1, p2, k, *_ = single(ROTATED, 0)
    left, right = 0.3, 0.7
    couplings = np.diag([left, left, right, right])
    photon = me.outgoing_photon(k, 1)
    for helicity in (-1, 1):
        u, vbar = me.incoming_quark(p1, helicity), me.incoming_antiquark(p2, helicity)
        q = p1 - k
        expected = -slash_matrix(q) @ slash_matrix(np.array(photon.v)) @ couplings @ np.array(u.psi) / me.dot(q, q)
        np.testing.assert_allclose(me.fvi(u, photon, left, right).psi, expected, atol=1e-12)
        q = k - p2
        expected = -np.array(vbar.psi) @ slash_matrix(np.array(photon.v)) @ couplings @ slash_matrix(q) / me.dot(q, q)
        np.testing.assert_allclose(me.fvo(vbar, photon, left, right).psi, expected, atol=1e-12)


def test_chirality_zeros_are_structural():
    for wave in (me.incoming_quark, me.incoming_antiquark):
        for helicity in (-1, 1):
            zeros = [c for c in wave((5.0, 3.0, 0.0, 4.0), helicity).psi if isinstance(c, int)]
            assert zeros == [0, 0]
    assert me.outgoing_photon((5.0, 3.0, 0.0, 4.0), 1).v[0] == 0


# amplitudes


@pytest.mark.parametrize("events", [EVENTS, ROTATED], ids=["beams along z", "rotated"])
@pytest.mark.parametrize("helicities", me.HELICITIES, ids=str)
def test_each_helicity_equals_the_closed_form(events, helicities):
    p = momenta(events)
    scale = me.summed_closed_form(p)
    difference = me.amplitude_squared(p, helicities) - me.amplitude_squared_closed_form(p, helicities)
    assert np.max(np.abs(difference) / scale) < 1e-11
    assert np.median(np.abs(difference) / scale) < 1e-14


@pytest.mark.parametrize("events", [EVENTS, ROTATED], ids=["beams along z", "rotated"])
def test_sum_equals_the_closed_form(events):
    ratio = me.summed_over_helicities(momenta(events)) / me.summed_closed_form(momenta(events))
    assert np.max(np.abs(ratio - 1)) < 1e-11
    assert np.median(np.abs(ratio - 1)) < 1e-14


def test_closed_form_sum_is_the_sum_of_its_helicities():
    p = momenta(EVENTS)
    total = sum(me.amplitude_squared_closed_form(p, h) for h in itertools.product((-1, 1), repeat=5))
    np.testing.assert_allclose(total, me.summed_closed_form(p), rtol=1e-13)


def test_the_other_twenty_helicities_vanish():
    p = momenta(EVENTS)
    scale = me.summed_closed_form(p)
    for helicities in itertools.product((-1, 1), repeat=5):
        if helicities not in me.HELICITIES:
            assert np.max(me.amplitude_squared(p, helicities) / scale) < 1e-18


def test_parity_partners_are_equal():
    p = momenta(EVENTS)
    scale = me.summed_closed_form(p)
    for helicities in me.HELICITIES[:6]:
        partner = tuple(-h for h in helicities)
        difference = me.amplitude_squared(p, helicities) - me.amplitude_squared(p, partner)
        assert np.max(np.abs(difference) / scale) < 1e-11


@pytest.mark.parametrize("gauge", range(3))
def test_ward_identity(gauge):
    """A photon polarised along its momentum (over its energy) decouples."""
    p = momenta(EVENTS)
    largest = np.sqrt(np.max([me.amplitude_squared(p, h) for h in me.HELICITIES], axis=0))
    for quark, *helicities in ((-1, 1, -1, 1), (1, 1, -1, -1)):
        photons = [me.outgoing_photon(k, h) for k, h in zip(p[2:], helicities)]
        k = p[2 + gauge]
        photons[gauge] = me.Photon(tuple(c / k[0] for c in k), k)
        wave1, wave2 = me.incoming_quark(p[0], quark), me.incoming_antiquark(p[1], -quark)
        amplitude = me.three_photon_amplitude(wave1, wave2, photons)
        assert np.median(np.abs(amplitude) / largest) < 1e-13
        assert np.max(np.abs(amplitude) / largest) < 1e-12


@pytest.mark.parametrize("order", list(itertools.permutations(range(3)))[1:])
def test_permuting_photons_changes_nothing(order):
    p1, p2, *photons = momenta(EVENTS)
    value = me.summed_over_helicities([p1, p2, *(photons[i] for i in order)])
    np.testing.assert_allclose(value, me.summed_over_helicities(momenta(EVENTS)), rtol=1e-11)


def test_lorentz_invariance():
    boosted = [kin.boost(p, (0.3, -0.2, 0.5)) for p in momenta(ROTATED)]
    np.testing.assert_allclose(
        me.summed_over_helicities(boosted), me.summed_over_helicities(momenta(ROTATED)), rtol=1e-9
    )


@pytest.mark.parametrize("factor", [2.0, 0.1])
def test_scaling_of_the_momenta(factor):
    """|M(2 -> 3)|^2 has dimension -2."""
    scaled = me.summed_over_helicities(momenta(factor * EVENTS))
    np.testing.assert_allclose(scaled, factor**-2 * me.summed_over_helicities(momenta(EVENTS)), rtol=1e-11)


def test_charge_conjugation():
    """Exchanging quark and antiquark (t <-> u) changes nothing in the sum."""
    p1, p2, *photons = momenta(ROTATED)
    swapped = me.summed_over_helicities([p2, p1, *photons])
    np.testing.assert_allclose(swapped, me.summed_over_helicities(momenta(ROTATED)), rtol=1e-9)


def test_single_precision_within_cuts():
    p = momenta(EVENTS.astype(np.float32))
    value = me.summed_over_helicities(p)
    assert value.dtype == np.float32
    error = np.abs(value / me.summed_closed_form(momenta(EVENTS)) - 1)
    assert np.median(error) < 2e-6
    assert np.max(error) < 1e-3


def test_scalar_events_give_scalars():
    assert np.shape(me.msq.fn(*EVENTS[:, 0])) == ()
    assert me.msq.fn(*EVENTS[:, 0]) == pytest.approx(me.msq.fn(*EVENTS)[0], rel=1e-12)


# kernels


@pytest.mark.parametrize("events", [EVENTS, ROTATED], ids=["beams along z", "rotated"])
@pytest.mark.parametrize("kernel", [me.amp1, me.msq, me.msq_closed_form], ids=["amp1", "msq", "msq_closed_form"])
def test_kernel_agrees_with_its_function(kernel, events):
    """Relative to the summed |M|^2: single helicities cancel where they are small."""
    difference = np.abs(kernel(*events) - kernel.fn(*events)) / me.summed_closed_form(momenta(events))
    assert np.median(difference) < 1e-14
    assert np.max(difference) < 1e-11


def test_kernel_equals_the_closed_form():
    np.testing.assert_allclose(me.msq(*EVENTS), me.msq_closed_form(*EVENTS), rtol=1e-11)


@pytest.mark.parametrize(("vectors", "scalars"), [(me.amp1_vectors, me.amp1), (me.msq_vectors, me.msq)])
def test_four_vector_kernels_equal_the_scalar_ones(vectors, scalars):
    p = EVENTS.reshape(5, 4, N).transpose(0, 2, 1)
    np.testing.assert_allclose(vectors(*p), scalars(*EVENTS), rtol=1e-7)
    np.testing.assert_array_equal(vectors.fn(*EVENTS.reshape(5, 4, N)), scalars.fn(*EVENTS))


def test_kernels_in_single_precision():
    columns = EVENTS.astype(np.float32)
    value = me.msq(*columns)
    assert value.dtype == np.float32
    assert np.median(np.abs(value / me.summed_closed_form(momenta(EVENTS)) - 1)) < 2e-6


# plain C


needs_compiler = pytest.mark.skipif(helas_c.compiler() is None, reason="no C compiler found")


@needs_compiler
@pytest.mark.parametrize("flags", [helas_c.RELAXED, helas_c.STRICT], ids=["relaxed", "strict"])
@pytest.mark.parametrize("events", [EVENTS, ROTATED], ids=["beams along z", "rotated"])
def test_plain_c_helas_agrees(events, flags):
    scale = me.summed_closed_form(momenta(events))
    for name in ("amp1", "msq"):
        plain = getattr(me, name).fn(*events)
        assert np.max(np.abs(getattr(helas_c, name)(events, flags=flags) - plain) / scale) < 1e-11


@needs_compiler
def test_plain_c_helas_in_single_precision():
    value = helas_c.msq(EVENTS.astype(np.float32))
    assert value.dtype == np.float32
    assert np.median(np.abs(value / me.summed_closed_form(momenta(EVENTS)) - 1)) < 2e-6


@needs_compiler
def test_plain_c_helas_refuses_other_shapes():
    with pytest.raises(ValueError, match="20 columns"):
        helas_c.amp1(EVENTS[:4])


def test_a_missing_compiler_is_explained(monkeypatch):
    monkeypatch.setattr(helas_c, "compiler", lambda: None)
    helas_c.library.cache_clear()
    with pytest.raises(helas_c.NoCompiler, match="needs a C compiler"):
        helas_c.library("float64")
    helas_c.library.cache_clear()
