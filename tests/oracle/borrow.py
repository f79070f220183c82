#!/usr/bin/python3
"""Writes tests/data/borrow/gabor.txt: filters, histograms and divergences of made images,
by numpy and Pillow alone, from the definitions in worker/borrow/gabor.h and neighbours.h.

Lines: `filter` ORIENTATION PART 121 numbers; `counts` IMAGE MAP N_BINS numbers;
`divergence` A B and a number.

usage: /usr/bin/python3 tests/oracle/borrow.py
"""
import os

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
FINE, BINS, TARGETS, IMAGES = 65536, 8, 4, 7


def picture(i):
    """Odd sizes too; test_borrow.c has the same formula."""
    h, w = 128 + 37 * (i % 3), 128 + 50 * (i % 2)
    y, x, c = np.ogrid[:h, :w, :3]
    return ((x * (3 + i) + y * (1 + 2 * i) + x * y // (9 + i) + 40 * c) % 256).astype(np.uint8)


def gray(pixels):
    small = Image.fromarray(pixels).resize((128, 128), Image.BILINEAR)
    return np.asarray(small).astype(np.int64) @ np.array([77, 150, 29]) >> 8


def gabor(orientation, imaginary):
    t = np.arange(-5, 6, dtype=np.float64)
    y, x = t[:, None], t[None, :]
    angle = np.pi * orientation / 6
    phase = 2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / 4
    envelope = np.exp(-(x * x + y * y) / 8)
    f = envelope * (np.sin(phase) if imaginary else np.cos(phase))
    f = 1024 * (f - envelope * f.sum() / envelope.sum())
    f = (np.sign(f) * np.floor(np.abs(f) + 0.5)).astype(np.int64)
    f[5, 5] -= f.sum()
    return f


def slices(plane, filters):
    """Of all 48 maps, each flat."""
    out = []
    for scale in range(4):
        if scale > 0:
            n = plane.shape[0] // 2
            plane = (plane.reshape(n, 2, n, 2).sum(axis=(1, 3)) + 2) >> 2
        windows = np.lib.stride_tricks.sliding_window_view(plane, (11, 11))
        for f in filters:
            response = np.tensordot(windows, f, 2)
            bound = 255 * int(f[f > 0].sum())
            out.append(((response + bound) * FINE // (2 * bound + 1)).ravel())
    return out


def main():
    filters = [gabor(o, part) for o in range(6) for part in range(2)]
    found = [slices(gray(picture(i)), filters) for i in range(IMAGES)]
    bin_of = []
    for m in range(48):
        of = np.bincount(np.concatenate([found[i][m] for i in range(TARGETS)]), minlength=FINE)
        below = np.cumsum(of) - of
        bin_of.append(np.minimum(below * BINS // of.sum(), BINS - 1))
    counts = [[np.bincount(bin_of[m][found[i][m]], minlength=BINS) for m in range(48)]
              for i in range(IMAGES)]
    shares = np.array([[c / c.sum() for c in of] for of in counts])
    with open(os.path.join(HERE, "..", "data", "borrow", "gabor.txt"), "w") as out:
        for k, f in enumerate(filters):
            print("filter", k // 2, k % 2, *f.ravel(), file=out)
        for i in range(IMAGES):
            for m in range(48):
                print("counts", i, m, *counts[i][m], file=out)
        for a in range(TARGETS):
            for b in range(IMAGES):
                p, q = shares[a] + 1e-6, shares[b] + 1e-6
                d = (shares[a] * np.log(p / q) + shares[b] * np.log(q / p)).sum() / 96
                print("divergence", a, b, repr(float(d)), file=out)


if __name__ == "__main__":
    main()
