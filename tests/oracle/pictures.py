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
import tempfile
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


# ---- WebP -------------------------------------------------------------------------


def webps():
    for mode in ("RGB", "RGBA"):
        im = image(mode, 21, 19)
        yield "lossless_%s.webp" % mode.lower(), save(im, "WEBP", lossless=True, exact=True)
        yield "lossy_%s.webp" % mode.lower(), save(im, "WEBP", quality=60)
    yield "cwebp.webp", netpbm("cwebp -quiet -q 80 -o - -- -", image("RGB", 33, 30))
    frames = [image("RGBA", 8, 9), image("RGB", 8, 9).convert("RGBA")]
    yield "animation.webp", save(frames[0], "WEBP", save_all=True, duration=9,
                                 append_images=frames[1:])
    yield "animation_inside.webp", inside(frames)


def inside(frames):
    """An animation whose first frame does not fill the canvas."""
    canvas = Image.new("RGBA", (20, 16), (0, 0, 0, 0))
    canvas.paste(frames[0], (4, 6))
    return save(canvas, "WEBP", save_all=True, duration=9, append_images=[frames[1].resize((20, 16))],
                lossless=True)


def broken_webps():
    whole = save(image("RGB", 21, 19), "WEBP", quality=60)
    yield "cut.webp", whole[:-9]
    yield "cut_inside.webp", whole[:4] + struct.pack("<I", len(whole) - 8 - 40) + whole[8:-40]
    yield "bad.webp", whole[:23] + b"\0\0\0" + whole[26:]


# ---- GIF --------------------------------------------------------------------------


def block(data):
    return bytes([len(data)]) + data


def gif(size, frames, colours=picture(1, 8), background=0, end=b";"):
    """frames: of (left, top, pixels, local palette or None, transparent or None); codes
    are cleared so often that each has 4 bits: 3 bits an index, as nobody else writes it."""
    def table(c):
        return c.reshape(-1, 3).tobytes()
    out = b"GIF89a" + struct.pack("<HH", *size)
    out += (bytes([0xF2, background, 0]) + table(colours) if colours is not None
            else bytes([0x70, background, 0]))
    for left, top, pixels, local, transparent in frames:
        if transparent is not None:
            out += b"!\xf9" + block(bytes([1, 0, 0, transparent])) + b"\0"
        out += b"," + struct.pack("<HHHHB", left, top, *pixels.shape[::-1],
                                  0x82 if local is not None else 0)
        out += table(local) if local is not None else b""
        codes = []
        for i, v in enumerate(pixels.ravel()):
            codes += ([8] if i % 6 == 0 else []) + [int(v)]
        bits = sum(c << (4 * i) for i, c in enumerate(codes + [9]))
        data = bits.to_bytes((len(codes) + 2) // 2, "little")
        out += b"\3" + b"".join(block(data[i:i + 255]) for i in range(0, len(data), 255))
        out += b"\0"
    return out + end


def gifs():
    small = picture(6, 7, 1)[:, :, 0] >> 5
    other = picture(3, 8).reshape(-1, 3)[8:16]
    for mode in ("1", "L", "P", "RGB"):
        yield "pillow_%s.gif" % mode.lower(), save(image(mode), "GIF")
    yield "pillow_interlaced.gif", save(image("P", 19, 11), "GIF", interlace=True)
    yield "pillow_animation.gif", save(image("P", 5, 6), "GIF", save_all=True,
                                       append_images=[image("L", 5, 6)])
    yield "netpbm.gif", netpbm("pamtogif", image("P", 9, 12).convert("RGB"))
    yield "netpbm_interlaced.gif", netpbm("pamtogif -interlace", image("L", 21, 9))
    yield "inside.gif", gif((12, 10), [(2, 3, small, None, None)], background=5)
    yield "inside_transparent.gif", gif((12, 10), [(2, 3, small, None, 6)])
    yield "outside.gif", gif((4, 4), [(2, 3, small, None, None)])
    yield "local_palette.gif", gif((7, 6), [(0, 0, small, other, None)])
    yield "no_palette.gif", gif((7, 6), [(0, 0, small, None, None)], None)
    yield "two_frames.gif", gif((7, 6), [(0, 0, small, None, None),
                                         (1, 1, small[:4], other, 3)])


def broken_gifs():
    small = picture(6, 7, 1)[:, :, 0] >> 5
    yield "no_end_mark.gif", gif((7, 6), [(0, 0, small, None, None)], end=b"")
    yield "few_pixels.gif", gif((7, 6), [(0, 0, small[:4], None, None)]).replace(
        struct.pack("<HHHH", 0, 0, 7, 4), struct.pack("<HHHH", 0, 0, 7, 6))
    yield "no_frame.gif", gif((7, 6), [])
    yield "bomb.gif", gif((13000, 13000), [(0, 0, small, None, None)])
    yield "giant.gif", gif((65535, 65535), [(0, 0, small, None, None)])


# ---- BMP --------------------------------------------------------------------------


def bmp(width, height, bits, rows, palette=b"", coding=0, masks=b"", colours=0, header=40):
    size = header + len(palette) + (len(masks) if header == 40 else 0)
    out = b"BM" + struct.pack("<IHHI", 14 + size + len(rows), 0, 0, 14 + size)
    if header == 12:
        return out + struct.pack("<IHHHH", 12, width, height, 1, bits) + palette + rows
    out += struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, coding, len(rows),
                       0, 0, colours, 0)
    return out + masks.ljust(header - 40, b"\0") + palette + rows


