import numpy as np

import symhep as sh
from symhep.bench import AS_WRITTEN, measure
from symhep.checking.domain import box
from symhep.targets import targets


def labels(kernel, **options) -> list[str]:
    return [t.label for t in measure(kernel, events=300, **options).timings]


def test_times_every_target_and_the_function():
    kernel = sh.kernel(lambda x, y: np.hypot(x, y))
    result = measure(kernel, events=300)
    assert [t.label for t in result.timings] == [*(name for name, a in targets().items() if a), AS_WRITTEN]
    assert all(t.seconds > 0 for t in result.timings) and result.dtype == "float64"


def test_a_function_that_columns_do_not_fit_is_left_out():
    def chosen(p: sh.Vector[2]):
        return sum(x for x in p) * len(p)

    def per_event(p: sh.Vector[2], q: sh.Vector[2]):
        return p @ q

    assert labels(sh.kernel(chosen), chosen=["numpy"]) == ["numpy", AS_WRITTEN]
    assert labels(sh.kernel(per_event), chosen=["numpy"]) == ["numpy"]


def test_dtype_threads_and_domain():
    kernel = sh.kernel(lambda x, width: np.exp(-x * x / width), parameters=("width",), dtype=np.float32)
    result = measure(kernel, ["numba"], 1000, threads=1, domain=box(x=(0, 1), width=(1, 2)))
    assert result.dtype == "float32" and result.threads == 1 and len(result.timings) == 2
