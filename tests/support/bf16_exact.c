#include "tests/support/bf16_exact.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* (-1)^negative * m * 2^e; `far`: the distance at which a smaller term only tells on
 * which side of the larger one a sum is. */
typedef struct {
    bool negative;
    __int128 m;
    int e;
} number;

enum { FAR = 100, INFINITE = 0x7f800000, NOT_A_NUMBER = 0x7fc00000 };

static uint32_t size_of(uint32_t u)
{
    return u & 0x7fffffff;
}

static bool is_finite(uint32_t u)
{
    return size_of(u) < INFINITE;
}

/* A denormal number is a zero. */
static bool is_zero(uint32_t u)
{
    return size_of(u) < 0x800000;
}

static number number_of(uint32_t u)
{
    number x = {.negative = u >> 31};

    if (is_zero(u)) return x;
    x.m = (u & 0x7fffff) | 0x800000;
    x.e = (int)(size_of(u) >> 23) - 150;
    while (x.m % 2 == 0) {
        x.m /= 2;
        x.e++;
    }
    return x;
}

static number sum_of(number x, number y)
{
    if (x.m == 0 && y.m == 0) return (number){.negative = x.negative && y.negative};
    if (x.m == 0) return y;
    if (y.m == 0) return x;
    if (x.e < y.e) return sum_of(y, x);
    if (x.e - y.e > FAR) y = (number){y.negative, 1, x.e - FAR};
    __int128 a = x.m << (x.e - y.e), b = y.m;
    __int128 s = (x.negative ? -a : a) + (y.negative ? -b : b);

    return (number){s < 0, s < 0 ? -s : s, y.e};
}

static int bit_length(__int128 m)
{
    int n = 0;

    for (; m > 0; m /= 2) n++;
    return n;
}

static uint32_t rounded(number x)
{
    uint32_t sign = x.negative ? 0x80000000 : 0;
    int extra = bit_length(x.m) - 24;

    if (x.m == 0) return sign;
    if (extra > 0) {
        __int128 unit = (__int128)1 << extra, rest = x.m % unit;

        x.m /= unit;
        if (2 * rest > unit || (2 * rest == unit && x.m % 2 == 1)) x.m++;
        x.e += extra;
    }
    while (x.m < 0x800000) {
        x.m *= 2;
        x.e--;
    }
    if (x.m == 0x1000000) {
        x.m /= 2;
        x.e++;
    }
    if (x.e > 104) return sign | INFINITE;
    if (x.e < -149) return sign;
    return sign | (uint32_t)(x.e + 150) << 23 | ((uint32_t)x.m & 0x7fffff);
}

/* a or b or c is no finite number. */
static uint32_t special(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t sign = (a ^ b) & 0x80000000, product = sign | INFINITE;
    bool finite = is_finite(a) && is_finite(b);

    if (size_of(a) > INFINITE || size_of(b) > INFINITE || size_of(c) > INFINITE)
        return NOT_A_NUMBER;
    if (finite) return c;
    if (is_zero(a) || is_zero(b)) return NOT_A_NUMBER;
    return is_finite(c) || c == product ? product : NOT_A_NUMBER;
}

uint32_t exact_fused(uint32_t a, uint32_t b, uint32_t c)
{
    if (!is_finite(a) || !is_finite(b) || !is_finite(c)) return special(a, b, c);
    number x = number_of(a), y = number_of(b);
    number product = {x.negative != y.negative, x.m * y.m, x.e + y.e};

    return rounded(sum_of(product, number_of(c)));
}

uint32_t exact_step(uint16_t a_even, uint16_t a_odd, uint16_t b_even, uint16_t b_odd,
                    uint32_t c)
{
    c = exact_fused((uint32_t)a_odd << 16, (uint32_t)b_odd << 16, c);
    return exact_fused((uint32_t)a_even << 16, (uint32_t)b_even << 16, c);
}

static uint32_t bits_of(float x)
{
    uint32_t u;

    memcpy(&u, &x, sizeof u);
    return u;
}

static bool is_denormal(float x)
{
    return x != 0 && fabsf(x) < 0x1p-126f;
}

float exact_half(float a, float b, float c)
{
    float r = fmaf(a, b, c);

    if (fabsf(r) > 0x1p-125f && !is_denormal(a) && !is_denormal(b) && !is_denormal(c))
        return r;
    uint32_t u = exact_fused(bits_of(a), bits_of(b), bits_of(c));

    memcpy(&r, &u, sizeof r);
    return r;
}
