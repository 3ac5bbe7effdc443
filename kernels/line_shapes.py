"""Line shapes: densities of resonances, of resolutions and of backgrounds, for fits of mass spectra.

Masses, widths and resolutions in GeV, densities in 1/GeV. A width is a full width at half maximum, a resolution the
standard deviation of a Gaussian. Names that end in `_on` are of densities that are cut off to an interval
low <= m <= high and normalised there, in closed form; what depends on the parameters alone is computed once per call
where a kernel has them as `parameters`. Needs SciPy, for erf.
"""

from math import log, pi, sqrt

import numpy as np
from scipy.special import erf

import symhep as sh

SQRT_2 = sqrt(2)
SQRT_2_PI = sqrt(2 * pi)
FWHM_OF_SIGMA = 2 * sqrt(2 * log(2))
SERIES = 10  # terms of sinh(x)/x: all digits of a double for |x| < 1

AROUND_Z = {"m": (60, 120), "mass": (85, 95), "width": (0.5, 5)}
WINDOW = {"low": (55, 60), "high": (120, 130)}


# -- resonances ------------------------------------------------------------------------------------------------------


@sh.kernel(domain=sh.box(**AROUND_Z))
def breit_wigner(m, mass, width):
    """Non-relativistic Breit–Wigner (Cauchy) density, (Γ/2π) / ((m - M)² + Γ²/4).

    Shapes: three scalars -> scalar. Units: GeV -> 1/GeV. Domain: Γ > 0; normalised on all real numbers.
    Source: G. Breit, E. Wigner, Phys. Rev. 49 (1936) 519.

    >>> float(breit_wigner(90.0, 91.0, 2.0) * np.pi)
    0.5
    """
    half = width / 2
    return half / pi / ((m - mass) ** 2 + half**2)


@sh.kernel(domain=sh.box(**AROUND_Z, **WINDOW))
def breit_wigner_on(m, mass, width, low, high):
    """`breit_wigner`, normalised on an interval: its integral is `breit_wigner_integral`.

    Shapes: five scalars -> scalar. Units: GeV -> 1/GeV. Domain: Γ > 0, low < high.

    >>> round(float(breit_wigner_on(91.0, 91.0, 2.0, 90.0, 92.0) * np.pi), 12)
    2.0
    """
    return breit_wigner(m, mass, width) / breit_wigner_integral(mass, width, low, high)


def breit_wigner_integral(mass, width, low, high):
    """∫ `breit_wigner` from low to high, as one angle: (arctan b - arctan a)/π = atan2(b - a, 1 + a b)/π.

    Shapes: four scalars -> scalar. Units: GeV -> 1. Domain: Γ > 0, low < high; no cancellation far from the mass.

    >>> float(breit_wigner_integral(91.0, 2.0, 90.0, 92.0))
    0.5
    """
    half = width / 2
    return np.arctan2(half * (high - low), half * half + (low - mass) * (high - mass)) / pi


@sh.kernel(domain=sh.box(**AROUND_Z))
def relativistic_breit_wigner(m, mass, width):
    """Relativistic Breit–Wigner density with constant width, k / ((m² - M²)² + M²Γ²) for m > 0.

    k = (2√2/π) M Γ γ / √(M² + γ) with γ = M √(M² + Γ²) normalises it on m > 0.

    Shapes: three scalars -> scalar. Units: GeV -> 1/GeV. Domain: m >= 0, M > 0, Γ > 0.
    Source: Particle Data Group, review of resonances; normalisation by partial fractions in m².

    >>> ratio = relativistic_breit_wigner(0.0, 91.0, 2.0) / relativistic_breit_wigner(91.0, 91.0, 2.0)
    >>> bool(abs(ratio * (91.0**2 + 2.0**2) / 2.0**2 - 1) < 1e-14)
    True
    """
    gamma = mass * np.sqrt(mass**2 + width**2)
    k = 2 * SQRT_2 / pi * mass * width * gamma / np.sqrt(mass**2 + gamma)
    return k / ((m**2 - mass**2) ** 2 + (mass * width) ** 2)


