#!/usr/bin/python3
"""Writes tests/data/layers/conv.txt: what PyTorch 1.13.0 (Debian 12, CPU, double, rounded
to float) makes of convolutions, depthwise convolutions and linear layers, forward and
backward. Arrays are in our memory layouts: NHWC, [kh][kw][in][out], [in][out].

usage: /usr/bin/python3 tests/oracle/layers_conv.py
"""
import os

import torch
import torch.nn.functional as F

import pattern

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "data", "layers", "conv.txt")

# name: kind, n, h, w, c_in, c_out, kh, kw, stride, top, left, bottom, right
# (the same table, with the output sizes, is in test_kernel_goldens.c)
LAYERS = {
    "same": ("conv", 3, 4, 5, 3, 4, 3, 3, 1, 1, 1, 1, 1),
    "point": ("conv", 3, 3, 4, 5, 6, 1, 1, 1, 0, 0, 0, 0),
    "stride": ("conv", 3, 5, 6, 3, 5, 3, 3, 2, 0, 0, 1, 1),
    "first": ("conv", 1, 9, 8, 3, 5, 7, 7, 2, 3, 3, 3, 3),
    "odd": ("conv", 3, 5, 4, 2, 3, 2, 3, 1, 1, 0, 0, 2),
    "depth": ("depthwise", 3, 4, 5, 6, 6, 3, 3, 1, 1, 1, 1, 1),
    "depth2": ("depthwise", 3, 5, 6, 5, 5, 3, 3, 2, 0, 1, 1, 1),
    "linear": ("linear", 3, 1, 1, 19, 7, 1, 1, 1, 0, 0, 0, 0),
}


def values(stream, shape):
    """The pattern as a double tensor that wants its gradient."""
    v = torch.from_numpy(pattern.values(stream, int(torch.Size(shape).numel())))
    return v.double().reshape(shape).requires_grad_()


def layer(kind, n, h, w, c_in, c_out, kh, kw, stride, top, left, bottom, right):
    x = values(1, (n, h, w, c_in))
    groups = c_in if kind == "depthwise" else 1
    weight = values(2, (kh, kw, c_in // groups, c_out))
    bias = values(3, (c_out,))
    y = F.conv2d(F.pad(x.permute(0, 3, 1, 2), (left, right, top, bottom)),
                 weight.permute(3, 2, 0, 1), bias, stride, groups=groups)
    if kind == "linear":
        check = F.linear(x.reshape(n, c_in), weight.reshape(c_in, c_out).t(), bias)
        assert torch.allclose(check, y.reshape(n, c_out))
    y = y.permute(0, 2, 3, 1).contiguous()
    dy = values(4, tuple(y.shape)).detach()
    dx, dw, db = torch.autograd.grad(y, (x, weight, bias), dy)
    return {"y": y, "dx": dx, "dw": dw, "db": db}


with open(OUT, "w") as out:
    out.write("# made by tests/oracle/layers_conv.py, PyTorch %s\n" % torch.__version__)
    for name, spec in LAYERS.items():
        for what, array in layer(*spec).items():
            flat = array.detach().reshape(-1).tolist()
            text = " ".join("%.8g" % v for v in flat)
            out.write("%s_%s %d %s\n" % (name, what, len(flat), text))
