// CUDA's functions on numbers: bits, whole numbers, and mathematics beyond <math.h>. Included by pretend_cuda.hpp.
#pragma once
#include <cmath>
#include <cstring>
#include <math.h>

// ---------------------------------------------------------------- bits
template <class To, class From> inline To pretend_bits(From v) {
    static_assert(sizeof(To) == sizeof(From), "");
    To r; std::memcpy(&r, &v, sizeof r); return r;
}
inline int __float_as_int(float v) { return pretend_bits<int>(v); }
inline unsigned int __float_as_uint(float v) { return pretend_bits<unsigned int>(v); }
inline float __int_as_float(int v) { return pretend_bits<float>(v); }
inline float __uint_as_float(unsigned int v) { return pretend_bits<float>(v); }
inline long long __double_as_longlong(double v) { return pretend_bits<long long>(v); }
inline double __longlong_as_double(long long v) { return pretend_bits<double>(v); }
inline int __double2hiint(double v) { return int(pretend_bits<unsigned long long>(v) >> 32); }
inline int __double2loint(double v) { return int(pretend_bits<unsigned long long>(v)); }
inline double __hiloint2double(int hi, int lo) {
    return pretend_bits<double>((unsigned long long)(unsigned)hi << 32 | (unsigned)lo);
}
inline int __popc(unsigned int v) { return __builtin_popcount(v); }
inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
inline int __clz(int v) { return v ? __builtin_clz(v) : 32; }
inline int __clzll(long long v) { return v ? __builtin_clzll(v) : 64; }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __ffsll(long long v) { return __builtin_ffsll(v); }
inline unsigned int __brev(unsigned int v) {
    unsigned int r = 0;
    for (int i = 0; i < 32; i++) r |= (v >> i & 1u) << (31 - i);
    return r;
}
inline unsigned int __umulhi(unsigned int a, unsigned int b) { return (unsigned long long)a * b >> 32; }
inline int __mulhi(int a, int b) { return (long long)a * b >> 32; }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}
inline long long __mul64hi(long long a, long long b) { return (long long)((__int128)a * b >> 64); }
inline int __mul24(int a, int b) { return a * b; }
template <class T> inline T __ldg(const T* p) { return *p; }

// ---------------------------------------------------------------- mathematics beyond <math.h>
#define PRETEND_MIN_MAX(R, A, B)                                                                                       \
    inline R min(A a, B b) { return (R)a < (R)b ? (R)a : (R)b; }                                                       \
    inline R max(A a, B b) { return (R)a > (R)b ? (R)a : (R)b; }
PRETEND_MIN_MAX(int, int, int)
PRETEND_MIN_MAX(unsigned int, unsigned int, unsigned int)
PRETEND_MIN_MAX(unsigned int, int, unsigned int)
PRETEND_MIN_MAX(unsigned int, unsigned int, int)
PRETEND_MIN_MAX(long, long, long)
PRETEND_MIN_MAX(unsigned long, unsigned long, unsigned long)
PRETEND_MIN_MAX(unsigned long, long, unsigned long)
PRETEND_MIN_MAX(unsigned long, unsigned long, long)
PRETEND_MIN_MAX(long long, long long, long long)
PRETEND_MIN_MAX(unsigned long long, unsigned long long, unsigned long long)
PRETEND_MIN_MAX(unsigned long long, long long, unsigned long long)
PRETEND_MIN_MAX(unsigned long long, unsigned long long, long long)
#undef PRETEND_MIN_MAX
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }
inline double min(float a, double b) { return fmin(a, b); }
inline double min(double a, float b) { return fmin(a, b); }
inline double max(float a, double b) { return fmax(a, b); }
inline double max(double a, float b) { return fmax(a, b); }

