#!/usr/bin/python3
"""Writes tests/data/layers/simple.txt: what PyTorch 1.13.0 (Debian 12, CPU, one thread)
makes of batch norm, ReLU6, max pooling, the global average and averages over a grid, forward and backward.

usage: /usr/bin/python3 tests/oracle/layers_simple.py
"""
import os

import torch
import torch.nn.functional as F

import pattern

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "data", "layers", "simple.txt")

# name: n, h, w, c, kernel, stride, padding, ceil (the same table is in test_pool2d.c)
POOLS = {
    "floor": (2, 7, 6, 5, 3, 2, 0, False),
    "ceil": (2, 8, 6, 5, 3, 2, 0, True),
    "pad": (1, 7, 9, 67, 3, 2, 1, False),
    "ceil_pad": (1, 6, 7, 3, 2, 3, 1, True),
    "even": (1, 4, 4, 64, 2, 2, 0, False),
}

# name: n, h, w, c, size of the output (the same table is in test_adaptive_pool.c)
ADAPTIVE = {
    "smaller": (2, 10, 9, 5, (7, 7)),
    "twice": (1, 14, 14, 3, (7, 7)),
    "larger": (2, 3, 5, 66, (7, 7)),
    "one": (1, 1, 1, 3, (7, 7)),
    "odd": (1, 11, 5, 2, (3, 4)),
    "same": (1, 7, 7, 4, (7, 7)),
}

# name: n, h, w, c, window, stride, padding, rounded up, padding counts (test_avg_pool.c)
AVERAGE = {
    "halves": (1, 8, 6, 3, (2, 2), 2, 0, False, True),
    "padded": (2, 7, 9, 5, (3, 3), 1, 1, False, True),
    "inside": (2, 7, 9, 66, (3, 3), 1, 1, False, False),
    "up": (1, 7, 6, 4, (3, 3), 2, 1, True, True),
    "up_inside": (1, 8, 7, 4, (3, 3), 2, 1, True, False),
    "wide": (1, 9, 11, 2, (3, 5), 3, (1, 2), True, True),
    "beyond": (1, 5, 5, 3, (2, 2), 3, 0, True, True),
}


def back(y, dy, *inputs):
    return torch.autograd.grad(y, inputs, torch.from_numpy(dy))


def batch_norm(out):
    n, h, w, c, eps = 5, 3, 4, 7, 1e-3
    x = torch.from_numpy(3 * pattern.nhwc(1, (n, h, w, c)) + 2).requires_grad_()
    gamma = torch.from_numpy(pattern.values(2, c) + 1.5).requires_grad_()
    beta = torch.from_numpy(pattern.values(3, c)).requires_grad_()
    dy = pattern.nhwc(4, (n, h, w, c))
    mean = torch.from_numpy(pattern.values(5, c))
    var = torch.from_numpy(pattern.values(6, c) + 1.25)
    for name, act in (("plain", lambda z: z), ("relu", F.relu)):
        m, v = mean.clone(), var.clone()
        y = act(F.batch_norm(x, m, v, gamma, beta, True, 0.1, eps))
        dx, dgamma, dbeta = back(y, dy, x, gamma, beta)
        for key, value in (("y", y), ("dx", dx), ("dgamma", dgamma), ("dbeta", dbeta)):
            out.add("bn_%s_%s" % (name, key), value.detach().numpy())
    out.add("bn_mean", m.numpy())
    out.add("bn_var", v.numpy())
    y = F.batch_norm(x, mean, var, gamma, beta, False, 0.1, eps)
    dx, dgamma, dbeta = back(y, dy, x, gamma, beta)
    for key, value in (("y", y), ("dx", dx), ("dgamma", dgamma), ("dbeta", dbeta)):
        out.add("bn_eval_" + key, value.detach().numpy())


def pools(out):
    for k, (name, (n, h, w, c, size, stride, pad, ceil)) in enumerate(POOLS.items()):
        v = pattern.nhwc(20 + k, (n, h, w, c))
        x = torch.from_numpy(v * 8).round().div(4)  # many equal values
        x.requires_grad_()
        y = F.max_pool2d(x, size, stride, pad, ceil_mode=ceil)
        dy = pattern.nhwc(40 + k, (n, y.shape[2], y.shape[3], c))
        out.add("max_%s_size" % name, y.shape[2:])
        out.add("max_%s_y" % name, y.detach().numpy())
        out.add("max_%s_dx" % name, back(y, dy, x)[0].numpy())


def adaptive(out):
    for k, (name, (n, h, w, c, to)) in enumerate(ADAPTIVE.items()):
        x = torch.from_numpy(pattern.nhwc(60 + k, (n, h, w, c))).requires_grad_()
        y = F.adaptive_avg_pool2d(x, to)
        out.add("adaptive_%s_y" % name, y.detach().numpy())
        out.add("adaptive_%s_dx" % name, back(y, pattern.nhwc(80 + k, (n, *to, c)), x)[0].numpy())


def average(out):
    for k, (name, (n, h, w, c, size, stride, pad, up, counts)) in enumerate(AVERAGE.items()):
        x = torch.from_numpy(pattern.nhwc(100 + k, (n, h, w, c))).requires_grad_()
        y = F.avg_pool2d(x, size, stride, pad, up, counts)
        out.add("average_%s_y" % name, y.detach().numpy())
        dy = pattern.nhwc(120 + k, (n, y.shape[2], y.shape[3], c))
        out.add("average_%s_dx" % name, back(y, dy, x)[0].numpy())


def main():
    torch.set_num_threads(1)
    out = pattern.Golden(OUT, ["made by tests/oracle/layers_simple.py, PyTorch %s"
                               % torch.__version__])
    batch_norm(out)
    x = torch.from_numpy(10 * pattern.values(10, 100)).requires_grad_()
    y = F.relu6(x)
    out.add("relu6_y", y.detach().numpy())
    out.add("relu6_dx", back(y, pattern.values(11, 100), x)[0].numpy())
    pools(out)
    x = torch.from_numpy(pattern.nhwc(12, (2, 7, 5, 70))).requires_grad_()
    y = F.adaptive_avg_pool2d(x, 1)
    out.add("avg_y", y.detach().numpy())
    adaptive(out)
    average(out)
    out.write()


if __name__ == "__main__":
    main()
