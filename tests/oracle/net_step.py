#!/usr/bin/python3
"""Writes tests/data/net/NETWORK.txt: logits, loss, all parameter gradients and running
statistics of one training step, and the logits in evaluation, by PyTorch 1.13.0 (Debian
12, CPU) in double precision, of the networks as their papers and the named programs
define them. Weights, images and labels are patterns that tests/support/net_case.c makes
alike. Of each tensor's gradient the file holds the Euclidean norm and eight projections
on vectors of signs: with a difference d, the mean square of projections of d is |d|^2.

A value that rounding moves across the kink of a ReLU (or past the maximum of a window)
changes a gradient by far more than rounding. So the images are the first pattern for
which no value lies within `margin` deviations of a kink, about ten times what float32
rounding moves it. MobileNet, with more values and more rounding, has biases that keep
most channels inside (0, 6), some well outside, and let one in sixteen cross zero.

usage: /usr/bin/python3 tests/oracle/net_step.py
"""
import os

import numpy as np
import torch
import torch.nn.functional as F

import pattern

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "data", "net")
IMAGES, CLASSES, PROJECTIONS, MOMENTUM = 6, 5, 8, 0.1


def fnv1a(name):
    """31 bits of a name: the salt of its tensor."""
    h = 0x811C9DC5
    for byte in name.encode():
        h = (h ^ byte) * 0x01000193 & 0xFFFFFFFF
    return h >> 1


def initial(name, shape):
    v = pattern.values(fnv1a(name), int(np.prod(shape)))
    if len(shape) > 1:
        fan_in, scale = int(np.prod(shape[1:])), 1.0
        while scale * scale * fan_in > 4:
            scale /= 2
        v = v * np.float32(scale)
    elif name.endswith("_bn.weight"):
        v = v * np.float32(0.0625) + np.float32(0.25)
    elif name.endswith("_bn.bias"):
        v[3::16], v[7::16], v[11::16] = -5.875, -12, 12  # across zero, below, above
        v = v * np.float32(0.5) + np.float32(3)
    elif name.endswith("running_var"):
        v = v * np.float32(0.5) + np.float32(1)
    elif name.endswith("weight"):
        v = v * np.float32(0.25) + np.float32(1)
    else:
        v = v * np.float32(0.25)
    return torch.from_numpy(v.reshape(shape)).double()


