"""Trained networks and labelled pictures of ../shared/data, for gradient_accuracy.py.

squeezenet1_1   SqueezeNet 1.1 as torchvision's module, weights of SqueezeNet_fp16.onnx;
                pictures of imagenet_sample, 256 x 256, cropped to 224, BGR less its mean
cifar_resnet56  akamaster's ResNet-56 of CIFAR-10; pictures of cifar10_sample

ImageNet's ResNet-50 and VGG-16 are not among the data.
"""
import os

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from torch import nn

DATA = os.environ.get("PTRAIN_SHARED") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../../../shared")
MEAN_BGR = (104.0, 117.0, 123.0)
CIFAR_MEAN, CIFAR_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def data(*path):
    return os.path.join(DATA, "data", *path)


class Block(nn.Module):
    """Shortcuts without weights: every second pixel, zeros for the new channels."""

    def __init__(self, c_in, c, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.relu, self.stride, self.pad = nn.ReLU(), stride, (c - c_in) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        x = F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.pad, self.pad))
        return self.relu(y + x)


class CifarResNet(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.relu, c_in = nn.ReLU(), 16
        for stage, c in enumerate((16, 32, 64)):
            layers = []
            for i in range(blocks):
                layers.append(Block(c_in, c, 2 if stage > 0 and i == 0 else 1))
                c_in = c
            setattr(self, "layer%d" % (stage + 1), nn.Sequential(*layers))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def squeezenet1_1():
    import onnx
    import onnx.numpy_helper

    net = torchvision.models.squeezenet1_1()
    graph = onnx.load(data("weights/squeezenet1.1/SqueezeNet_fp16.onnx")).graph
    tensors = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    layers = [n for n in graph.node if n.op_type == "Conv"]  # in the module's order
    for conv, n in zip((m for m in net.modules() if isinstance(m, nn.Conv2d)), layers):
        for p, name in ((conv.weight, n.input[1]), (conv.bias, n.input[2])):
            p.data = torch.from_numpy(tensors[name].astype("<f4")).reshape(p.shape)
    return net


def cifar_resnet56():
    net = CifarResNet(9)
    state = torch.load(data("weights/resnet_cifar10/resnet56-4bfd9763.th"),
                       map_location="cpu")["state_dict"]
    net.load_state_dict({k[len("module."):]: v for k, v in state.items()})
    return net


def imagenet_pictures():
    """[(file, label)]"""
    with open(data("imagenet_sample/expected_squeezenet.tsv")) as f:
        rows = [line.split("\t") for line in f][1:]
    return [(data("imagenet_sample/images", r[0]), int(r[1])) for r in rows]


def cifar_pictures():
    with open(data("cifar10_sample/test.txt")) as f:
        rows = [line.split() for line in f]
    return [(data("cifar10_sample", r[0]), int(r[1])) for r in rows]


def imagenet_pixels(path):
    im = Image.open(path).convert("RGB").resize((256, 256), Image.BILINEAR)
    return np.asarray(im, "<f4")[16:240, 16:240, ::-1] - np.array(MEAN_BGR, "<f4")


def cifar_pixels(path):
    x = np.asarray(Image.open(path).convert("RGB"), "<f4") / 255
    return (x - np.array(CIFAR_MEAN, "<f4")) / np.array(CIFAR_STD, "<f4")


NETWORKS = {  # the network, its pictures, their pixels, side, classes
    "squeezenet1_1": (squeezenet1_1, imagenet_pictures, imagenet_pixels, 224, 1000),
    "cifar_resnet56": (cifar_resnet56, cifar_pictures, cifar_pixels, 32, 10),
}


def build(network):
    net = NETWORKS[network][0]().train()
    for m in net.modules():
        if isinstance(m, nn.Dropout):
            m.p = 0.0
    return net


def draw(network, seed, n):
    """n pictures [n][3][side][side] and their labels."""
    _, pictures, pixels, _, _ = NETWORKS[network]
    rows = pictures()
    chosen = [rows[i] for i in np.random.RandomState(seed).choice(len(rows), n, False)]
    x = np.stack([pixels(path) for path, _ in chosen])
    return (torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(),
            torch.tensor([label for _, label in chosen]))
