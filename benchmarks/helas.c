/* u ubar -> 3 photons in plain scalar C, the way HELAS (KEK-91-11) has been ported to C for years: generic
   wavefunctions, vertices and propagators with mass, width and helicity arguments, one event after the other.
   The yardstick of the comparisons: compile with -DREAL=double or -DREAL=float (helas_c.py does).

   A wavefunction is six complex numbers: four components, then (E, pz) and (px, py). */

#include <tgmath.h>

#ifndef REAL
#define REAL double
#endif

#define INLINE static inline __attribute__((always_inline))

typedef struct { REAL re, im; } cmplx;

INLINE cmplx C(REAL re, REAL im) { cmplx z = {re, im}; return z; }
INLINE cmplx cadd(cmplx a, cmplx b) { return C(a.re + b.re, a.im + b.im); }
INLINE cmplx csub(cmplx a, cmplx b) { return C(a.re - b.re, a.im - b.im); }
INLINE cmplx cmul(cmplx a, cmplx b) { return C(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re); }
INLINE cmplx cscale(REAL a, cmplx b) { return C(a * b.re, a * b.im); }
INLINE cmplx ctimes_i(cmplx a) { return C(-a.im, a.re); }
INLINE cmplx cconj(cmplx a) { return C(a.re, -a.im); }
INLINE cmplx cdiv(cmplx a, cmplx b)
{
    REAL norm = b.re * b.re + b.im * b.im;
    return C((a.re * b.re + a.im * b.im) / norm, (a.im * b.re - a.re * b.im) / norm);
}
INLINE REAL rmin(REAL a, REAL b) { return a < b ? a : b; }
INLINE REAL rmax(REAL a, REAL b) { return a > b ? a : b; }

/* spinor chi and the two factors sf*omega shared by the massive ixxxxx and oxxxxx */
INLINE void massive_spinor(const REAL p[4], REAL mass, int nh, int nsf, int conjugate, REAL sfomega[2], cmplx chi[2])
{
    REAL pp = rmin(p[0], sqrt(p[1] * p[1] + p[2] * p[2] + p[3] * p[3]));
    REAL omega[2];
    int ip = (1 + nh) / 2, im = (1 - nh) / 2;
    omega[0] = sqrt(p[0] + pp);
    omega[1] = mass / omega[0];
    sfomega[0] = (REAL)0.5 * (1 + nsf + (1 - nsf) * nh) * omega[ip];
    sfomega[1] = (REAL)0.5 * (1 + nsf - (1 - nsf) * nh) * omega[im];
    if (pp == 0) {
        chi[0] = C(1, 0);
        chi[1] = C(0, 0);
        return;
    }
    REAL pp3 = rmax(pp + p[3], 0);
    chi[0] = C(sqrt(pp3 * (REAL)0.5 / pp), 0);
    if (pp3 == 0)
        chi[1] = C(-nh, 0);
    else
        chi[1] = cscale(1 / sqrt(2 * pp * pp3), C(nh * p[1], conjugate ? -p[2] : p[2]));
}

INLINE void massless_spinor(const REAL p[4], int nhel, int nsf, int conjugate, cmplx chi[2])
{
    int nh = nhel * nsf;
    REAL sqp0p3 = sqrt(rmax(p[0] + p[3], 0)) * nsf;
    chi[0] = C(sqp0p3, 0);
    if (sqp0p3 == 0)
        chi[1] = C(-nhel * sqrt(2 * p[0]), 0);
    else
        chi[1] = C(nh * p[1] / sqp0p3, (conjugate ? -p[2] : p[2]) / sqp0p3);
}

INLINE void ixxxxx(const REAL p[4], REAL mass, int nhel, int nsf, cmplx fi[6])
{
    cmplx chi[2];
    int nh = nhel * nsf, ip = (1 + nh) / 2, im = (1 - nh) / 2;
    fi[4] = C(p[0] * nsf, p[3] * nsf);
    fi[5] = C(p[1] * nsf, p[2] * nsf);
    if (mass != 0) {
        REAL sfomega[2];
        massive_spinor(p, mass, nh, nsf, 0, sfomega, chi);
        fi[0] = cscale(sfomega[0], chi[im]);
        fi[1] = cscale(sfomega[0], chi[ip]);
        fi[2] = cscale(sfomega[1], chi[im]);
        fi[3] = cscale(sfomega[1], chi[ip]);
    } else {
        massless_spinor(p, nhel, nsf, 0, chi);
        if (nh == 1) {
            fi[0] = fi[1] = C(0, 0);
            fi[2] = chi[0];
            fi[3] = chi[1];
        } else {
            fi[0] = chi[1];
            fi[1] = chi[0];
            fi[2] = fi[3] = C(0, 0);
        }
    }
}

