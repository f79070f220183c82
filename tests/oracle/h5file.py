#!/usr/bin/python3
"""Makes tests/data/h5file/*.h5: what h5py writes that h5file.c must read or refuse.

Made with h5py 3.7.0 on HDF5 1.10.8 (Debian 12):  h5file.py OUTDIR
"""
import os
import sys

import h5py
import numpy as np

out = sys.argv[1]
os.makedirs(out, exist_ok=True)

with h5py.File(os.path.join(out, "foreign.h5"), "w", track_order=False) as f:
    # Attributes as Keras writes them: fixed-length bytes; variable-length in newer files.
    f.attrs["layer_names"] = np.array([b"conv1", b"fc"], dtype="S8")
    g = f.create_group("conv1")
    g.attrs.create("weight_names", ["conv1/kernel:0", "conv1/b\u00e9:0"],
                   dtype=h5py.string_dtype())
    f.create_dataset("conv1/conv1/kernel:0", data=np.arange(6, dtype="<f4").reshape(1, 2, 3))
    f.attrs["keras_version"] = "2.1.4"
    f.attrs["backend"] = np.bytes_(b"tensorflow")
    f.attrs["answer"] = np.int16(-42)
    f.attrs["mean"] = np.array([1.5, 2.5, 3.5])
    f.create_dataset("half", data=np.array([0.5, -2.0, 65504.0], dtype="<f2"))
    f.create_dataset("double", data=np.array([0.1, 1e300]))
    f.create_dataset("big", data=np.array([1.0, 2.0], dtype=">f4"))
    f.create_dataset("wide", data=np.array([1, -2, 2**40], dtype="<i8"))
    f.create_dataset("small", data=np.array([1, -2, 3], dtype="<i2"))
    f.create_dataset("packed", data=np.zeros(4096, dtype="<i4"), chunks=(4096,),
                     compression="gzip")
    f.create_dataset("scalar", data=np.float32(7))
    f.create_dataset("padded", data=np.array([b"ab", b"", b"abcd"], dtype="S4"))
    f.create_dataset("words", data=["one", "", "drei \u20ac"], dtype=h5py.string_dtype())
    f.create_dataset("bytes", data=np.arange(5, dtype="u1"))
    f.create_dataset("none", data=np.zeros((0, 3), dtype="<f4"))
    # Unallocated: 2^40 elements in a file of a few kilobytes.
    f.create_dataset("huge", shape=(2**40,), dtype="<f4", chunks=(1024,))
    f["outside"] = h5py.ExternalLink("other.h5", "/x")
    f["dangling"] = h5py.SoftLink("/nowhere")
    layout = h5py.VirtualLayout(shape=(4,), dtype="<f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(4,))
    f.create_virtual_dataset("virtual", layout)
    f.create_dataset("external", shape=(4,), dtype="u1", external=[("/etc/passwd", 0, 4)])

# Addresses of 4 bytes, which the format allows and h5py's own interface never makes.
plist = h5py.h5p.create(h5py.h5p.FILE_CREATE)
plist.set_sizes(4, 4)
name = os.path.join(out, "short.h5").encode()
with h5py.File(h5py.h5f.create(name, h5py.h5f.ACC_TRUNC, plist)) as f:
    f.create_dataset("words", data=["one", "", "drei \u20ac"], dtype=h5py.string_dtype())
