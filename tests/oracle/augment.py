#!/usr/bin/python3
"""Writes tests/data/augment.tsv: what Pillow, torchvision and numpy make of two small
JPEG files of tests/data/jpeg, for worker/input/augment.h. A row holds the options, the
CRC-32 of the float32 result and its first pixel. Made with Pillow 9.4.0, torchvision
0.14.1, numpy 1.24.2 (Debian 12).

usage: /usr/bin/python3 tests/oracle/augment.py
"""
import math
import os
import zlib

import numpy as np
import torchvision.transforms as T
from PIL import Image

import philox

DATA = os.path.join(os.path.dirname(__file__), "..", "data")
SQUARE, SHORT, NONE = range(3)
RANDOM, RESIZED, CENTER = range(3)
IMAGENET = (0, 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CAFFE = (1, 1.0, (104, 117, 123), (1, 1, 1))
f64 = lambda x: np.asarray(x, np.float32).astype(np.float64)


def resize(im, mode, side):
    if mode == NONE:
        return im
    bilinear = T.InterpolationMode.BILINEAR
    return T.Resize((side, side) if mode == SQUARE else side, bilinear)(im)


def normalise(im, preprocess):
    bgr, scale, mean, std = preprocess
    a = np.asarray(im).astype(np.float64)
    if bgr:
        a = a[:, :, ::-1]
    return ((a * f64(scale) - f64(mean)) / f64(std)).astype(np.float32)


def region(im, s, min_area):
    """RandomResizedCrop.get_params with our random numbers."""
    w, h = im.size
    low, high = math.log(3 / 4), math.log(4 / 3)
    min_area = float(np.float32(min_area))
    for t in range(10):
        area = h * w * (min_area + philox.uniform_f64(s, 3 + 2 * t) * (1 - min_area))
        aspect = math.exp(low + philox.uniform_f64(s, 4 + 2 * t) * (high - low))
        rw, rh = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < rw <= w and 0 < rh <= h:
            y, x = philox.below(s, 0, h - rh + 1), philox.below(s, 1, w - rw + 1)
            return x, y, x + rw, y + rh
    rw, rh = w, h
    if w / h < 3 / 4:
        rh = round(w / (3 / 4))
    elif w / h > 4 / 3:
        rw = round(h * (4 / 3))
    x, y = (w - rw) // 2, (h - rh) // 2
    return x, y, x + rw, y + rh


def train(im, mode, side, crop, kind, pad, min_area, flip, seed, epoch, sample):
    s = philox.stream(seed, philox.AUGMENT, epoch, sample)
    if kind == RESIZED:
        im = im.resize((crop, crop), Image.BILINEAR, region(im, s, min_area))
    elif kind == CENTER:
        im = T.CenterCrop(crop)(resize(im, mode, side))
    else:
        im = T.Pad(pad)(resize(im, mode, side))
        w, h = im.size
        y, x = philox.below(s, 0, h - crop + 1), philox.below(s, 1, w - crop + 1)
        im = im.crop((x, y, x + crop, y + crop))
    if flip and philox.uniform_f64(s, 2) < 0.5:
        im = im.transpose(Image.FLIP_LEFT_RIGHT)
    return im


def cases():
    """(file, mode, resize, crop, kind or -1 for the test view, pad, min_area, flip,
    preprocess, seed, epoch, sample)"""
    for file in "422.jpg", "plain.jpg":
        for mode, side in (SQUARE, 26), (SHORT, 24), (NONE, 0):
            for p in IMAGENET, CAFFE:
                yield file, mode, side, 19, -1, 0, 1, 0, p, 0, 0, 0
    for i in range(8):
        yield "plain.jpg", SQUARE, 32, 28, RANDOM, 0, 1, 1, CAFFE, 1, i // 4, i % 4
        yield "422.jpg", SHORT, 24, 24, RANDOM, 3, 1, 1, IMAGENET, 2**63 + 5, i, 2**32 - 1
        yield "422.jpg", SHORT, 40, 19, RESIZED, 3, 0.08, 1, IMAGENET, 3, i, 100
        yield "plain.jpg", NONE, 0, 32, RESIZED, 0, 0.5, 0, CAFFE, 3, i, 7
        yield "plain.jpg", SHORT, 33, 30, CENTER, 5, 1, 1, CAFFE, 4, 0, i
    yield "422.jpg", NONE, 0, 9, RANDOM, 60, 1, 1, IMAGENET, 5, 1, 1
    yield "422.jpg", NONE, 0, 9, RESIZED, 0, 1, 1, CAFFE, 6, 1, 1  # falls back to the middle
    yield "17x13.jpg", SQUARE, 20, 20, RESIZED, 0, 1, 1, CAFFE, 6, 1, 1


def main():
    with open(os.path.join(DATA, "augment.tsv"), "w") as f:
        f.write("# by tests/oracle/augment.py: file resize_mode resize crop train_crop "
                "(-1: test view) pad min_area flip bgr seed epoch sample crc32 pixel\n")
        for file, mode, side, crop, kind, pad, area, flip, p, *place in cases():
            im = Image.open(os.path.join(DATA, "jpeg", file)).convert("RGB")
            if kind < 0:
                im = T.CenterCrop(crop)(resize(im, mode, side))
            else:
                im = train(im, mode, side, crop, kind, pad, area, flip, *place)
            out = np.ascontiguousarray(normalise(im, p))
            row = [file, mode, side, crop, kind, pad, area, flip, p[0], *place]
            row += ["%08x" % zlib.crc32(out.tobytes()), *("%.9g" % v for v in out[0, 0])]
            f.write(" ".join(map(str, row)) + "\n")


if __name__ == "__main__":
    main()
