#!/usr/bin/python3
"""Prints the two pictures of worker/input/fingerprint.c as C, and the CRC-32C of the pixels
that Pillow's convert("RGB") makes of them, for worker/input/fingerprint.h. Run with
Pillow 9.4.0 (Debian 12: python3-pil), libjpeg-turbo 2.1.5, libwebp 1.2.4.

usage: /usr/bin/python3 tests/oracle/fingerprint.py
"""
import io

from PIL import Image

WIDTH, HEIGHT = 17, 13  # no whole number of blocks


def picture():
    """Slopes and noise in all channels, by integers only."""
    state, pixels = 1, []
    for y in range(HEIGHT):
        for x in range(WIDTH):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            noise = (state >> 16) & 63
            pixels.append(((x * 12 + noise) & 255, (y * 14 + noise) & 255, (x * 7 ^ y * 9) & 255))
    image = Image.new("RGB", (WIDTH, HEIGHT))
    image.putdata(pixels)
    return image


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


crc = 0
for name, how in (("jpeg", dict(format="JPEG", quality=40, progressive=True, subsampling=2)),
                  ("webp", dict(format="WEBP", quality=20, method=6))):
    file = io.BytesIO()
    picture().save(file, **how)
    data = file.getvalue()
    print("static const uint8_t %s[] = {%s};" % (name, ", ".join("0x%02x" % b for b in data)))
    crc = crc32c(Image.open(io.BytesIO(data)).convert("RGB").tobytes(), crc)
print("0x%08x" % crc)