def bmp_rows(bits, width=7, height=5):
    stride = (width * bits + 31) // 32 * 4
    return picture(height, stride, 1)[:, :, 0].tobytes()


def masks(*m):
    return struct.pack("<%dI" % len(m), *m)


def bmps():
    colours = [bytes(c) + b"\0" for c in picture(1, 256)[0]]
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield "pillow_%s.bmp" % mode.lower(), save(image(mode, 5, 7), "BMP")
    for bits in (1, 4, 8):
        yield "netpbm_%d.bmp" % bits, netpbm(
            "ppmtobmp -bpp=%d" % bits, image("P", 6, 5).quantize(1 << min(bits, 4)).convert("RGB"))
        yield "palette_%d.bmp" % bits, bmp(7, 5, bits, bmp_rows(bits), b"".join(colours[:1 << bits]))
    yield "os2.bmp", bmp(7, 5, 4, bmp_rows(4), b"".join(c[:3] for c in colours[:16]), header=12)
    yield "top_down.bmp", bmp(7, -5, 24, bmp_rows(24))
    yield "16.bmp", bmp(7, 5, 16, bmp_rows(16))
    yield "555.bmp", bmp(7, 5, 16, bmp_rows(16), coding=3, masks=masks(0x7C00, 0x3E0, 0x1F))
    yield "565.bmp", bmp(7, 5, 16, bmp_rows(16), coding=3, masks=masks(0xF800, 0x7E0, 0x1F))
    yield "32.bmp", bmp(7, 5, 32, bmp_rows(32))
    yield "32_rgba.bmp", bmp(7, 5, 32, bmp_rows(32), coding=3, header=108,
                             masks=masks(0xFF, 0xFF00, 0xFF0000, 0xFF000000))
    yield "32_xbgr.bmp", bmp(7, 5, 32, bmp_rows(32), coding=3, header=124,
                             masks=masks(0xFF000000, 0xFF0000, 0xFF00, 0))


def broken_bmps():
    yield "cut.bmp", save(image("RGB", 5, 7), "BMP")[:-4]
    yield "runs.bmp", bmp(7, 5, 8, b"\0\1", bytes(1024), coding=1)
    yield "odd_masks.bmp", bmp(7, 5, 32, bmp_rows(32), coding=3,
                               masks=masks(0x3FF00000, 0xFFC00, 0x3FF))
    yield "beyond_palette.bmp", bmp(7, 5, 8, bmp_rows(8), bytes(20), colours=5)
    yield "giant.bmp", bmp(20000, 20000, 24, b"")


