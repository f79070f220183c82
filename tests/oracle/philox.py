"""The random numbers of common/base/rng.h in numpy: Philox4x32-10 and its streams.

Other oracles import it. Run as a program it prints tests/data/rng.txt. Words and uniforms
are equal to the C ones bit for bit; normals are too, unless numpy's log, sine or cosine
round to another float (at most one unit in the last place).
"""
import sys

import numpy as np

ORDER, AUGMENT, DROPOUT, TARGET, INIT, DEMO, TEST = range(1, 8)
M32 = np.uint64(0xFFFFFFFF)


def philox(counter, key):
    """counter: four arrays (or numbers) of one shape, key: two numbers -> four arrays."""
    c = [np.asarray(x).astype(np.uint64) for x in np.broadcast_arrays(*counter)]
    k0, k1 = int(key[0]), int(key[1])
    for _ in range(10):
        p, q = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(q >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), q & M32,
             (p >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p & M32]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def stream(seed, purpose, a, b):
    """What pt_rng_stream returns: (key, a, b)."""
    low, high = lambda x: x & 0xFFFFFFFF, lambda x: x >> 32
    out = philox((low(seed), high(seed), purpose, high(a)), (0x70747261, 0x696E2E31))
    return (int(out[0]), int(out[1])), a, b


def u32(s, i):
    """Words i (an array or a range of indices) of stream s, uint32."""
    key, a, b = s
    i = np.asarray(i, dtype=np.uint64)
    out = philox((i // np.uint64(4), a & 0xFFFFFFFF, b & 0xFFFFFFFF, b >> 32), key)
    return np.choose((i % np.uint64(4)).astype(np.int64), out).astype(np.uint32)


def u64(s, i):
    i = np.asarray(i, dtype=np.uint64) * np.uint64(2)
    return u32(s, i).astype(np.uint64) << np.uint64(32) | u32(s, i + np.uint64(1))


def uniform_f32(s, i):
    return (u32(s, i) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def uniform_f64(s, i):
    return (u64(s, i) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(s, n):
    """Elements 0..n-1 as float32 N(0, 1)."""
    j = np.arange((n + 1) // 2)
    r = np.sqrt(-2 * np.log(1 - uniform_f64(s, 2 * j)))
    t = 2 * np.pi * uniform_f64(s, 2 * j + 1)
    return np.stack([r * np.cos(t), r * np.sin(t)], 1).reshape(-1)[:n].astype(np.float32)


def below(s, i, n):
    return int(u64(s, i)) * n >> 64


def permutation(s, n):
    p, words = list(range(n)), u64(s, range(n)).tolist() # all at once: numpy is slow by one
    for i in range(n - 1, 0, -1):
        j = words[i] * (i + 1) >> 64
        p[i], p[j] = p[j], p[i]
    return np.array(p, dtype=np.uint32)


if __name__ == "__main__":
    print("# tests/oracle/philox.py, numpy", np.__version__, "python", sys.version.split()[0])
    print("# per stream: seed purpose a b; words; u01 f32; u01 f64; normals; permutation")
    for seed, purpose, a, b in ((0, ORDER, 0, 0), (1, TARGET, 7, 31),
                                (2**64 - 1, DROPOUT, 2**40 - 1, 2**64 - 1),
                                (0x123456789ABCDEF, INIT, 160, 3 << 32 | 5)):
        s, i = stream(seed, purpose, a, b), np.arange(9)
        print(seed, purpose, a, b)
        print(*("%08x" % x for x in u32(s, i + 4 * 10**9)))
        print(*(float(x).hex() for x in uniform_f32(s, i)))
        print(*(float(x).hex() for x in uniform_f64(s, i)))
        print(*(float(x).hex() for x in normal(s, 9)))
        print(*permutation(s, 9))
