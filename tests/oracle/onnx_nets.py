#!/usr/bin/python3
"""Writes networks that ptrain does not know by name, as torch.onnx.export does.

usage: onnx_nets.py fixtures            tests/data/weights/graph_*.onnx and graph.tsv
       onnx_nets.py pair NETWORK       into the current directory: NETWORK.onnx, batch norm
           kept, for 64 x 64 pixels, and the same weights in NETWORK.pth
       onnx_nets.py NETWORK[:keep]...   into the current directory: a.png (256 x 256),
           NETWORK[_keep].onnx and .tsv: file, then class and probability of the five
           likeliest classes, by PyTorch. keep: batch norm is not folded

graph_gradients.tsv: for each parameter of the fixtures `kept` and `average` its gradient g, as the
sums over i of g[i] ((i * 37 % 101) / 50 - 1), of g[i] ((i * 53 % 97) / 48 - 1) and of g[i]^2. The
loss is the sum over i of logit i of the batch times ((i * 29 % 23) / 11 - 1); the batch is the
picture and its mirror images in x and in y, batch norm takes its statistics, nothing is dropped;
in double.

graph.tsv: the logits of the fixtures for the picture of 16 x 16 whose value at channel c,
row y, column x is ((c * 256 + y * 16 + x) * 37 % 101) / 50 - 1.

Debian 12's PyTorch 1.13.0, torchvision 0.14.1, onnx 1.12.0, Pillow 9.4."""
import copy
import sys
import warnings

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn
from torch.onnx import TrainingMode

OUT = "tests/data/weights"
warnings.filterwarnings("ignore")
torch.set_num_threads(1)


class Net(nn.Module):
    """All operators that the engine has: three branches, a sum, a shape that is reckoned."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU6())
        self.depth = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=8, bias=False),
                                   nn.BatchNorm2d(8), nn.ReLU())
        self.a, self.b, self.c = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 6, 3, padding=1), nn.Conv2d(8, 2, 1)
        self.pool, self.drop = nn.MaxPool2d(3, 2, ceil_mode=True), nn.Dropout()
        self.fc1, self.fc2 = nn.Linear(12 * 4 * 4, 10), nn.Linear(10, 7)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.depth(x)
        x = self.pool(torch.relu(torch.cat([self.a(x), self.b(x), self.c(x)], 1)))
        x = self.drop(torch.relu(self.fc1(x.view(x.size(0), -1))))
        return self.fc2(x)


class Mean(nn.Module):
    """A classifier that is a convolution, before the mean; MatMul's kind of linear layer."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 6, 3, bias=False), nn.BatchNorm2d(6)
        self.last = nn.Conv2d(6, 5, 1)

    def forward(self, x):
        x = torch.relu(self.last(torch.relu(self.norm(self.conv(x)))))
        return torch.softmax(x.mean([2, 3]), 1)


class Average(nn.Module):
    """Means over windows: halves, padding that counts and that does not, sizes rounded up."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 6, 3, padding=1), nn.Linear(6 * 2 * 2, 4)
        self.halves, self.last = nn.AvgPool2d(2), nn.AvgPool2d((3, 2), 2)
        self.counts = nn.AvgPool2d(3, 2, 1, ceil_mode=True)
        self.inside = nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False)

    def forward(self, x):
        x = self.halves(torch.relu(self.conv(x)))
        return self.fc(self.last(self.counts(x) + self.inside(x)).flatten(1))


def export(path, net, x, keep, **more):
    torch.manual_seed(3)
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.uniform_(m.bias, -0.2, 0.2)
            m.momentum = None
        if isinstance(m, (nn.Conv2d, nn.Linear)) and m.bias is not None:
            nn.init.uniform_(m.bias, -0.1, 0.1)
    with torch.no_grad():
        net.train()(torch.cat([x, x.flip(3), x.flip(2)]))
        y = net.eval()(x)[0]
    if keep:
        more |= dict(training=TrainingMode.PRESERVE, do_constant_folding=False)
    torch.onnx.export(net, x, path, input_names=["x"], **more)
    return y


def gradients(file, net, x):
    net = copy.deepcopy(net).double().train()
    for m in net.modules():
        if isinstance(m, nn.Dropout):
            m.p = 0
    x = x.double()
    y = net(torch.cat([x, x.flip(3), x.flip(2)])).flatten()
    weights = torch.arange(len(y)) * 29 % 23 / 11 - 1
    (y * weights).sum().backward()
    with open(f"{OUT}/graph_gradients.tsv", "a") as f:
        for name, p in net.named_parameters():
            g, i = p.grad.flatten(), torch.arange(p.numel())
            sums = (g * (i * 37 % 101 / 50 - 1)).sum(), (g * (i * 53 % 97 / 48 - 1)).sum(), (g * g).sum()
            print(file, name, *(f"{float(v):.9g}" for v in sums), sep="\t", file=f)


def fixtures():
    open(f"{OUT}/graph_gradients.tsv", "w").close()
    i = np.arange(768).reshape(1, 3, 16, 16)
    x = torch.from_numpy((i * 37 % 101 / 50 - 1).astype(np.float32))
    free = {"x": {0: "N"}}
    with open(f"{OUT}/graph.tsv", "w") as f:
        for name, net, keep, more in (("folded", Net(), False, dict(dynamic_axes=free)),
                                      ("kept", Net(), True, {}), ("mean", Mean(), True, {}),
                                      ("average", Average(), True, {})):
            y = export(f"{OUT}/graph_{name}.onnx", net, x, keep, **more)
            if name in ("kept", "average"):
                gradients(f"graph_{name}.onnx", net, x)
            y = y.log() if name == "mean" else y  # logits, but for a constant
            print(f"graph_{name}.onnx", *(f"{v:.7g}" for v in y.tolist()), sep="\t", file=f)


def network(what):
    name, _, keep = what.partition(":")
    more = dict(init_weights=False, aux_logits=False) if name == "googlenet" else {}
    t = torchvision.transforms
    view = t.Compose([t.Resize(256), t.CenterCrop(224), t.ToTensor(),
                      t.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
    x = view(Image.open("a.png"))[None]
    path = what.replace(":", "_")
    net = getattr(torchvision.models, name)(weights=None, num_classes=10, **more)
    y = export(f"{path}.onnx", net, x, keep, dynamic_axes={"x": {0: "N"}})
    p = y.softmax(0).topk(5)
    with open(f"{path}.tsv", "w") as f:
        print("a.png", *(f"{c}\t{v:.6f}" for c, v in zip(p.indices, p.values)), sep="\t", file=f)


def pair(name):
    net = getattr(torchvision.models, name)(weights=None, num_classes=10)
    export(f"{name}.onnx", net, torch.randn(4, 3, 64, 64)[:1], True)
    torch.save(net.state_dict(), f"{name}.pth")


if __name__ == "__main__":
    torch.manual_seed(1)
    if sys.argv[1:2] == ["pair"]:
        pair(sys.argv[2])
        sys.exit()
    if sys.argv[1:] == ["fixtures"]:
        fixtures()
        sys.exit()
    pixels = np.random.default_rng(5).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(pixels.repeat(16, 0).repeat(16, 1)).save("a.png")
    for each in sys.argv[1:]:
        network(each)
