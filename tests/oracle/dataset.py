#!/usr/bin/python3
"""The packed data set as h5py sees it.

dataset.py make OUT.h5     writes tests/data/dataset/tiny.h5 (h5py 3.7.0, numpy 1.24.2, Pillow
                           9.4.0, Debian 12): four JPEGs of 8 x (8 + i) pixels, two classes
dataset.py check FILE.h5   recomputes the checksum and prints the index, one fact per line
"""
import hashlib
import io
import sys

import h5py
import numpy as np


def checksum(f):
    h = hashlib.sha256(f["images/bytes"][:].tobytes())
    h.update(f["images/offset"][:].astype("<u8").tobytes())
    h.update(f["images/label"][:].astype("<i4").tobytes())
    for name in sorted(f["split"], key=str.encode):
        h.update(name.encode() + b"\0" + f["split"][name][:].astype("<u4").tobytes())
    if "pairs" in f:
        pairs = f["pairs"]
        h.update(pairs.attrs["of"].encode() + b"\0")
        for name, kind in ("target", "<u4"), ("begin", "<u8"), ("image", "<u4"):
            h.update(pairs[name][:].astype(kind).tobytes())
    return h.hexdigest()


TABLE = [0] * 256
for i in range(256):
    TABLE[i] = i
    for _ in range(8):
        TABLE[i] = TABLE[i] >> 1 ^ (0x82F63B78 if TABLE[i] & 1 else 0)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def index(f):
    """What index_crc32c covers."""
    def number(n):
        return int(n).to_bytes(8, "little")

    def text(t):
        return t.encode() + b"\0"

    names, classes = f["images/name"].asstr()[:], f["classes/name"].asstr()[:]
    parts = [number(len(names)), number(len(classes)), number(len(f["split"]))]
    for name, kind in (("offset", "<u8"), ("label", "<i4"), ("height", "<i4"),
                       ("width", "<i4"), ("crc32c", "<u4")):
        parts.append(f["images"][name][:].astype(kind).tobytes())
    parts += [text(t) for t in names] + [text(t) for t in classes]
    for name in sorted(f["split"], key=str.encode):
        images = f["split"][name][:]
        parts += [text(name), number(len(images)), images.astype("<u4").tobytes()]
    if "pairs" in f:
        pairs = f["pairs"]
        parts += [text(pairs.attrs["of"]), number(len(pairs["target"]))]
        for name, kind in ("target", "<u4"), ("begin", "<u8"), ("image", "<u4"):
            parts.append(pairs[name][:].astype(kind).tobytes())
    parts += [text(f.attrs[name]) for name in ("source", "licence", "checksum")]
    return b"".join(parts)


def sums_are_right(f):
    at, data = f["images/offset"][:], f["images/bytes"][:].tobytes()
    each = [crc32c(data[at[i]:at[i + 1]]) for i in range(len(at) - 1)]
    return each == list(f["images/crc32c"][:]) and crc32c(index(f)) == f.attrs["index_crc32c"]


def make(path):
    from PIL import Image

    files = []
    for i in range(4):
        out = io.BytesIO()
        Image.new("RGB", (8 + i, 8), (60 * i, 100, 200)).save(out, "JPEG", quality=50)
        files.append(out.getvalue())
    text = h5py.string_dtype()
    with h5py.File(path, "w") as f:
        f["images/bytes"] = np.frombuffer(b"".join(files), dtype="u1")
        f["images/offset"] = np.cumsum([0] + [len(b) for b in files]).astype("<u8")
        f["images/label"] = np.array([0, 1, 0, 1], dtype="<i4")
        f["images/height"] = np.full(4, 8, dtype="<i4")
        f["images/width"] = np.arange(8, 12, dtype="<i4")
        f.create_dataset("images/name", data=["a/%d.jpg" % i for i in range(4)], dtype=text)
        f.create_dataset("classes/name", data=["daisy", "g\u00e4nsebl\u00fcmchen"], dtype=text)
        f["split/train"] = np.array([3, 0], dtype="<u4")
        f["split/test"] = np.array([1, 2], dtype="<u4")
        f.attrs["format"] = "ptrain-data"
        f.attrs["format_version"] = 1
        f.attrs["source"] = "tests/oracle/dataset.py"
        f.attrs["licence"] = "none"
        f.attrs["checksum"] = checksum(f)


def check(path):
    with h5py.File(path, "r") as f:
        print("format", f.attrs["format"], f.attrs["format_version"])
        print("checksum", f.attrs["checksum"])
        print("checksum is", "right" if f.attrs["checksum"] == checksum(f) else "wrong")
        if "crc32c" in f["images"]:
            print("sums are", "right" if sums_are_right(f) else "wrong")
        print("layout", f["images/bytes"].dtype, f["images/bytes"].chunks)
        print("offset", f["images/offset"].dtype, *f["images/offset"][:])
        print("label", f["images/label"].dtype, *f["images/label"][:])
        print("size", *zip(f["images/height"][:], f["images/width"][:]))
        print("names", *f["images/name"].asstr()[:])
        print("classes", *f["classes/name"].asstr()[:])
        for name in f["split"]:
            print("split", name, f["split"][name].dtype, *f["split"][name][:])
        if "pairs" in f:
            pairs = f["pairs"]
            print("pairs of", pairs.attrs["of"], "target", *pairs["target"][:],
                  "begin", *pairs["begin"][:], "image", *pairs["image"][:])
        print("source", f.attrs["source"])


{"make": make, "check": check}[sys.argv[1]](sys.argv[2])