inline double rsqrt(double v) { return 1 / sqrt(v); }
inline float rsqrtf(float v) { return 1 / sqrtf(v); }
inline float rsqrt(float v) { return rsqrtf(v); }
inline double rcbrt(double v) { return 1 / cbrt(v); }
inline float rcbrt(float v) { return 1 / cbrtf(v); }
inline double exp10(double v) { return pow(10.0, v); }
inline float exp10(float v) { return powf(10.f, v); }
inline double sinpi(double v) { return sin(M_PI * v); }
inline float sinpi(float v) { return float(sin(M_PI * double(v))); }
inline double cospi(double v) { return cos(M_PI * v); }
inline float cospi(float v) { return float(cos(M_PI * double(v))); }
inline double normcdf(double v) { return 0.5 * erfc(-v * 0.70710678118654752440); }
inline float normcdf(float v) { return float(normcdf(double(v))); }
inline double erfcx(double v) { return exp(v * v) * erfc(v); }
inline float erfcx(float v) { return float(erfcx(double(v))); }
// The inverse of the error function: a first guess (Winitzki's form), and three steps of Newton.
inline double erfinv(double y) {
    if (!(fabs(y) < 1)) return fabs(y) == 1 ? copysign(HUGE_VAL, y) : NAN;
    double w = log((1 - y) * (1 + y)), half = 4.330746750799873 + w / 2;
    double x = copysign(sqrt(sqrt(half * half - w / 0.147) - half), y);
    for (int i = 0; i < 3; i++) x -= (erf(x) - y) / (1.12837916709551257390 * exp(-x * x));
    return x;
}
inline float erfinv(float v) { return float(erfinv(double(v))); }
inline double erfcinv(double y) { return erfinv(1 - y); }
inline float erfcinv(float v) { return float(erfinv(1 - double(v))); }
inline double normcdfinv(double v) { return -1.41421356237309504880 * erfinv(1 - 2 * v); }
inline float normcdfinv(float v) { return float(normcdfinv(double(v))); }
inline void sincospi(double v, double* s, double* c) { *s = sinpi(v); *c = cospi(v); }

inline float __expf(float v) { return expf(v); }
inline float __exp10f(float v) { return exp10(v); }
inline float __logf(float v) { return logf(v); }
inline float __log2f(float v) { return log2f(v); }
inline float __log10f(float v) { return log10f(v); }
inline float __sinf(float v) { return sinf(v); }
inline float __cosf(float v) { return cosf(v); }
inline float __tanf(float v) { return tanf(v); }
inline float __powf(float a, float b) { return powf(a, b); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __saturatef(float v) { return v > 0 ? (v < 1 ? v : 1.f) : 0.f; }
inline float __frcp_rn(float v) { return 1 / v; }
inline float __fsqrt_rn(float v) { return sqrtf(v); }
inline float __frsqrt_rn(float v) { return 1 / sqrtf(v); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
// Numbers as whole numbers: rounded to the nearest, to zero, up, down.
#define PRETEND_TO_WHOLE(From, T, name)                                                                              \
    inline T __##From##2##name##_rn(From v) { return (T)rint(v); }                                                     \
    inline T __##From##2##name##_rz(From v) { return (T)trunc(v); }                                                    \
    inline T __##From##2##name##_ru(From v) { return (T)ceil(v); }                                                     \
    inline T __##From##2##name##_rd(From v) { return (T)floor(v); }
PRETEND_TO_WHOLE(float, int, int) PRETEND_TO_WHOLE(float, unsigned int, uint)
PRETEND_TO_WHOLE(float, long long, ll) PRETEND_TO_WHOLE(float, unsigned long long, ull)
PRETEND_TO_WHOLE(double, int, int) PRETEND_TO_WHOLE(double, unsigned int, uint)
PRETEND_TO_WHOLE(double, long long, ll) PRETEND_TO_WHOLE(double, unsigned long long, ull)
#undef PRETEND_TO_WHOLE
inline float __int2float_rn(int v) { return float(v); }
inline float __uint2float_rn(unsigned int v) { return float(v); }
inline float __ll2float_rn(long long v) { return float(v); }
inline float __ull2float_rn(unsigned long long v) { return float(v); }
inline float __double2float_rn(double v) { return float(v); }
inline double __int2double_rn(int v) { return v; }
inline double __uint2double_rn(unsigned int v) { return v; }
inline double __ll2double_rn(long long v) { return double(v); }
inline double __ull2double_rn(unsigned long long v) { return double(v); }
