#!/usr/bin/python3
"""Writes tests/data/net/frozen.txt: of small images and networks whose batch norm uses its
running statistics (frozen), the logits, the gradient at the images and, for one network,
at all parameters, by PyTorch 1.13.0 (Debian 12, CPU) in double precision. Weights, images,
labels and the summaries of gradients are those of net_step.py; so are the networks, and
here are those that it lacks: ResNet-50 with its stride at either convolution, SqueezeNet
with its own head.

usage: /usr/bin/python3 tests/oracle/small_nets.py
"""
import os

import torch
import torch.nn.functional as F

import net_step
import pattern

MARGIN = 2e-6


class Frozen(net_step.Net):
    """Running statistics. The gamma of MobileNet is four times as large: nothing restores
    the deviation of its values here, and a quarter at each of 27 layers leaves none."""

    def __init__(self, eps):
        super().__init__(eps)
        self.train = False

    def param(self, name, *shape):
        new = name not in self.params
        p = super().param(name, *shape)
        if new and name.endswith("_bn.weight"):
            p.data *= 4
        return p


def bottleneck(net, x, at, width, stride, at_conv1, first):
    s1, s2 = (stride, 1) if at_conv1 else (1, stride)
    y = net.relu(net.norm(net.conv(x, at + "conv1", width, 1, s1), at + "bn1"))
    y = net.relu(net.norm(net.conv(y, at + "conv2", width, 3, s2, 1), at + "bn2"))
    y = net.norm(net.conv(y, at + "conv3", 4 * width, 1), at + "bn3")
    if first:
        x = net.conv(x, at + "downsample.0", 4 * width, 1, stride)
        x = net.norm(x, at + "downsample.1")
    return net.relu(x + y)


def resnet50(net, x, at_conv1):
    x = net.relu(net.norm(net.conv(x, "conv1", 64, 7, 2, 3), "bn1"))
    # Padding of one pixel: zeros never win after a ReLU; at the far end no window of an
    # even map reaches them.
    x = net.max_pool(F.pad(x, (1, 0, 1, 0)))
    for stage, blocks in enumerate((3, 4, 6, 3)):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            x = bottleneck(net, x, "layer%d.%d." % (stage + 1, block), 64 << stage, stride,
                           at_conv1, block == 0)
    return net.head(x, "fc")


def squeezenet_own_head(net, x):
    """classifier.1 on the last map, ReLU, global average."""
    net.head = lambda x, name: x  # leave the map
    x = net_step.squeezenet(net, x)
    x = net.relu(net.conv(x, "classifier.1", net_step.CLASSES, 1, bias=True))
    return x.mean((2, 3))


KNOWN = net_step.NETWORKS
CASES = {
    # images, side, eps, network
    "resnet_small": (6, 32, 1e-5, KNOWN["resnet_small"][-1]),
    "cifar_resnet20": (6, 32, 1e-5, KNOWN["cifar_resnet20"][-1]),
    "mobilenet_v1": (2, 32, 1e-3, KNOWN["mobilenet_v1"][-1]),
    "squeezenet1_1": (6, 64, 0.0, KNOWN["squeezenet1_1"][-1]),
    "squeezenet1_1.own_head": (6, 64, 0.0, squeezenet_own_head),
    "resnet50.conv2": (2, 48, 1e-5, lambda net, x: resnet50(net, x, False)),
    "resnet50.conv1": (2, 48, 1e-5, lambda net, x: resnet50(net, x, True)),
}


def choose_images(n, side, eps, forward):
    """The first images that keep away from the kinks, and their salt."""
    for salt in range(9, 100):
        x = torch.from_numpy(pattern.nhwc(salt, (n, side, side, 3))).double()
        net = Frozen(eps)
        with torch.no_grad():
            forward(net, x)
        if net.margin > MARGIN:
            return salt, x
    raise SystemExit("no images keep away from the kinks")


def main():
    out = pattern.Golden(os.path.join(net_step.OUT, "frozen.txt"), [
        "made by tests/oracle/small_nets.py, PyTorch %s, double" % torch.__version__])
    for name, (n, side, eps, forward) in CASES.items():
        salt, x = choose_images(n, side, eps, forward)
        net = Frozen(eps)
        logits = forward(net, x.requires_grad_())
        labels = torch.tensor([2 * i % net_step.CLASSES for i in range(n)])
        F.cross_entropy(logits, labels).backward()
        out.add(name + ".salt", [salt])
        out.add(name + ".logits", logits.detach().numpy())
        out.add(name + ".input", net_step.summary(x.grad.permute(0, 2, 3, 1)))
        if name == "resnet_small":
            for key, value in net.params.items():
                out.add(name + "." + key, net_step.summary(value.grad))
        print(name, "salt", salt, "spread", logits.std().item(), "input gradient",
              x.grad.norm().item(), flush=True)
    out.write()


if __name__ == "__main__":
    main()
