#!/usr/bin/python3
"""Writes tests/data/pixels.tsv and tests/data/augmented.tsv: what torchvision and Pillow make
of small images, for worker/input/{tone,colour,sharpen,affine,jitter,rand_augment,erase}.h.
Made with Pillow 9.4.0, torchvision 0.14.1, torch 1.13.1, numpy 1.24.2 (Debian 12).

pixels.tsv     an image, an operation, its argument, the CRC-32 of the bytes that result
augmented.tsv  whole training views: Compose([crop and flip, RandAugment, ColorJitter,
               ToTensor, Normalize, RandomErasing]) with our random numbers

usage: /usr/bin/python3 tests/oracle/augmentations.py
"""
import functools
import math
import os
import zlib

import numpy as np
import torch
import torchvision.transforms as T
import torchvision.transforms.functional as F
from PIL import Image
from torchvision.transforms.autoaugment import RandAugment, _apply_op

import augment
import philox
from resize import noise

DATA = os.path.join(os.path.dirname(__file__), "..", "data")
JITTER, RAND_AUGMENT, ERASE, NOISE = 15, 16, 17, 18
SIGNED = range(1, 10)  # shears to sharpness: towards either side
f32 = np.float32


@functools.cache
def image(name):
    """A file of tests/data/jpeg, noise:HEIGHT:WIDTH, lattice, or flat."""
    kind, *args = name.split(":")
    if kind == "noise":
        height, width = map(int, args)
        return Image.fromarray(noise(1, height * width * 3).reshape(height, width, 3))
    if kind == "lattice":  # every fifth value of each channel
        v = np.arange(0, 256, 5, dtype=np.uint8)
        colours = np.stack(np.meshgrid(v, v, v, indexing="ij"), -1)
        return Image.fromarray(colours.reshape(len(v), -1, 3))
    if kind == "flat":
        return Image.new("RGB", (9, 7), (200, 17, 90))
    return Image.open(os.path.join(DATA, "jpeg", name)).convert("RGB")


def crc(a):
    return "%08x" % zlib.crc32(np.ascontiguousarray(a).tobytes())


# ---- single operations -------------------------------------------------------------------

def linspace(low, high, bins, i):
    """torch.linspace(low, high, bins)[i] as torch computes it one by one; its vectors differ
    in the last bit, by CPU."""
    low, high = f32(low), f32(high)
    step = (high - low) / f32(bins - 1)
    x = low + step * f32(i) if i < bins // 2 else high - step * f32(bins - 1 - i)
    assert abs(x - torch.linspace(float(low), float(high), bins)[i].item()) <= np.spacing(x)
    return float(x)


def operation(im, op, magnitude, bins, minus):
    space = RandAugment()._augmentation_space(bins, (im.height, im.width))
    name, (values, signed) = list(space.items())[op]
    assert signed == (op in SIGNED)
    x = 0.0
    if name == "Posterize":
        x = int(values[magnitude])
    elif values.ndim:
        x = linspace(values[0].item(), values[-1].item(), bins, magnitude)
    if signed and minus:
        x = -x
    return _apply_op(im, name, x, T.InterpolationMode.NEAREST, None)


def pixel_cases():
    for name in "lattice", "plain.jpg", "noise:33:47", "flat", "noise:1:5", "noise:2:2":
        for op in "brightness", "contrast", "saturation":
            for x in 0, 0.35, 1, 1.27, 1.9, 3.6:
                yield name, op, "%.9g" % f32(x)
        for x in 0, 0.003, 0.1, -0.23, 0.5, -0.5:
            yield name, "hue", "%.9g" % f32(x)
    for name in "plain.jpg", "422.jpg", "noise:33:47", "flat", "noise:2:2":
        for magnitude, bins in (0, 31), (4, 31), (9, 31), (17, 31), (30, 31), (3, 11), (1, 2):
            for op in range(14):
                for minus in range(2 if op in SIGNED else 1):
                    yield name, "op", op, magnitude, bins, minus
    for op in range(1, 6):
        for magnitude in range(31):
            yield "noise:224:224", "op", op, magnitude, 31, (op + magnitude) % 2


def write_pixels():
    with open(os.path.join(DATA, "pixels.tsv"), "w") as f:
        f.write("# by tests/oracle/augmentations.py: image brightness|contrast|saturation|hue "
                "argument crc32; image op number magnitude bins minus crc32\n")
        for name, op, *args in pixel_cases():
            im = image(name)
            if op == "op":
                out = operation(im, *args)
            else:
                out = getattr(F, "adjust_" + op)(im, float(args[0]))
            print(name, op, *args, crc(out), file=f)


# ---- whole views -------------------------------------------------------------------------