# ---- TIFF -------------------------------------------------------------------------


def tifftools(im, *commands):
    """Pillow's file after libtiff's tools; {} are the two files."""
    with tempfile.TemporaryDirectory() as d:
        a, b = os.path.join(d, "a.tif"), os.path.join(d, "b.tif")
        im.save(a)
        for c in commands:
            subprocess.run(c.format(a, b).split(), check=True, capture_output=True)
            os.replace(b, a) if os.path.exists(b) else None
        with open(a, "rb") as f:
            return f.read()


def tiffs():
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        im = (Image.fromarray(wide(9, 11, 1)[:, :, 0].astype(np.uint16)) if mode == "I;16"
              else image(mode))
        yield "pillow_%s.tif" % mode.lower().replace(";", ""), save(im, "TIFF")
    for kind in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield kind + ".tif", save(image("RGB", 21, 19), "TIFF", compression=kind)
    yield "group4.tif", save(image("1", 21, 19), "TIFF", compression="group4")
    yield "big_endian.tif", tifftools(image("L", 5, 7), "tiffcp -B {0} {1}")
    yield "big_endian_16.tif", tifftools(
        Image.fromarray(wide(9, 11, 1)[:, :, 0].astype(np.uint16)), "tiffcp -B {0} {1}")
    yield "tiles.tif", tifftools(image("RGB", 18, 20), "tiffcp -c zip -t -w 16 -l 16 {0} {1}")
    yield "strips_16.tif", tifftools(image("RGB", 9, 7), "tiffcp -c zip -r 2 {0} {1}")
    for k in range(2, 9):
        yield "turned_%d.tif" % k, save(image("RGB", 4, 6), "TIFF", tiffinfo={274: k})
    whole = bytearray(save(image("RGBA", 5, 7), "TIFF"))
    at = whole.index(struct.pack("<HHI", 338, 3, 1))  # extra samples: associated alpha
    whole[at + 8] = 1
    yield "multiplied.tif", bytes(whole)


def broken_tiffs():
    whole = save(image("RGB", 21, 19), "TIFF", compression="tiff_lzw")
    yield "cut.tif", whole[:len(whole) // 2]
    yield "cmyk.tif", save(image("CMYK", 4, 4), "TIFF")
    yield "float.tif", save(Image.new("F", (4, 4)), "TIFF")
    giant = bytearray(save(image("L", 4, 4), "TIFF"))
    for name in (256, 257):
        at = giant.index(struct.pack("<HHI", name, 3, 1)) if struct.pack("<HHI", name, 3, 1) in giant \
            else giant.index(struct.pack("<HHI", name, 4, 1))
        giant[at + 2:at + 12] = struct.pack("<HII", 4, 1, 20000)
    yield "giant.tif", bytes(giant)


# ---- all ----------------------------------------------------------------------------


def main():
    warnings.simplefilter("ignore")
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "golden.tsv"), "w") as golden:
        golden.write("# by tests/oracle/pictures.py, Pillow %s: convert('RGB'); sums of "
                     "the channels; sum of (i %% 251 + 1) * byte i\n" % Image.__version__)
        golden.write("file\theight\twidth\tr\tg\tb\tweighted\n")
        for name, data in [*pngs(), *webps(), *gifs(), *bmps(), *tiffs()]:
            with open(os.path.join(OUT, name), "wb") as f:
                f.write(data)
            a = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(np.int64)
            weight = np.arange(a.size) % 251 + 1
            row = [name, *a.shape[:2], *a.sum((0, 1)), (a.ravel() * weight).sum()]
            golden.write("\t".join(str(v) for v in row) + "\n")
    for name, data in [*broken_pngs(), *broken_webps(), *broken_gifs(), *broken_bmps(),
                       *broken_tiffs()]:
        with open(os.path.join(OUT, name), "wb") as f:
            f.write(data)


main()
