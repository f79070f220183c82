#!/usr/bin/python3
"""Prints the weight hash of resnet_small with made-up values, for
tests/data/graph/resnet_small.sha256: SHA-256 over parameters, then running statistics, in
graph order, as little-endian float32 in file layout. Value i of tensor t (counted in that
order) is ((i * 2654435761 + t * 97) mod 1000) / 1000 - 0.5. Made with Debian 12's
python3-numpy 1.24.2; shapes from resnet_small.txt (torchvision_names.py)."""
import hashlib
import os

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
lines = [l.split() for l in open(os.path.join(ROOT, "tests/data/graph/resnet_small.txt"))]
lines.sort(key=lambda l: ".running_" in l[0])  # stable: parameters first
digest = hashlib.sha256()
for t, (name, *dims) in enumerate(lines):
    i = np.arange(np.prod([int(d) for d in dims]), dtype=np.uint64)
    v = ((i * np.uint64(2654435761) + np.uint64(t * 97)) % np.uint64(1000)) / 1000 - 0.5
    digest.update(v.astype("<f4").tobytes())
print(digest.hexdigest())