# -- resolutions -----------------------------------------------------------------------------------------------------


@sh.kernel(domain=sh.box(m=(60, 120), mean=(85, 95), sigma=(0.5, 5)))
def gaussian(m, mean, sigma):
    """Gaussian density, exp(-(m - μ)²/2σ²) / (√(2π) σ).

    Shapes: three scalars -> scalar. Units: GeV -> 1/GeV. Domain: σ > 0.

    >>> float(gaussian(91.0, 91.0, 2.0) * np.sqrt(8 * np.pi))
    1.0
    """
    pull = (m - mean) / sigma
    return np.exp(-pull * pull / 2) / (SQRT_2_PI * sigma)


@sh.kernel(domain=sh.box(m=(60, 120), mean=(85, 95), sigma=(0.5, 5), **WINDOW))
def gaussian_on(m, mean, sigma, low, high):
    """`gaussian`, normalised on an interval: its integral is `gaussian_integral`.

    Shapes: five scalars -> scalar. Units: GeV -> 1/GeV. Domain: that of `gaussian_integral`.

    >>> round(float(gaussian_on(91.0, 91.0, 2.0, -9e9, 9e9) / gaussian(91.0, 91.0, 2.0)), 12)
    1.0
    """
    return gaussian(m, mean, sigma) / gaussian_integral(mean, sigma, low, high)


def gaussian_integral(mean, sigma, low, high):
    """∫ `gaussian` from low to high: (erf b - erf a)/2.

    Shapes: four scalars -> scalar. Units: GeV -> 1. Domain: σ > 0, low < high, and not both of them more than 5σ away
    on one side: the difference cancels there, and is 0 beyond 8σ.

    >>> round(float(gaussian_integral(0.0, 1.0, -1.0, 1.0)), 6)
    0.682689
    """
    scale = SQRT_2 * sigma
    return (erf((high - mean) / scale) - erf((low - mean) / scale)) / 2


@sh.kernel(domain=sh.box(m=(60, 120), mean=(85, 95), sigma=(0.5, 5), alpha=(0.5, 3), n=(1.5, 6)))
def crystal_ball(m, mean, sigma, alpha, n):
    """Crystal Ball density: a Gaussian with a power law below μ - ασ, continuous with its first derivative.

    With t = (m - μ)/σ: exp(-t²/2) above, exp(-α²/2) (1 - α(α + t)/n)^-n below, divided by
    σ [n/(α(n - 1)) exp(-α²/2) + √(π/2) (1 + erf(α/√2))].

    Shapes: five scalars -> scalar. Units: GeV, 1 -> 1/GeV. Domain: σ > 0, α > 0, n > 1.
    Source: T. Skwarnicki, thesis, DESY-F31-86-02 (1986), appendix E.

    >>> above, below = crystal_ball(np.array([89.0 + 1e-9, 89.0 - 1e-9]), 91.0, 2.0, 1.0, 3.0)
    >>> bool(abs(above / below - 1) < 1e-8)
    True
    """
    t = (m - mean) / sigma
    at_join = np.exp(-alpha * alpha / 2)
    tail = at_join * (1 - alpha * (alpha + t) / n) ** -n
    norm = n / (alpha * (n - 1)) * at_join + SQRT_2_PI / 2 * (1 + erf(alpha / SQRT_2))
    return np.where(t > -alpha, np.exp(-t * t / 2), tail) / (sigma * norm)


# -- resonances seen with a resolution -------------------------------------------------------------------------------


def voigt_width(width, sigma):
    """Full width at half maximum of `breit_wigner` folded with `gaussian`, and the Cauchy part η of `pseudo_voigt`.

    Γ⁵ = G⁵ + 2.69269 G⁴L + 2.42843 G³L² + 4.47163 G²L³ + 0.07842 G L⁴ + L⁵ with the widths G = 2√(2 ln 2) σ and L of
    the two; η = 1.36603 q - 0.47719 q² + 0.11116 q³ with q = L/Γ.

    Shapes: two scalars -> two scalars. Units: GeV -> GeV, 1. Domain: both >= 0 and not both 0.
    Source: P. Thompson, D. E. Cox, J. B. Hastings, J. Appl. Cryst. 20 (1987) 79.

    >>> [round(float(x), 4) for x in voigt_width(2.0, 0.0)]
    [2.0, 1.0]
    """
    g, l = FWHM_OF_SIGMA * sigma, width
    fifth = g**5 + 2.69269 * g**4 * l + 2.42843 * g**3 * l**2 + 4.47163 * g**2 * l**3 + 0.07842 * g * l**4 + l**5
    full = fifth**0.2
    q = l / full
    return full, q * (1.36603 + q * (-0.47719 + q * 0.11116))


