"""Numbers that the tests (tests/support/pattern.h) and the oracles make alike, and the
text files in which oracles leave their results: lines `name count value ...`."""
import numpy as np

GOLDEN_DIGITS = "%.9g"  # nine digits give a float32 back exactly


def values(salt, n):
    """Elements 0..n-1 of the pattern: uniform in [-1, 1), float32."""
    with np.errstate(over="ignore"):
        z = np.uint64(salt << 32) + np.arange(n, dtype=np.uint64)
        z = z + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    k = (z >> np.uint64(40)).astype(np.float32)
    return k * np.float32(2.0**-23) - np.float32(1)


def nhwc(salt, shape):
    """A pattern laid out as NHWC [n, h, w, c], returned as NCHW."""
    x = values(salt, int(np.prod(shape))).reshape(shape)
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


class Golden:
    """Collects named arrays; 4-d arrays are NCHW and written as NHWC."""

    def __init__(self, path, header):
        self.path, self.lines = path, ["# " + line for line in header]

    def add(self, name, array):
        a = np.asarray(array)
        if a.ndim == 4:
            a = a.transpose(0, 2, 3, 1)
        a = a.reshape(-1)
        text = " ".join(GOLDEN_DIGITS % v for v in a)
        self.lines.append("%s %d %s" % (name, a.size, text))

    def write(self):
        with open(self.path, "w") as f:
            f.write("\n".join(self.lines) + "\n")
