#!/usr/bin/python3
"""Makes tests/data/matlab/downcast.mat: doubles stored as small integers, compressed, names
as full elements, as method.md 2.1 describes Flower102's files (Octave 7.3 never down-casts).
GNU Octave 7.3.0 loads it with the values below: run with `check` to see it.

matlab.py OUT.mat [check]     Python 3.11, zlib 1.2.13 (Debian 12)
"""
import struct
import subprocess
import sys
import zlib

VALUES = {  # name: (stored type, struct code, rows, values)
    "id": (4, "H", 1, [1, 300, 6149]),
    "labels": (2, "B", 1, [1, 2, 102]),
    "minus": (1, "b", 1, [-1, 5]),
    "less": (3, "h", 3, [-300, 5, 6]),
    "grid": (6, "I", 2, [1, 2, 70000, 4]),
}


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def matrix(name, kind, code, rows, values):
    return element(14, element(6, struct.pack("<II", 6, 0)) +
                   element(5, struct.pack("<ii", rows, len(values) // rows)) +
                   element(1, name.encode()) +
                   element(kind, struct.pack("<%d%s" % (len(values), code), *values)))


with open(sys.argv[1], "wb") as f:
    f.write(b"MATLAB 5.0 MAT-file, made by tests/oracle/matlab.py".ljust(124) + b"\0\1IM")
    for name, value in VALUES.items():
        packed = zlib.compress(matrix(name, *value))
        f.write(struct.pack("<II", 15, len(packed)) + packed)

if sys.argv[2:] == ["check"]:
    subprocess.run(["octave", "--norc", "-q", "--eval",
                    "load %s; id, labels, minus, less, grid, class(id)" % sys.argv[1]])
