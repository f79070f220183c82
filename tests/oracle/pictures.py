#!/usr/bin/python3
"""Writes tests/data/picture/: tiny picture files, whole and broken, and golden.tsv with
what Pillow's convert("RGB") makes of the whole ones. Written by Pillow 9.4.0, netpbm
11.01 and, where neither makes the case, byte by byte here; read by Pillow (Debian 12:
python3-pil, python3-numpy, netpbm). Run again it writes the same bytes.

usage: /usr/bin/python3 tests/oracle/pictures.py
"""
import io
import os
import struct
import subprocess
import warnings
import zlib

import numpy as np
from PIL import Image

OUT = os.path.join(os.path.dirname(__file__), "..", "data", "picture")


def picture(height, width, channels=3):
    """Waves and edges, by integers only, as in jpegs.py."""
    y, x, c = np.ogrid[:height, :width, :channels]
    v = (x * (7 + c) + y * (5 - c) * 3 + (x * y >> 2) + 60 * c) % 256
    v = np.where((x // 8 + y // 6) % 2 == 0, v, 255 - v // 2)
    return v.astype(np.uint8)


def image(mode, height=13, width=17):
    """A picture in one of Pillow's modes."""
    n = len(Image.new(mode, (1, 1)).getbands())
    a = picture(height, width, n)
    if mode == "1":
        return Image.fromarray(a[:, :, 0]).convert("1", dither=0)
    if mode == "P":
        return Image.fromarray(picture(height, width)).quantize(21)
    return Image.fromarray(a[:, :, 0] if n == 1 else a, mode)


def save(im, kind, **options):
    f = io.BytesIO()
    im.save(f, kind, **options)
    return f.getvalue()


def netpbm(command, im):
    """The output of one of netpbm's programs, or of cwebp, that reads a PPM or PGM."""
    return subprocess.run(command.split(), input=save(im, "PPM"), capture_output=True,
                          check=True).stdout


# ---- PNG --------------------------------------------------------------------------


def chunk(name, data):
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(width, height, bits, colour, rows, extra=b"", interlace=0):
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra +
            chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def scanlines(a, bits):
    """Unfiltered rows of samples of this many bits; a [height][samples of a row]."""
    out = b""
    for row in a:
        if bits == 16:
            out += b"\0" + b"".join(int(v).to_bytes(2, "big") for v in row)
        else:
            v = "".join(format(int(s), "0%db" % bits) for s in row)
            v += "0" * (-len(v) % 8)
            out += b"\0" + int(v, 2).to_bytes(len(v) // 8, "big")
    return out


def wide(height, width, channels):
    """Samples of 16 bits, below and above 255."""
    a = picture(height, width, channels).astype(np.int64)
    return (a * 257 + a % 7 * 11) % 65536 >> (np.arange(width)[None, :, None] % 3 * 5)


def png_of(bits, colour, channels, extra=b"", height=9, width=11):
    a = wide(height, width, channels) if bits == 16 else (
        picture(height, width, channels) >> (8 - bits))
    return png(width, height, bits, colour, scanlines(a.reshape(height, -1), bits), extra)


def pngs():
    palette = chunk(b"PLTE", picture(1, 16).tobytes())
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        yield "pillow_%s.png" % mode.lower(), save(image(mode), "PNG")
    yield "pillow_i16.png", save(Image.fromarray(
        wide(9, 11, 1)[:, :, 0].astype(np.int32), "I"), "PNG")
    for bits in (2, 4, 16):
        yield "gray_%d.png" % bits, png_of(bits, 0, 1)
    yield "gray_1_transparent.png", png_of(1, 0, 1, chunk(b"tRNS", b"\0\1"))
    yield "gray_transparent.png", png_of(8, 0, 1, chunk(b"tRNS", b"\0\x3c"))
    yield "gray_alpha_16.png", png_of(16, 4, 2)
    yield "rgb_16.png", png_of(16, 2, 3)
    yield "rgba_16.png", png_of(16, 6, 4)
    yield "rgb_transparent.png", png_of(8, 2, 3, chunk(b"tRNS", b"\0\0\0\x3c\0\x78"))
    yield "palette_1.png", png_of(1, 3, 1, palette)
    yield "palette_2.png", png_of(2, 3, 1, palette)
    yield "palette_4_transparent.png", png_of(4, 3, 1,
                                              palette + chunk(b"tRNS", b"\0\x80\xff"))
    yield "netpbm_interlaced.png", netpbm("pnmtopng -interlace", image("RGB", 21, 19))
    yield "netpbm_interlaced_gray.png", netpbm("pnmtopng -interlace", image("L", 5, 3))
    yield "netpbm_palette.png", netpbm("pnmtopng -interlace -gamma 0.45", image("RGB", 2, 7))
    whole = save(image("RGB", 5, 5), "PNG")
    yield "more_after_end.png", whole + b"more"
    yield "profile_broken.png", whole[:33] + chunk(b"iCCP", b"p\0\0nonsense") + whole[33:]
    yield "1x1.png", save(image("RGB", 1, 1), "PNG")


def broken_pngs():
    whole = save(image("RGB", 5, 5), "PNG")
    yield "no_end_mark.png", whole[:-12]
    yield "bad_crc.png", whole[:-13] + bytes([whole[-13] ^ 1]) + whole[-12:]
    yield "few_rows.png", png(5, 5, 8, 0, (b"\0" + b"12345") * 4)
    body = bytearray(zlib.compress((b"\0" + b"12345") * 5))
    body[-1] ^= 1
    yield "bad_sum.png", png(5, 5, 8, 0, b"").replace(
        chunk(b"IDAT", zlib.compress(b"", 9)), chunk(b"IDAT", bytes(body)))
    yield "beyond_palette.png", png_of(4, 3, 1, chunk(b"PLTE", picture(1, 5).tobytes()))
    yield "no_palette.png", png_of(4, 3, 1)
    yield "giant.png", png(20000, 20000, 8, 2, b"")
    yield "bomb.png", png(13000, 13000, 1, 0, b"\0" * 4000)


# ---- all ----------------------------------------------------------------------------


def main():
    warnings.simplefilter("ignore")
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "golden.tsv"), "w") as golden:
        golden.write("# by tests/oracle/pictures.py, Pillow %s: convert('RGB'); sums of "
                     "the channels; sum of (i %% 251 + 1) * byte i\n" % Image.__version__)
        golden.write("file\theight\twidth\tr\tg\tb\tweighted\n")
        for name, data in pngs():
            with open(os.path.join(OUT, name), "wb") as f:
                f.write(data)
            a = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(np.int64)
            weight = np.arange(a.size) % 251 + 1
            row = [name, *a.shape[:2], *a.sum((0, 1)), (a.ravel() * weight).sum()]
            golden.write("\t".join(str(v) for v in row) + "\n")
    for name, data in broken_pngs():
        with open(os.path.join(OUT, name), "wb") as f:
            f.write(data)


main()