class Net:
    """Tensors by name, made when a layer first asks for them."""

    def __init__(self, eps):
        self.eps, self.params, self.running, self.train = eps, {}, {}, True
        self.margin = 1.0  # smallest distance from a kink so far, in deviations

    def away(self, distance, x):
        self.margin = min(self.margin, (distance.abs().min() / x.std()).item())

    def relu(self, x):
        self.away(x.detach(), x)
        return F.relu(x)

    def relu6(self, x):
        self.away(torch.minimum(x.abs(), (x - 6).abs()).detach(), x)
        return F.relu6(x)

    def max_pool(self, x):
        with torch.no_grad():  # -1 pads what the last windows lack: x is >= 0
            h = x.shape[2]
            extra = (-(-(h - 3) // 2)) * 2 + 3 - h
            v = F.unfold(F.pad(x, (0, extra, 0, extra), value=-1.0), 3, stride=2)
            v = v.view(x.shape[0], x.shape[1], 9, -1).topk(2, 2).values
            gap = v[:, :, 0] - v[:, :, 1]
            self.away(gap[v[:, :, 0] > 0], x)
        return F.max_pool2d(x, 3, 2, ceil_mode=True)

    def param(self, name, *shape):
        if name not in self.params:
            self.params[name] = initial(name, shape).requires_grad_()
        return self.params[name]

    def stat(self, name, *shape):
        return self.running.setdefault(name, initial(name, shape))

    def conv(self, x, name, c, k, stride=1, pad=0, bias=False, groups=1):
        w = self.param(name + ".weight", c, x.shape[1] // groups, k, k)
        b = self.param(name + ".bias", c) if bias else None
        return F.conv2d(x, w, b, stride, pad, 1, groups)

    def norm(self, x, name):
        c = x.shape[1]
        return F.batch_norm(x, self.stat(name + ".running_mean", c),
                            self.stat(name + ".running_var", c),
                            self.param(name + ".weight", c), self.param(name + ".bias", c),
                            self.train, MOMENTUM, self.eps)

    def head(self, x, name):
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return F.linear(x, self.param(name + ".weight", CLASSES, x.shape[1]),
                        self.param(name + ".bias", CLASSES))


def cifar(net, x, blocks, projection, head):
    x = net.relu(net.norm(net.conv(x, "conv1", 16, 3, 1, 1), "bn1"))
    for stage in (1, 2, 3):
        for block in range(blocks):
            at, c = "layer%d.%d." % (stage, block), 8 << stage
            stride = 2 if stage > 1 and block == 0 else 1
            y = net.relu(net.norm(net.conv(x, at + "conv1", c, 3, stride, 1), at + "bn1"))
            y = net.norm(net.conv(y, at + "conv2", c, 3, 1, 1), at + "bn2")
            if stride == 2 and projection:
                x = net.norm(net.conv(x, at + "downsample.0", c, 1, 2), at + "downsample.1")
            elif stride == 2:
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, c // 4, c // 4))
            x = net.relu(x + y)
    return net.head(x, head)


def squeezenet(net, x):
    def fire(x, at, squeeze, expand):
        x = net.relu(net.conv(x, at + ".squeeze", squeeze, 1, bias=True))
        a = net.relu(net.conv(x, at + ".expand1x1", expand, 1, bias=True))
        b = net.relu(net.conv(x, at + ".expand3x3", expand, 3, 1, 1, bias=True))
        return torch.cat([a, b], 1)

    x = net.relu(net.conv(x, "features.0", 64, 3, 2, bias=True))
    sizes = {3: (16, 64), 4: (16, 64), 6: (32, 128), 7: (32, 128), 9: (48, 192),
             10: (48, 192), 11: (64, 256), 12: (64, 256)}
    for i in range(2, 13):
        if i in (2, 5, 8):
            x = net.max_pool(x)
        else:
            x = fire(x, "features.%d" % i, *sizes[i])
    return net.head(x, "head")


def same(x, k, stride):
    """TensorFlow's padding: an odd pixel goes after."""
    pads = []
    for size in (x.shape[3], x.shape[2]):
        pad = max((-(-size // stride) - 1) * stride + k - size, 0)
        pads += [pad // 2, pad - pad // 2]
    return F.pad(x, pads)


def mobilenet(net, x):
    x = net.relu6(net.norm(net.conv(same(x, 3, 2), "conv1", 32, 3, 2), "conv1_bn"))
    channels = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024]
    for i in range(1, 14):
        dw, pw = "conv_dw_%d" % i, "conv_pw_%d" % i
        stride = 2 if i in (2, 4, 6, 12) else 1
        x = net.conv(same(x, 3, stride), dw, x.shape[1], 3, stride, groups=x.shape[1])
        x = net.relu6(net.norm(x, dw + "_bn"))
        if i < 13:
            x = net.relu6(net.norm(net.conv(x, pw, channels[i - 1], 1), pw + "_bn"))
    return net.head(x, "head")


NETWORKS = {
    # side, eps, margin
    "resnet_small": (32, 1e-5, 2e-6, lambda net, x: cifar(net, x, 1, True, "fc")),
    "cifar_resnet20": (32, 1e-5, 2e-6, lambda net, x: cifar(net, x, 3, False, "linear")),
    "squeezenet1_1": (64, 0.0, 2e-6, squeezenet),
    "mobilenet_v1": (64, 1e-3, 2e-6, mobilenet),
}


def summary(tensor):
    v = tensor.detach().numpy().reshape(-1)
    signs = [np.where(pattern.values(k + 1, v.size) < 0, -1.0, 1.0)
             for k in range(PROJECTIONS)]
    return [np.sqrt((v * v).sum())] + [(s * v).sum() for s in signs]


def images(salt, side):
    return torch.from_numpy(pattern.nhwc(salt, (IMAGES, side, side, 3))).double()


def choose_images(forward, side, eps, margin):
    """The salt of the first images that keep away from the kinks."""
    for salt in range(9, 300):
        net = Net(eps)
        with torch.no_grad():
            forward(net, images(salt, side))
        if net.margin > margin:
            return salt, net.margin
    raise SystemExit("no images keep away from the kinks")


def main():
    for name, (side, eps, margin, forward) in NETWORKS.items():
        salt, margin = choose_images(forward, side, eps, margin)
        net, x = Net(eps), images(salt, side)
        labels = torch.tensor([2 * i % CLASSES for i in range(IMAGES)])
        out = pattern.Golden(os.path.join(OUT, name + ".txt"), [
            "made by tests/oracle/net_step.py, PyTorch %s, double" % torch.__version__])
        net.train = False
        out.add("salt", [salt])
        out.add("evaluated", forward(net, x).detach().numpy())
        net.train = True
        logits = forward(net, x)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        out.add("logits", logits.detach().numpy())
        out.add("loss", [loss.item()])
        for key, value in net.params.items():
            out.add(key, summary(value.grad))
        for key, value in net.running.items():
            out.add(key, summary(value))
        out.write()
        print(name, "salt", salt, "margin", margin, "loss", loss.item(), "spread",
              logits.std().item(), "smallest gradient",
              min(p.grad.norm().item() for p in net.params.values()))


if __name__ == "__main__":
    main()
