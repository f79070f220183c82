"""common/base/pmath.c again in numpy doubles, operation by operation, to show that its bits come
from IEEE 754 alone and not from a compiler or libm. Prints tests/data/pmath.txt: for each
function a hash of the bits of its values at the points of tests/common/test_pmath.c.
"""
import sys

import numpy as np

LN2_HI, LN2_LO = float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")
INV_LN2, TWO_PI = float.fromhex("0x1.71547652b82fep+0"), float.fromhex("0x1.921fb54442d18p+2")


def exp(x):
    k = np.trunc(x * INV_LN2 + np.where(x < 0, -0.5, 0.5))
    r = (x - k * LN2_HI) - k * LN2_LO
    r2 = r * r
    r4 = r2 * r2
    low = (1.0 / 2 + r * (1.0 / 6)) + r2 * (1.0 / 24 + r * (1.0 / 120))
    mid = (1.0 / 720 + r * (1.0 / 5040)) + r2 * (1.0 / 40320 + r * (1.0 / 362880))
    high = ((1.0 / 3628800 + r * (1.0 / 39916800))
            + r2 * (1.0 / 479001600 + r * (1.0 / 6227020800)))
    y = 1 + (r + r2 * (low + r4 * (mid + r4 * high)))
    return np.ldexp(y, k.astype(int))


def log(x):
    m, k = np.frexp(x)  # m in [1/2, 1)
    up = m < float.fromhex("0x1.6a09e667f3bcdp-1")
    m, k = np.where(up, 2 * m, m), np.where(up, k - 1, k)
    f = m - 1
    s = f / (2 + f)
    z = s * s
    z2 = z * z
    z4 = z2 * z2
    even = ((2.0 / 3 + z2 * (2.0 / 7))
            + z4 * ((2.0 / 11 + z2 * (2.0 / 15)) + z4 * (2.0 / 19 + z2 * (2.0 / 23))))
    odd = (2.0 / 5 + z2 * (2.0 / 9)) + z4 * ((2.0 / 13 + z2 * (2.0 / 17)) + z4 * (2.0 / 21))
    r = z * (even + z * odd)
    half = 0.5 * f * f
    return k * LN2_HI - ((half - (s * (half + r) + k * LN2_LO)) - f)


def cos_small(x):
    z = x * x
    z2 = z * z
    z4 = z2 * z2
    low = (1.0 / 24 - z * (1.0 / 720)) + z2 * (1.0 / 40320 - z * (1.0 / 3628800))
    high = (1.0 / 479001600 - z * (1.0 / 87178291200)) + z2 * (1.0 / 20922789888000)
    return 1 - (0.5 * z - z2 * (low + z4 * high))


def sin_small(x):
    z = x * x
    z2 = z * z
    z4 = z2 * z2
    low = (1.0 / 6 - z * (1.0 / 120)) + z2 * (1.0 / 5040 - z * (1.0 / 362880))
    high = ((1.0 / 39916800 - z * (1.0 / 6227020800))
            + z2 * (1.0 / 1307674368000 - z * (1.0 / 355687428096000)))
    return x - x * z * (low + z4 * high)


def wave(t, quarters):
    q = np.trunc(4 * t + np.where(t < 0, -0.5, 0.5))
    x = TWO_PI * (t - 0.25 * q)
    c, s = cos_small(x), sin_small(x)
    return np.choose((q.astype(int) - quarters) % 4, [c, -s, -c, s])


def hash_of(values):
    h = 0xCBF29CE484222325
    for bits in np.asarray(values, dtype=np.float64).view(np.uint64):
        h = ((h ^ int(bits)) * 0x100000001B3) % 2**64
    return "%016x" % h


if __name__ == "__main__":
    i = np.arange(100000)
    print("# tests/oracle/pmath.py, numpy", np.__version__, "python", sys.version.split()[0])
    print(hash_of(exp((i - 51000) / 69.5)))
    print(hash_of(log(np.ldexp((i + 1) / 3.0, i % 2000 - 1000))))
    print(hash_of(wave((i - 50000) / 7777.0, 0)))
    print(hash_of(wave((i - 50000) / 7777.0, 1)))
