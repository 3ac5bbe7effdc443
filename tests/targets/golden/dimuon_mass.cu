// dimuon_mass: made by symhep, CUDA C++, float64. Compile with -fmad=false: then arithmetic has the bits of the numpy target.

extern "C" __global__ void __launch_bounds__(256) dimuon_mass(
    const long long n,
    const double *__restrict__ pt1, const long long pt1_stride,
    const double *__restrict__ eta1, const long long eta1_stride,
    const double *__restrict__ phi1, const long long phi1_stride,
    const double *__restrict__ pt2, const long long pt2_stride,
    const double *__restrict__ eta2, const long long eta2_stride,
    const double *__restrict__ phi2, const long long phi2_stride,
    double *__restrict__ out0, const long long out0_stride)
{
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        const double eta1_i = eta1[i * eta1_stride];
        const double eta2_i = eta2[i * eta2_stride];
        const double phi2_i = phi2[i * phi2_stride];
        const double phi1_i = phi1[i * phi1_stride];
        const double pt2_i = pt2[i * pt2_stride];
        const double pt1_i = pt1[i * pt1_stride];
        const double t0 = eta2_i - eta1_i;
        const double t1 = cosh(t0);
        const double t2 = phi1_i - phi2_i;
        const double t3 = cos(t2);
        const double t4 = t1 - t3;
        const double t5 = pt1_i * pt2_i;
        const double t6 = t5 * t4;
        const double t7 = 2.0 * t6;
        const double t8 = sqrt(t7);
        out0[i * out0_stride] = t8;
    }
}
