#!/usr/bin/python3
"""Writes tests/data/jpeg/: tiny JPEG files, whole and broken, and golden.tsv with what
Pillow's convert("RGB") makes of the whole ones. Made with Pillow 9.4.0, numpy 1.24.2 and
libjpeg-turbo 2.1.5 (Debian 12); run again it writes the same bytes.

usage: /usr/bin/python3 tests/oracle/jpegs.py
"""
import io
import os

import numpy as np
from PIL import Image

OUT = os.path.join(os.path.dirname(__file__), "..", "data", "jpeg")


def picture(height, width, channels=3):
    """Waves and edges, by integers only: tests/worker/test_jpeg.c has the same formula."""
    y, x, c = np.ogrid[:height, :width, :channels]
    v = (x * (7 + c) + y * (5 - c) * 3 + (x * y >> 2) + 60 * c) % 256
    v = np.where((x // 8 + y // 6) % 2 == 0, v, 255 - v // 2)
    return v.astype(np.uint8)


def save(image, **options):
    f = io.BytesIO()
    image.save(f, "JPEG", **options)
    return f.getvalue()


def rgb(height, width, **options):
    return save(Image.fromarray(picture(height, width)), **options)


def segments(data):
    """[(marker, start, end)] of the segments before the first scan."""
    at, out = 2, []
    while data[at + 1] != 0xDA:
        n = 2 + int.from_bytes(data[at + 2:at + 4], "big")
        out.append((data[at + 1], at, at + n))
        at += n
    return out


def without(data, marker):
    for m, a, b in reversed(segments(data)):
        if m == marker:
            data = data[:a] + data[b:]
    return data


def adobe(data, transform):
    """The same scans under an Adobe marker with this transform, without JFIF."""
    data = without(without(data, 0xE0), 0xEE)
    mark = b"\xff\xee\x00\x0eAdobe\x00\x64\0\0\0\0" + bytes([transform])
    return data[:2] + mark + data[2:]


def many_scans(n):
    """A valid progressive file, then its first scan n times more, at full precision."""
    data = save(Image.fromarray(picture(8, 8, 1)[:, :, 0]), progressive=True)
    sos = data.index(b"\xff\xda")
    end = data.index(b"\xff", sos + 10)  # no stuffed byte in so short a scan
    scan = bytearray(data[sos:end])
    scan[9] = 0  # Ah = Al = 0: no warning about the order of scans
    tables = data[:sos][segments(data)[-1][1]:sos]
    return data[:-2] + tables + bytes(scan) * n + b"\xff\xd9"


def scans_apart(n):
    """Baseline, three components, each in a scan of its own; only the first n scans."""
    planes = [save(Image.fromarray(picture(20, 24)[:, :, c])) for c in range(3)]
    head = b"\xff\xd8"
    for m, a, b in segments(planes[0]):
        part = planes[0][a:b]
        if m == 0xC0:  # SOF0: 17 bytes, 3 components, 1x1 each, table 0
            part = b"\xff\xc0\0\x11" + part[4:9] + b"\3\1\x11\0\2\x11\0\3\x11\0"
        head += part
    for c, plane in enumerate(planes[:n]):
        at = plane.index(b"\xff\xda")
        head += plane[at:at + 5] + bytes([c + 1]) + plane[at + 6:-2]
    return head + b"\xff\xd9"


def files():
    cmyk = Image.fromarray(picture(20, 24, 4), "CMYK")
    plain = rgb(48, 64, quality=85)
    empty_png = io.BytesIO()
    Image.fromarray(picture(4, 4)).save(empty_png, "PNG")
    yield "gray.jpg", save(Image.fromarray(picture(30, 40, 1)[:, :, 0]))
    yield "cmyk.jpg", save(cmyk, quality=90)
    yield "cmyk_no_adobe.jpg", without(save(cmyk, quality=90), 0xEE)
    yield "ycck.jpg", adobe(save(cmyk, quality=90), 2)
    yield "rgb_adobe.jpg", adobe(rgb(20, 24, quality=95, subsampling=0), 0)
    yield "ycc_adobe.jpg", adobe(rgb(20, 24, quality=95, subsampling=0), 1)
    yield "adobe_odd.jpg", adobe(rgb(20, 24, subsampling=0), 9)
    yield "plain.jpg", plain
    yield "422.jpg", rgb(31, 45, subsampling=1)
    yield "progressive.jpg", rgb(48, 64, progressive=True)
    yield "progressive_444.jpg", rgb(21, 19, progressive=True, subsampling=0)
    yield "1x1.jpg", rgb(1, 1)
    yield "17x13.jpg", rgb(13, 17, quality=75)
    yield "exif_rotated.jpg", rotated(plain)
    yield "junk_before_marker.jpg", plain[:2] + plain[2:20] + b"\0\0\0" + plain[20:]
    yield "truncated.jpg", plain[:len(plain) * 6 // 10]
    yield "no_end_mark.jpg", plain[:-2]
    yield "cut_scan.jpg", plain[:len(plain) * 6 // 10] + b"\xff\xd9"
    yield "scans_apart.jpg", scans_apart(3)
    yield "scan_missing.jpg", scans_apart(2)
    yield "bad_code.jpg", broken(plain)
    yield "many_scans.jpg", many_scans(600)
    yield "some_scans.jpg", many_scans(6)
    yield "png.jpg", empty_png.getvalue()
    yield "empty.jpg", b""


def rotated(data):
    exif = Image.Exif()
    exif[0x112] = 6
    return save(Image.open(io.BytesIO(data)), exif=exif, quality=85)


def broken(data):
    """All-one bits in the middle of the scan are no Huffman code."""
    at = data.index(b"\xff\xda") + 200
    return data[:at] + b"\xfe\xff\x00\xff\x00\xff\x00\xff\x00" + data[at + 9:]


def main():
    os.makedirs(OUT, exist_ok=True)
    refused = {"truncated", "no_end_mark", "cut_scan", "scan_missing", "bad_code",
               "many_scans", "png", "empty"}
    with open(os.path.join(OUT, "golden.tsv"), "w") as golden:
        golden.write("# by tests/oracle/jpegs.py, Pillow %s: convert('RGB'); sums of the "
                     "channels; sum of (i %% 251 + 1) * byte i\n" % Image.__version__)
        golden.write("file\theight\twidth\tr\tg\tb\tweighted\n")
        for name, data in files():
            with open(os.path.join(OUT, name), "wb") as f:
                f.write(data)
            if name.split(".")[0] in refused:
                continue
            a = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(np.int64)
            weight = np.arange(a.size) % 251 + 1
            row = [name, *a.shape[:2], *a.sum((0, 1)), (a.ravel() * weight).sum()]
            golden.write("\t".join(str(v) for v in row) + "\n")


main()
