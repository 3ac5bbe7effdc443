"""Special functions, in kernels and on numbers and arrays; by SciPy's names where SciPy has them."""

from collections.abc import Callable

from symhep.special.error_functions import erfc, erfcinv, erfcx, erfinv, log_ndtr, ndtr, ndtri
from symhep.special.gamma import beta, betaln, binom, digamma, factorial, gamma, gammaln, loggamma, poch, polygamma, rgamma

# what the ufuncs of scipy.special with these names mean on traced values
BY_SCIPY: dict[str, Callable] = {
    "beta": beta,
    "betaln": betaln,
    "binom": binom,
    "erfc": erfc,
    "erfcinv": erfcinv,
    "erfcx": erfcx,
    "erfinv": erfinv,
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