@sh.kernel(domain=sh.box(**AROUND_Z, sigma=(0.5, 3)))
def pseudo_voigt(m, mass, width, sigma):
    """`breit_wigner` folded with `gaussian`, approximated by a sum of the two: η BW(Γ) + (1 - η) Gauss(Γ).

    Both have the full width Γ, which with η comes from `voigt_width`. The density is off by no more than 1.3% of its
    maximum, its width by 0.5%; far out, the tails are too large by the factor η/q <= 1.37.

    Shapes: four scalars -> scalar. Units: GeV -> 1/GeV. Domain: width > 0, sigma > 0; normalised on all real numbers.
    Source: that of `voigt_width`.

    >>> float(pseudo_voigt(93.0, 91.0, 2.0, 1.0)) == float(pseudo_voigt(89.0, 91.0, 2.0, 1.0))
    True
    """
    full, eta = voigt_width(width, sigma)
    return eta * breit_wigner(m, mass, full) + (1 - eta) * gaussian(m, mass, full / FWHM_OF_SIGMA)


@sh.kernel(domain=sh.box(**AROUND_Z, sigma=(0.5, 3), **WINDOW))
def pseudo_voigt_on(m, mass, width, sigma, low, high):
    """`pseudo_voigt`, normalised on an interval.

    Shapes: six scalars -> scalar. Units: GeV -> 1/GeV. Domain: that of `pseudo_voigt` and of `gaussian_integral`.

    >>> wide = pseudo_voigt_on(91.0, 91.0, 2.0, 1.0, -1e9, 1e9)
    >>> bool(abs(wide / pseudo_voigt(91.0, 91.0, 2.0, 1.0) - 1) < 1e-8)
    True
    """
    full, eta = voigt_width(width, sigma)
    resolution = full / FWHM_OF_SIGMA
    inside = eta * breit_wigner_integral(mass, full, low, high)
    inside += (1 - eta) * gaussian_integral(mass, resolution, low, high)
    return eta / inside * breit_wigner(m, mass, full) + (1 - eta) / inside * gaussian(m, mass, resolution)


# -- backgrounds -----------------------------------------------------------------------------------------------------


@sh.kernel(domain=sh.box(m=(60, 120), slope=(-0.2, 0.2), **WINDOW))
def exponential_on(m, slope, low, high):
    """Exponential density, normalised on an interval: exp(-λ(m - c)) x / (2h sinh x), x = λh; centre c, half width h.

    Regular at λ = 0 with its derivatives (a series for |x| < 1), and without overflow inside the interval: beyond,
    sinh x is taken together with the exponential.

    Shapes: four scalars -> scalar. Units: GeV, 1/GeV -> 1/GeV. Domain: low < high; any slope λ, falling if positive.

    >>> float(exponential_on(70.0, 0.0, 60.0, 120.0) * 60)
    1.0
    >>> float(exponential_on(60.0, 1000.0, 60.0, 120.0))
    1000.0
    """
    centre, half = (low + high) / 2, (high - low) / 2
    x = slope * half
    large, size = np.abs(x) > 1, np.abs(x)
    peak = np.where(large, -2 * size / np.expm1(-2 * size), 1 / _sinh_over(x * x))
    return np.exp(-slope * (m - centre) - np.where(large, size, 0)) * peak / (2 * half)


def _sinh_over(square):
    """sinh(x)/x as a series in x²."""
    total = 1
    for k in reversed(range(1, SERIES)):
        total = 1 + total * square / (2 * k * (2 * k + 1))
    return total