INLINE void oxxxxx(const REAL p[4], REAL mass, int nhel, int nsf, cmplx fo[6])
{
    cmplx chi[2];
    int nh = nhel * nsf, ip = (1 + nh) / 2, im = (1 - nh) / 2;
    fo[4] = C(p[0] * nsf, p[3] * nsf);
    fo[5] = C(p[1] * nsf, p[2] * nsf);
    if (mass != 0) {
        REAL sfomega[2];
        massive_spinor(p, mass, nh, nsf, 1, sfomega, chi);
        fo[0] = cscale(sfomega[1], chi[im]);
        fo[1] = cscale(sfomega[1], chi[ip]);
        fo[2] = cscale(sfomega[0], chi[im]);
        fo[3] = cscale(sfomega[0], chi[ip]);
    } else {
        massless_spinor(p, nhel, nsf, 1, chi);
        if (nh == 1) {
            fo[0] = chi[0];
            fo[1] = chi[1];
            fo[2] = fo[3] = C(0, 0);
        } else {
            fo[0] = fo[1] = C(0, 0);
            fo[2] = chi[1];
            fo[3] = chi[0];
        }
    }
}

INLINE void vxxxxx(const REAL p[4], REAL mass, int nhel, int nsv, cmplx vc[6])
{
    const REAL sqh = (REAL)0.70710678118654752440;
    REAL hel = nhel, pt2 = p[1] * p[1] + p[2] * p[2];
    int nsvahl = nsv * (nhel < 0 ? -nhel : nhel);
    vc[4] = C(p[0] * nsv, p[3] * nsv);
    vc[5] = C(p[1] * nsv, p[2] * nsv);
    if (mass != 0) {
        REAL hel0 = 1 - (hel < 0 ? -hel : hel);
        REAL pp = rmin(p[0], sqrt(pt2 + p[3] * p[3]));
        REAL pt = rmin(pp, sqrt(pt2));
        if (pp == 0) {
            vc[0] = C(0, 0);
            vc[1] = C(-hel * sqh, 0);
            vc[2] = C(0, nsvahl * sqh);
            vc[3] = C(hel0, 0);
        } else {
            REAL emp = p[0] / (mass * pp);
            vc[0] = C(hel0 * pp / mass, 0);
            vc[3] = C(hel0 * p[3] * emp + hel * pt / pp * sqh, 0);
            if (pt != 0) {
                REAL pzpt = p[3] / (pp * pt) * sqh * hel;
                vc[1] = C(hel0 * p[1] * emp - p[1] * pzpt, -nsvahl * p[2] / pt * sqh);
                vc[2] = C(hel0 * p[2] * emp - p[2] * pzpt, nsvahl * p[1] / pt * sqh);
            } else {
                vc[1] = C(-hel * sqh, 0);
                vc[2] = C(0, p[3] < 0 ? -nsvahl * sqh : nsvahl * sqh);
            }
        }
    } else {
        REAL pp = p[0], pt = sqrt(pt2);
        vc[0] = C(0, 0);
        vc[3] = C(hel * pt / pp * sqh, 0);
        if (pt != 0) {
            REAL pzpt = p[3] / (pp * pt) * sqh * hel;
            vc[1] = C(-p[1] * pzpt, -nsv * p[2] / pt * sqh);
            vc[2] = C(-p[2] * pzpt, nsv * p[1] / pt * sqh);
        } else {
            vc[1] = C(-hel * sqh, 0);
            vc[2] = C(0, p[3] < 0 ? -nsv * sqh : nsv * sqh);
        }
    }
}

