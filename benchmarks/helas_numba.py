"""u ubar -> 3 photons in plain numba: kernels/matrix_elements.py, as a physicist would write it for @njit.

numba (0.68) does not compile those functions as they stand: components that vanish are the integer 0 there, so that the
types of a wavefunction depend on the helicity, and generators are summed. Here all components are complex numbers.
No literal takes part in the arithmetic, since numba turns float32 times a literal into double: constants are passed on.
"""

import functools
from typing import NamedTuple

import numba
import numpy as np

from kernels import matrix_elements as me

jit = numba.njit(error_model="numpy", fastmath=True)
HELICITIES, AMP1 = tuple(me.HELICITIES), me.AMP1


class Constants(NamedTuple):
    """Numbers in the precision of the columns."""

    zero: float
    one: float
    sqrt_half: float
    coupling: float


class Fermion(NamedTuple):
    """Four complex components and the momentum along the arrow."""

    psi: tuple
    q: tuple


class Photon(NamedTuple):
    """The conjugate polarisation vector and the momentum."""

    v: tuple
    k: tuple


@jit
def times_i(z):
    return complex(-z.imag, z.real)


@jit
def dot(a, b):
    return a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3]


@jit
def incoming_quark(p, helicity, c):
    energy, px, py, pz = p
    s = np.sqrt(energy + pz)
    zero, large = complex(c.zero, c.zero), complex(s, c.zero)
    if helicity > 0:
        return Fermion((zero, zero, large, complex(px / s, py / s)), p)
    return Fermion((complex(-px / s, py / s), large, zero, zero), p)


@jit
def incoming_antiquark(p, helicity, c):
    energy, px, py, pz = p
    s = np.sqrt(energy - pz)
    q = (-energy, -px, -py, -pz)
    zero, large = complex(c.zero, c.zero), complex(s, c.zero)
    if helicity > 0:
        return Fermion((zero, zero, large, complex(-px / s, py / s)), q)
    return Fermion((complex(-px / s, -py / s), -large, zero, zero), q)


@jit
def outgoing_photon(k, helicity, c):
    energy, px, py, pz = k
    sign = c.one if helicity > 0 else -c.one
    pt = np.sqrt(px * px + py * py)
    long = sign * c.sqrt_half * pz / (energy * pt)
    side = c.sqrt_half / pt
    v1 = complex(-px * long, -py * side)
    v2 = complex(-py * long, px * side)
    v3 = complex(sign * c.sqrt_half * pt / energy, c.zero)
    return Photon((complex(c.zero, c.zero), v1, v2, v3), k)


@jit
def slash(v, psi, left, right):
    v0, v1, v2, v3 = v
    plus, minus = v1 + times_i(v2), v1 - times_i(v2)
    a0, a1, a2, a3 = left * psi[0], left * psi[1], right * psi[2], right * psi[3]
    return (
        (v0 - v3) * a2 - minus * a3,
        (v0 + v3) * a3 - plus * a2,
        (v0 + v3) * a0 + minus * a1,
        plus * a0 + (v0 - v3) * a1,
    )


@jit
def slash_bar(v, psibar, left, right):
    v0, v1, v2, v3 = v
    plus, minus = v1 + times_i(v2), v1 - times_i(v2)
    b0, b1, b2, b3 = right * psibar[0], right * psibar[1], left * psibar[2], left * psibar[3]
    return (
        b2 * (v0 + v3) + b3 * plus,
        b2 * minus + b3 * (v0 - v3),
        b0 * (v0 - v3) - b1 * plus,
        b1 * (v0 + v3) - b0 * minus,
    )


@jit
def fvi(fermion, photon, c):
    a, b = fermion.q, photon.k
    q = (a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3])
    d = -c.one / dot(q, q)
    psi = slash(q, slash(photon.v, fermion.psi, c.coupling, c.coupling), c.one, c.one)
    return Fermion((d * psi[0], d * psi[1], d * psi[2], d * psi[3]), q)


@jit
def fvo(fermion, photon, c):
    a, b = fermion.q, photon.k
    q = (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3])
    d = -c.one / dot(q, q)
    psi = slash_bar(q, slash_bar(photon.v, fermion.psi, c.coupling, c.coupling), c.one, c.one)
    return Fermion((d * psi[0], d * psi[1], d * psi[2], d * psi[3]), q)


@jit
def iov(fermion_in, fermion_out, photon, c):
    i0, i1, i2, i3 = fermion_in.psi
    o0, o1, o2, o3 = fermion_out.psi
    v0, v1, v2, v3 = photon.v
    left = (o2 * i0 + o3 * i1) * v0 + (o2 * i1 + o3 * i0) * v1
    left += (o2 * i0 - o3 * i1) * v3 - times_i((o2 * i1 - o3 * i0) * v2)
    right = (o0 * i2 + o1 * i3) * v0 - (o0 * i3 + o1 * i2) * v1
    right += times_i((o0 * i3 - o1 * i2) * v2) - (o0 * i2 - o1 * i3) * v3
    return c.coupling * left + c.coupling * right


@jit
def amplitude_squared(p1, p2, p3, p4, p5, helicities, c):
    quark = incoming_quark(p1, helicities[0], c)
    antiquark = incoming_antiquark(p2, helicities[1], c)
    a = outgoing_photon(p3, helicities[2], c)
    b = outgoing_photon(p4, helicities[3], c)
    d = outgoing_photon(p5, helicities[4], c)
    in_a, in_b, in_d = fvi(quark, a, c), fvi(quark, b, c), fvi(quark, d, c)
    out_a, out_b, out_d = fvo(antiquark, a, c), fvo(antiquark, b, c), fvo(antiquark, d, c)
    amplitude = iov(in_a, out_b, d, c) + iov(in_a, out_d, b, c)
    amplitude += iov(in_b, out_a, d, c) + iov(in_b, out_d, a, c)
    amplitude += iov(in_d, out_a, b, c) + iov(in_d, out_b, a, c)
    return amplitude.real * amplitude.real + amplitude.imag * amplitude.imag


@functools.cache
def functions(dtype):
    """`amp1` and `msq` of 20 momentum components, compiled for one precision when first called."""
    real = np.dtype(dtype).type
    c = Constants(real(0), real(1), real(me.SQRT_HALF), real(me.COUPLING))

    @jit
    def amp1(p1E, p1x, p1y, p1z, p2E, p2x, p2y, p2z, p3E, p3x, p3y, p3z, p4E, p4x, p4y, p4z, p5E, p5x, p5y, p5z):
        p1, p2 = (p1E, p1x, p1y, p1z), (p2E, p2x, p2y, p2z)
        p3, p4, p5 = (p3E, p3x, p3y, p3z), (p4E, p4x, p4y, p4z), (p5E, p5x, p5y, p5z)
        return amplitude_squared(p1, p2, p3, p4, p5, AMP1, c)

    @jit
    def msq(p1E, p1x, p1y, p1z, p2E, p2x, p2y, p2z, p3E, p3x, p3y, p3z, p4E, p4x, p4y, p4z, p5E, p5x, p5y, p5z):
        p1, p2 = (p1E, p1x, p1y, p1z), (p2E, p2x, p2y, p2z)
        p3, p4, p5 = (p3E, p3x, p3y, p3z), (p4E, p4x, p4y, p4z), (p5E, p5x, p5y, p5z)
        total = c.zero
        for helicities in HELICITIES:
            total += amplitude_squared(p1, p2, p3, p4, p5, helicities, c)
        return total

    return {"amp1": amp1, "msq": msq}
