"""Reductions over the batch in CUDA: the algorithm of `sums.py`, cut into three kernels.

    NAME_lanes(n, x, x_stride, lanes)     a thread for each of the 16 running values of each block of 2048 events
    NAME_blocks(blocks, lanes, partials)  a thread for each block
    NAME_total(blocks, partials, result)  one thread

Running values and partial results are pairs: a sum and what it loses by rounding; of an extreme, only the first counts.
"""

from __future__ import annotations

from collections.abc import Iterable

BLOCK = 2048  # events
LANES = 16
KERNELS = ("lanes", "blocks", "total")

_TWO_SUM = """\
// a + b, and what is lost by rounding it
static __device__ double two_sum(const double a, const double b, double &error)
{
    const double total = a + b;
    const double b_part = total - a;
    error = (a - (total - b_part)) + (b - b_part);
    return total;
}
"""

_ADD = """\
            double error;
            value = two_sum(value, {x}, error);
            lost += {lost};"""

_CHOOSE = """\
            const double other = {x};
            value = (other {sign} value) | (other != other) ? other : value;"""

_KERNELS = """\
extern "C" __global__ void {name}_lanes(
    const long long n, const {real} *__restrict__ x, const long long x_stride, double *__restrict__ lanes)
{{
    const long long step = (long long)gridDim.x * blockDim.x;
    const long long count = (n + 2047) / 2048 * 16;
    for (long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x; t < count; t += step) {{
        const long long start = t / 16 * 2048;
        const long long stop = start + 2048 < n ? start + 2048 : n;
        double value = {start}, lost = 0.0;
        for (long long i = start + t % 16; i < stop; i += 16) {{
{add_event}
        }}
        lanes[2 * t] = value;
        lanes[2 * t + 1] = lost;
    }}
}}

extern "C" __global__ void {name}_blocks(
    const long long blocks, const double *__restrict__ lanes, double *__restrict__ partials)
{{
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long b = (long long)blockIdx.x * blockDim.x + threadIdx.x; b < blocks; b += step) {{
        double value = {start}, lost = 0.0;
        for (long long i = 16 * b; i < 16 * (b + 1); i++) {{
{add_lane}
        }}
        partials[2 * b] = value;
        partials[2 * b + 1] = lost;
    }}
}}

extern "C" __global__ void {name}_total(
    const long long blocks, const double *__restrict__ partials, {real} *__restrict__ result)
{{
    if (blockIdx.x == 0 && threadIdx.x == 0) {{
        double value = {start}, lost = 0.0;
        for (long long i = 0; i < blocks; i++) {{
{add_block}
        }}
{finish}
    }}
}}
"""

_FINISH_SUM = """\
        const double both = value + lost;
        result[0] = ({real})(both == both ? both : value);"""
_FINISH_EXTREME = "        result[0] = ({real})(value + lost); // zero without sign"

_EXTREMES = {"batch_max": ("-INFINITY", ">"), "batch_min": ("INFINITY", "<")}


def sum_kernels(used: Iterable[str], real: str) -> list[str]:
    """The texts of the kernels for the reductions that are used, over values of a real type."""
    names = [name for name in ("batch_sum", *_EXTREMES) if name in used]
    return [_TWO_SUM] * ("batch_sum" in names) + [_kernels(name, real) for name in names]


def _kernels(name: str, real: str) -> str:
    if name == "batch_sum":
        start, finish = "0.0", _FINISH_SUM
        add = [_ADD.format(x="x[i * x_stride]", lost="error")]
        add += [_ADD.format(x=f"{a}[2 * i]", lost=f"error + {a}[2 * i + 1]") for a in ("lanes", "partials")]
    else:
        (start, sign), finish = _EXTREMES[name], _FINISH_EXTREME
        add = [_CHOOSE.format(x=x, sign=sign) for x in ("x[i * x_stride]", "lanes[2 * i]", "partials[2 * i]")]
    texts = dict(zip(("add_event", "add_lane", "add_block"), add))
    return _KERNELS.format(name=f"symhep_{name}", real=real, start=start, finish=finish.format(real=real), **texts)