/* -1/(q^2 - m^2 + i m w) */
INLINE cmplx propagator(const REAL q[4], REAL mass, REAL width)
{
    REAL q2 = q[0] * q[0] - (q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    return cdiv(C(-1, 0), C(q2 - mass * mass, q2 > 0 ? mass * width : 0));
}

INLINE void fvixxx(const cmplx fi[6], const cmplx vc[6], const REAL g[2], REAL mass, REAL width, cmplx fvi[6])
{
    fvi[4] = csub(fi[4], vc[4]);
    fvi[5] = csub(fi[5], vc[5]);
    REAL q[4] = {fvi[4].re, fvi[5].re, fvi[5].im, fvi[4].im};
    cmplx d = propagator(q, mass, width);
    cmplx qt = C(q[1], q[2]);
    cmplx vplus = cadd(vc[1], ctimes_i(vc[2])), vminus = csub(vc[1], ctimes_i(vc[2]));
    cmplx sum = cadd(vc[0], vc[3]), difference = csub(vc[0], vc[3]);
    cmplx sl1 = cadd(cmul(sum, fi[0]), cmul(vminus, fi[1]));
    cmplx sl2 = cadd(cmul(vplus, fi[0]), cmul(difference, fi[1]));
    cmplx sr1 = csub(cmul(difference, fi[2]), cmul(vminus, fi[3]));
    cmplx sr2 = csub(cmul(sum, fi[3]), cmul(vplus, fi[2]));
    cmplx a0 = csub(cscale(q[0] - q[3], sl1), cmul(cconj(qt), sl2));
    cmplx a1 = csub(cscale(q[0] + q[3], sl2), cmul(qt, sl1));
    cmplx a2 = cadd(cscale(q[0] + q[3], sr1), cmul(cconj(qt), sr2));
    cmplx a3 = cadd(cscale(q[0] - q[3], sr2), cmul(qt, sr1));
    fvi[0] = cmul(cadd(cscale(g[0], a0), cscale(g[1] * mass, sr1)), d);
    fvi[1] = cmul(cadd(cscale(g[0], a1), cscale(g[1] * mass, sr2)), d);
    fvi[2] = cmul(cadd(cscale(g[1], a2), cscale(g[0] * mass, sl1)), d);
    fvi[3] = cmul(cadd(cscale(g[1], a3), cscale(g[0] * mass, sl2)), d);
}

INLINE void fvoxxx(const cmplx fo[6], const cmplx vc[6], const REAL g[2], REAL mass, REAL width, cmplx fvo[6])
{
    fvo[4] = cadd(fo[4], vc[4]);
    fvo[5] = cadd(fo[5], vc[5]);
    REAL q[4] = {fvo[4].re, fvo[5].re, fvo[5].im, fvo[4].im};
    cmplx d = propagator(q, mass, width);
    cmplx qt = C(q[1], q[2]);
    cmplx vplus = cadd(vc[1], ctimes_i(vc[2])), vminus = csub(vc[1], ctimes_i(vc[2]));
    cmplx sum = cadd(vc[0], vc[3]), difference = csub(vc[0], vc[3]);
    cmplx sl1 = cadd(cmul(sum, fo[2]), cmul(vplus, fo[3]));
    cmplx sl2 = cadd(cmul(vminus, fo[2]), cmul(difference, fo[3]));
    cmplx sr1 = csub(cmul(difference, fo[0]), cmul(vplus, fo[1]));
    cmplx sr2 = csub(cmul(sum, fo[1]), cmul(vminus, fo[0]));
    cmplx a0 = cadd(cscale(q[0] + q[3], sr1), cmul(qt, sr2));
    cmplx a1 = cadd(cscale(q[0] - q[3], sr2), cmul(cconj(qt), sr1));
    cmplx a2 = csub(cscale(q[0] - q[3], sl1), cmul(qt, sl2));
    cmplx a3 = csub(cscale(q[0] + q[3], sl2), cmul(cconj(qt), sl1));
    fvo[0] = cmul(cadd(cscale(g[1], a0), cscale(g[0] * mass, sl1)), d);
    fvo[1] = cmul(cadd(cscale(g[1], a1), cscale(g[0] * mass, sl2)), d);
    fvo[2] = cmul(cadd(cscale(g[0], a2), cscale(g[1] * mass, sr1)), d);
    fvo[3] = cmul(cadd(cscale(g[0], a3), cscale(g[1] * mass, sr2)), d);
}

INLINE cmplx iovxxx(const cmplx fi[6], const cmplx fo[6], const cmplx vc[6], const REAL g[2])
{
    cmplx l11 = cmul(fo[2], fi[0]), l22 = cmul(fo[3], fi[1]), l12 = cmul(fo[2], fi[1]), l21 = cmul(fo[3], fi[0]);
    cmplx r11 = cmul(fo[0], fi[2]), r22 = cmul(fo[1], fi[3]), r12 = cmul(fo[0], fi[3]), r21 = cmul(fo[1], fi[2]);
    cmplx left = cadd(cmul(cadd(l11, l22), vc[0]), cmul(cadd(l12, l21), vc[1]));
    left = csub(left, ctimes_i(cmul(csub(l12, l21), vc[2])));
    left = cadd(left, cmul(csub(l11, l22), vc[3]));
    cmplx right = csub(cmul(cadd(r11, r22), vc[0]), cmul(cadd(r12, r21), vc[1]));
    right = cadd(right, ctimes_i(cmul(csub(r12, r21), vc[2])));
    right = csub(right, cmul(csub(r11, r22), vc[3]));
    return cadd(cscale(g[0], left), cscale(g[1], right));
}

/* |amplitude|^2 of one helicity configuration: 3 fvi + 3 fvo + 6 iov */
INLINE REAL amplitude_squared(REAL p[5][4], const int helicity[5], const REAL g[2])
{
    cmplx quark[6], antiquark[6], photon[3][6], in[3][6], out[3][6], amplitude = {0, 0};
    ixxxxx(p[0], 0, helicity[0], 1, quark);
    oxxxxx(p[1], 0, helicity[1], -1, antiquark);
    vxxxxx(p[2], 0, helicity[2], 1, photon[0]);
    vxxxxx(p[3], 0, helicity[3], 1, photon[1]);
    vxxxxx(p[4], 0, helicity[4], 1, photon[2]);
    fvixxx(quark, photon[0], g, 0, 0, in[0]);
    fvoxxx(antiquark, photon[0], g, 0, 0, out[0]);
    fvixxx(quark, photon[1], g, 0, 0, in[1]);
    fvoxxx(antiquark, photon[1], g, 0, 0, out[1]);
    fvixxx(quark, photon[2], g, 0, 0, in[2]);
    fvoxxx(antiquark, photon[2], g, 0, 0, out[2]);
    amplitude = cadd(amplitude, iovxxx(in[0], out[1], photon[2], g));
    amplitude = cadd(amplitude, iovxxx(in[0], out[2], photon[1], g));
    amplitude = cadd(amplitude, iovxxx(in[1], out[0], photon[2], g));
    amplitude = cadd(amplitude, iovxxx(in[1], out[2], photon[0], g));
    amplitude = cadd(amplitude, iovxxx(in[2], out[0], photon[1], g));
    amplitude = cadd(amplitude, iovxxx(in[2], out[1], photon[0], g));
    return amplitude.re * amplitude.re + amplitude.im * amplitude.im;
}

static const int helicities[12][5] = {
    {-1, 1, -1, -1, 1}, {-1, 1, -1, 1, -1}, {-1, 1, -1, 1, 1}, {-1, 1, 1, -1, -1}, {-1, 1, 1, -1, 1}, {-1, 1, 1, 1, -1},
    {1, -1, -1, -1, 1}, {1, -1, -1, 1, -1}, {1, -1, -1, 1, 1}, {1, -1, 1, -1, -1}, {1, -1, 1, -1, 1}, {1, -1, 1, 1, -1},
};

INLINE void read_event(const REAL *const *columns, long event, REAL p[5][4])
{
    int i;
    for (i = 0; i < 20; i++) p[i / 4][i % 4] = columns[i][event];
}

/* helicities (-, +; -, +, +) */
void amp1(const REAL *const *columns, REAL *result, long n, REAL coupling)
{
    const REAL g[2] = {coupling, coupling};
    long event;
    for (event = 0; event < n; event++) {
        REAL p[5][4];
        read_event(columns, event, p);
        result[event] = amplitude_squared(p, helicities[2], g);
    }
}

/* sum over the 12 non-vanishing helicities */
void msq(const REAL *const *columns, REAL *result, long n, REAL coupling)
{
    const REAL g[2] = {coupling, coupling};
    long event;
    int h;
    for (event = 0; event < n; event++) {
        REAL p[5][4], sum = 0;
        read_event(columns, event, p);
        for (h = 0; h < 12; h++) sum += amplitude_squared(p, helicities[h], g);
        result[event] = sum;
    }
}
