#!/usr/bin/python3
"""Writes tests/data/resize.tsv: what Pillow's Image.resize(..., BILINEAR, box) makes of
images given by a formula (noise() here and in tests/worker/noise.h).
Made with Pillow 9.4.0 and numpy 1.24.2 (Debian 12).

usage: /usr/bin/python3 tests/oracle/resize.py
"""
import os
import zlib

import numpy as np
from PIL import Image

OUT = os.path.join(os.path.dirname(__file__), "..", "data", "resize.tsv")

# height, width, box (x0, y0, x1, y1) or None, height and width of the result
SMALL = [
    (9, 11, None, 9, 11),
    (9, 11, None, 4, 5),
    (9, 11, None, 13, 12),
    (9, 11, None, 14, 6),
    (9, 11, None, 3, 14),
    (9, 11, None, 9, 6),
    (9, 11, None, 5, 11),
    (40, 31, None, 7, 9),
    (40, 31, None, 1, 1),
    (1, 1, None, 5, 4),
    (1, 13, None, 3, 5),
    (17, 1, None, 6, 2),
    (200, 3, None, 2, 7),
    (20, 23, (3, 5, 12, 16), 6, 7),
    (20, 23, (1.3, 2.7, 15.9, 11.2), 8, 7),
    (20, 23, (0.1, 0, 23, 20), 20, 12),
    (20, 23, (0, 0, 10, 9), 9, 10),
    (20, 23, (0, 0, 23, 6.5), 6, 8),
    (20, 23, (7.25, 3.5, 7.75, 4), 5, 5),
    (20, 23, (19.9, 18.2, 23, 20), 9, 9),
    (64, 64, (16.00001, 5, 50, 60.99999), 11, 10),
]
LARGE = [
    (375, 500, None, 224, 224),
    (375, 500, None, 256, 256),
    (375, 500, None, 256, 341),
    (375, 500, None, 500, 375),
    (375, 500, (31, 17, 412, 333), 224, 224),
    (96, 130, None, 301, 449),
]


def noise(seed, n):
    """[n] uint8: a hash of the position."""
    h = np.arange(n, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(seed)
    h ^= h >> np.uint32(15)
    h *= np.uint32(2246822519)
    h ^= h >> np.uint32(13)
    h *= np.uint32(3266489917)
    return (h >> np.uint32(24)).astype(np.uint8)


def resized(seed, height, width, box, out_height, out_width):
    a = noise(seed, height * width * 3).reshape(height, width, 3)
    box = box or (0, 0, width, height)
    im = Image.fromarray(a).resize((out_width, out_height), Image.BILINEAR, box)
    return box, np.asarray(im).tobytes()


def main():
    with open(OUT, "w") as f:
        f.write("# by tests/oracle/resize.py, Pillow %s: seed, height and width of the "
                "noise, box, height and width, CRC-32, bytes\n" % Image.__version__)
        for seed, case in enumerate(SMALL + LARGE):
            box, out = resized(seed, *case)
            text = out.hex() if case in SMALL else "-"
            row = [seed, case[0], case[1], *map(repr, box), case[3], case[4]]
            f.write(" ".join(map(str, row)) + " %08x %s\n" % (zlib.crc32(out), text))


if __name__ == "__main__":
    main()
