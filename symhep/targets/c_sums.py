"""Reductions over the batch in C: the algorithm of `sums.py`, fed with blocks of a few events."""

from __future__ import annotations

BEFORE = "symhep_"  # of the names of functions and types

_SUM = """\
/* A sum: blocks of 2048 values, in each 16 running sums with what they lose by rounding. */
typedef struct {
    double sums[16], errors[16], total, lost;
    size_t count;
} symhep_batch_sum;

static symhep_batch_sum symhep_batch_sum_start(void)
{
    const symhep_batch_sum s = {{0.0}, {0.0}, 0.0, 0.0, 0};
    return s;
}

/* a + b, and what is lost by rounding it */
static inline double symhep_two_sum(const double a, const double b, double *const error)
{
    const double total = a + b;
    const double b_part = total - a;
    *error = (a - (total - b_part)) + (b - b_part);
    return total;
}

static void symhep_batch_sum_end(symhep_batch_sum *const s)
{
    double block = 0.0, block_lost = 0.0, error;
    for (int k = 0; k < 16; k++) {
        block = symhep_two_sum(block, s->sums[k], &error);
        block_lost += error + s->errors[k];
        s->sums[k] = s->errors[k] = 0.0;
    }
    s->total = symhep_two_sum(s->total, block, &error);
    s->lost += error + block_lost;
    s->count = 0;
}

/* Add m values: the last call may have any number, those before it multiples of 16. */
static void symhep_batch_sum_add(symhep_batch_sum *const s, real *const x, const size_t m)
{
    for (size_t i = m; i % 16; i++)
        x[i] = 0;
    for (size_t i = 0; i < m; i += 16)
        for (int k = 0; k < 16; k++) {
            double error;
            s->sums[k] = symhep_two_sum(s->sums[k], x[i + k], &error);
            s->errors[k] += error;
        }
    s->count += m;
    if (s->count == 2048)
        symhep_batch_sum_end(s);
}

static double symhep_batch_sum_value(symhep_batch_sum *const s)
{
    if (s->count)
        symhep_batch_sum_end(s);
    const double both = s->total + s->lost;
    return both == both ? both : s->total;
}
"""

_EXTREME = """\
/* The {which} value; NaN if there is one. */
typedef double symhep_{name};

static symhep_{name} symhep_{name}_start(void)
{{
    return {start};
}}

static void symhep_{name}_add(symhep_{name} *const best, const real *const x, const size_t m)
{{
    for (size_t i = 0; i < m; i++)
        *best = (x[i] {sign} *best) | (x[i] != x[i]) ? x[i] : *best;
}}

static double symhep_{name}_value(const symhep_{name} *const best)
{{
    return *best + 0.0; /* zero without sign */
}}
"""

_EXTREMES = {
    "batch_max": {"which": "largest", "start": "-INFINITY", "sign": ">"},
    "batch_min": {"which": "smallest", "start": "INFINITY", "sign": "<"},
}


def sum_functions(used: set[str], real: str) -> list[str]:
    """The texts of types and functions for the reductions that are used, over values of a real type."""
    parts = [_SUM] if "batch_sum" in used else []
    parts += [_EXTREME.format(name=name, **words) for name, words in _EXTREMES.items() if name in used]
    return [f"typedef {real} real;\n", *parts] if parts else []
