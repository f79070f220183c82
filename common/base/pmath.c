#include "common/base/pmath.h"

#include <math.h> /* INFINITY and NAN only */
#include <stdint.h>
#include <string.h>

/* ln 2 in two parts: k * ln2_hi is exact for |k| < 2^20. */
static const double ln2_hi = 0x1.62e42feep-1;
static const double ln2_lo = 0x1.a39ef35793c76p-33;
static const double inv_ln2 = 0x1.71547652b82fep+0;
static const double two_pi = 0x1.921fb54442d18p+2;

/* 2^k for -1022 <= k <= 1023. */
static double power_of_two(int k)
{
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* exp(x) = 2^k exp(r), |r| <= ln 2 / 2, by the power series up to r^13; what is left out
 * is below 5e-18. Pairs of terms first (Estrin), for speed. */
double pt_exp(double x)
{
    double r, r2, r4, low, mid, high, y;
    int k, half;

    if (x != x) return x;
    if (x > 709.78) return INFINITY;
    if (x < -745) return 0;
    k = (int)(x * inv_ln2 + (x < 0 ? -0.5 : 0.5));
    r = (x - k * ln2_hi) - k * ln2_lo;
    r2 = r * r;
    r4 = r2 * r2;
    low = (1.0 / 2 + r * (1.0 / 6)) + r2 * (1.0 / 24 + r * (1.0 / 120));
    mid = (1.0 / 720 + r * (1.0 / 5040)) + r2 * (1.0 / 40320 + r * (1.0 / 362880));
    high = (1.0 / 3628800 + r * (1.0 / 39916800)) +
           r2 * (1.0 / 479001600 + r * (1.0 / 6227020800));
    y = 1 + (r + r2 * (low + r4 * (mid + r4 * high)));
    half = k / 2; /* in two factors: k may be 1024, and -1074 must round once */
    return y * power_of_two(half) * power_of_two(k - half);
}

/* x = 2^k m, m in [sqrt(1/2), sqrt(2)), f = m - 1, s = f / (2 + f):
 * log m = 2 atanh s = f - (f^2/2 - s (f^2/2 + R)), R = 2/3 s^2 + 2/5 s^4 + ... The series
 * ends with s^22; what is left out is below 1e-18 of log m. The arrangement is that of
 * Sun's fdlibm, e_log.c. */
double pt_log(double x)
{
    double f, s, z, z2, z4, even, odd, r, half;
    uint64_t bits;
    int k = 0;

    if (x != x || x == INFINITY) return x;
    if (x == 0) return -INFINITY;
    if (x < 0) return NAN;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        k = -54;
    }
    memcpy(&bits, &x, sizeof bits);
    bits -= UINT64_C(0x3fe6a09e667f3bcd); /* the bits of sqrt(1/2) */
    k += (int)((int64_t)bits >> 52);
    bits = (bits & ((UINT64_C(1) << 52) - 1)) + UINT64_C(0x3fe6a09e667f3bcd);
    memcpy(&x, &bits, sizeof x);
    f = x - 1;
    s = f / (2 + f);
    z = s * s;
    z2 = z * z;
    z4 = z2 * z2;
    even = (2.0 / 3 + z2 * (2.0 / 7)) +
           z4 * ((2.0 / 11 + z2 * (2.0 / 15)) + z4 * (2.0 / 19 + z2 * (2.0 / 23)));
    odd = (2.0 / 5 + z2 * (2.0 / 9)) +
          z4 * ((2.0 / 13 + z2 * (2.0 / 17)) + z4 * (2.0 / 21));
    r = z * (even + z * odd);
    half = 0.5 * f * f;
    return k * ln2_hi - ((half - (s * (half + r) + k * ln2_lo)) - f);
}

/* cos x and sin x for |x| <= pi/4, power series up to x^16 and x^17. */
static double cos_small(double x)
{
    double z = x * x, z2 = z * z, z4 = z2 * z2, low, high;

    low = (1.0 / 24 - z * (1.0 / 720)) + z2 * (1.0 / 40320 - z * (1.0 / 3628800));
    high = (1.0 / 479001600 - z * (1.0 / 87178291200)) + z2 * (1.0 / 20922789888000);
    return 1 - (0.5 * z - z2 * (low + z4 * high));
}

static double sin_small(double x)
{
    double z = x * x, z2 = z * z, z4 = z2 * z2, low, high;

    low = (1.0 / 6 - z * (1.0 / 120)) + z2 * (1.0 / 5040 - z * (1.0 / 362880));
    high = (1.0 / 39916800 - z * (1.0 / 6227020800)) +
           z2 * (1.0 / 1307674368000 - z * (1.0 / 355687428096000));
    return x - x * z * (low + z4 * high);
}

/* cos(2 pi t - quarters pi/2). t less its nearest quarter is exact. */
static double wave(double t, unsigned quarters)
{
    double x;
    int q;

    if (!(t >= -0x1p20 && t <= 0x1p20)) return NAN;
    q = (int)(4 * t + (t < 0 ? -0.5 : 0.5));
    x = two_pi * (t - 0.25 * q);
    switch (((unsigned)q - quarters) & 3) {
    case 0:
        return cos_small(x);
    case 1:
        return -sin_small(x);
    case 2:
        return -cos_small(x);
    default:
        return sin_small(x);
    }
}

double pt_cos_turns(double t)
{
    return wave(t, 0);
}

double pt_sin_turns(double t)
{
    return wave(t, 1);
}