class Jitter(T.ColorJitter):
    """With factors and order from our stream, which `s` is."""

    def forward(self, im):
        def get_params(*ranges):
            order = list(range(4))
            for i in range(3, 0, -1):
                j = philox.below(self.s, 4 + i, i + 1)
                order[i], order[j] = order[j], order[i]
            drawn = [None if r is None else float(f32(
                         r[0] + float(philox.uniform_f64(self.s, i)) * (r[1] - r[0])))
                     for i, r in enumerate(ranges)]
            return (order, *drawn)
        self.get_params = get_params
        return super().forward(im)


def rand_augment(im, s, num_ops, magnitude, bins):
    for t in range(num_ops):
        op, minus = philox.below(s, 2 * t, 14), philox.uniform_f64(s, 2 * t + 1) < 0.5
        im = operation(im, op, magnitude, bins, minus)
    return im


def erase(x, place, of_noise, p, area, aspect, value, with_noise):
    """RandomErasing.forward and get_params on a view [side][side][3]."""
    if not philox.uniform_f64(place, 0) < p:
        return x
    side = x.shape[0]
    low, high = (math.log(v) for v in aspect)
    for t in range(10):
        u, v = (float(philox.uniform_f64(place, k)) for k in (3 + 2 * t, 4 + 2 * t))
        a, r = side * side * (area[0] + u * (area[1] - area[0])), math.exp(low + v * (high - low))
        h, w = int(round(math.sqrt(a * r))), int(round(math.sqrt(a / r)))
        if not (h < side and w < side):
            continue
        i, j = philox.below(place, 1, side - h + 1), philox.below(place, 2, side - w + 1)
        fill = torch.tensor([value])[:, None, None]
        if with_noise:
            fill = torch.from_numpy(philox.normal(of_noise, h * w * 3).reshape(h, w, 3))
            fill = fill.permute(2, 0, 1)
        chw = torch.from_numpy(x).permute(2, 0, 1)
        return F.erase(chw, i, j, h, w, fill).permute(1, 2, 0).numpy()
    return x


def view_cases():
    """file, (resize mode, side, crop, train crop, pad), (num_ops, magnitude, bins), (brightness,
    contrast, saturation, hue), (p, min_area, max_area, min_aspect, max_aspect, value, noise),
    bgr, seed, epoch, sample"""
    short, resized = (augment.SHORT, 24, 24, augment.RANDOM, 3), (augment.SHORT, 24, 28, augment.RESIZED, 0)
    centre = augment.SQUARE, 33, 30, augment.CENTER, 0
    none, no_jitter = (0, 9, 31), (0, 0, 0, 0)
    erase = (1, 0.02, 0.33, 0.3, 3.3, 0, 0)
    off = (0, 0.02, 0.33, 0.3, 3.3, 0, 0)
    for i in range(10):
        yield "plain.jpg", short, none, (0.4, 0.3, 0.7, 0.1), off, 0, 1, i // 4, i % 4
        yield "422.jpg", resized, none, (1.5, 0, 0, 0.5), off, 1, 2**63 + 5, i, 2**32 - 1
        yield "422.jpg", centre, (2, 9, 31), no_jitter, off, 0, 2, i, 5
        yield "plain.jpg", short, (3, 10, 11), no_jitter, off, 1, 3, 1, i
        yield "422.jpg", short, none, no_jitter, erase, 0, 4, i, 2
        yield "plain.jpg", centre, none, no_jitter, (0.5, 0.1, 0.9, 0.2, 2, -1.25, 0), 1, 5, i, 1
        yield "plain.jpg", resized, none, no_jitter, (1, 0.02, 0.33, 0.3, 3.3, 0, 1), 0, 6, i, 2
        yield "422.jpg", short, (2, 14, 31), (0.4, 0.4, 0.4, 0.2), (0.7, 0.05, 0.4, 1, 1, 2, 0), 0, 7, i, 3


def write_views():
    with open(os.path.join(DATA, "augmented.tsv"), "w") as f:
        f.write("# by tests/oracle/augmentations.py: file; resize_mode resize crop train_crop pad; "
                "num_ops magnitude bins; brightness contrast saturation hue; p min_area max_area "
                "min_aspect max_aspect value noise; bgr seed epoch sample; crc32\n")
        for file, crop, ops, jitter, e, bgr, *place in view_cases():
            of = lambda purpose: philox.stream(place[0], purpose, *place[1:])
            im = augment.train(image(file), *crop, 0.08, 1, *place)
            im = rand_augment(im, of(RAND_AUGMENT), *ops)
            single = [float(f32(v)) for v in e]
            if any(jitter):
                t = Jitter(*(float(f32(v)) for v in jitter))
                t.s = of(JITTER)
                im = t(im)
            x = augment.normalise(im, augment.CAFFE if bgr else augment.IMAGENET)
            x = erase(x, of(ERASE), of(NOISE), single[0], single[1:3], single[3:5], *single[5:])
            print(file, *crop, *ops, *jitter, *e, bgr, *place, crc(x), file=f)


write_pixels()
write_views()
