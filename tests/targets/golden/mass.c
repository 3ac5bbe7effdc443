/* mass: made by symhep, C99, float64. Compile with
   -O3 -march=native -ffp-contract=off -fno-math-errno -fno-trapping-math
   which change no bit of a result; never with -ffast-math. */

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __FAST_MATH__
#error "compile without -ffast-math: it changes results"
#endif
#if defined(__GNUC__) && !defined(__clang__)
/* values are computed where they are needed, in whole registers */
#pragma GCC optimize("fp-contract=off,no-tree-pre,no-tree-ter")
#ifdef __AVX512F__
#pragma GCC target("prefer-vector-width=512")
#endif
#else
#pragma STDC FP_CONTRACT OFF
#endif

void mass(
    const size_t n,
    const double *restrict e,
    const double *restrict px,
    const double *restrict py,
    const double *restrict pz,
    double *restrict out0)
{
    /* for every event */
    for (size_t i = 0; i < n; i++) {
        const double px_i = px[i];
        const double py_i = py[i];
        const double pz_i = pz[i];
        const double e_i = e[i];
        const double t0 = px_i * px_i;
        const double t1 = py_i * py_i;
        const double t2 = t1 + t0;
        const double t3 = pz_i * pz_i;
        const double t4 = t2 + t3;
        const double t5 = e_i * e_i;
        const double t6 = t5 - t4;
        const double t7 = sqrt(t6);
        out0[i] = t7;
    }
}
