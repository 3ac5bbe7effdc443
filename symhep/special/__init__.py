"""Special functions, in kernels and on numbers and arrays; by SciPy's names where SciPy has them."""

from collections.abc import Callable

from symhep.special.bessel import iv, ive, jv, kv, kve, spherical_in, spherical_jn, spherical_kn, spherical_yn, yv
from symhep.special.elliptic import (
    ellipe,
    ellipeinc,
    ellipk,
    ellipkinc,
    ellipkm1,
    ellippi,
    elliprd,
    elliprf,
    elliptic_b,
    elliptic_d,
)
from symhep.special.error_functions import erfc, erfcinv, erfcx, erfinv, log_ndtr, ndtr, ndtri
from symhep.special.faddeeva import dawsn, voigt_profile, wofz
from symhep.special.gamma import (
    beta,
    betaln,
    binom,
    digamma,
    factorial,
    gamma,
    gammaln,
    loggamma,
    poch,
    polygamma,
    rgamma,
)
from symhep.special.incomplete import chdtr, chdtrc, gammainc, gammaincc, gamma_of
from symhep.special.node import SPECIALS
from symhep.special.polylog import dilog, lambertw, polylog, spence
from symhep.special.polynomials import (
    eval_chebyt,
    eval_chebyu,
    eval_gegenbauer,
    eval_genlaguerre,
    eval_hermite,
    eval_hermitenorm,
    eval_jacobi,
    eval_laguerre,
    eval_legendre,
    lpmv,
    real_sph_harm,
    sph_harm_y,
    wigner_D,
    wigner_d,
)


def _at(function: Callable, order: int) -> Callable:
    return lambda x: function(order, x)


_BESSEL = {"jv": jv, "yv": yv, "iv": iv, "kv": kv, "ive": ive, "kve": kve}

# what the ufuncs of scipy.special with these names mean on traced values
BY_SCIPY: dict[str, Callable] = {
    **{f"{name[0]}{order}{name[2:]}": _at(f, order) for name, f in _BESSEL.items() for order in (0, 1)},
    **_BESSEL,
    "kn": kv,
    "yn": yv,
    "beta": beta,
    "betaln": betaln,
    "binom": binom,
    "ellipe": ellipe,
    "ellipeinc": ellipeinc,
    "ellipk": ellipk,
    "ellipkinc": ellipkinc,
    "ellipkm1": ellipkm1,
    "elliprd": elliprd,
    "elliprf": elliprf,
    "dawsn": dawsn,
    "voigt_profile": voigt_profile,
    "wofz": wofz,
    "chdtr": chdtr,
    "chdtrc": chdtrc,
    "gammainc": gammainc,
    "gammaincc": gammaincc,
    "spence": spence,
    "erfc": erfc,
    "erfcinv": erfcinv,
    "erfcx": erfcx,
    "erfinv": erfinv,
    "eval_chebyt": eval_chebyt,
    "eval_chebyu": eval_chebyu,
    "eval_gegenbauer": eval_gegenbauer,
    "eval_genlaguerre": eval_genlaguerre,
    "eval_hermite": eval_hermite,
    "eval_hermitenorm": eval_hermitenorm,
    "eval_jacobi": eval_jacobi,
    "eval_laguerre": eval_laguerre,
    "eval_legendre": eval_legendre,
    "lpmv": lpmv,
    "gamma": gamma,
    "gammaln": gammaln,
    "log_ndtr": log_ndtr,
    "loggamma": loggamma,
    "ndtr": ndtr,
    "ndtri": ndtri,
    "poch": poch,
    "psi": digamma,
    "rgamma": rgamma,
}
