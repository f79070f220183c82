#!/usr/bin/python3
"""Writes tests/data/graph/NETWORK.txt: one tensor a line, `name d0 d1 ...`, in the order
of the network's state_dict, without num_batches_tracked.

usage: torchvision_names.py [SHARED_DATA]

vgg16, resnet*, squeezenet1_1: torchvision's models. cifar_resnet*: the state_dict of the
pretrained files of akamaster/pytorch_resnet_cifar10, without `module.`. mobilenet_v1: the
weight manifest of the TensorFlow.js model, layers in the order of its topology, without
conv_pw_13 and what follows, with our suffixes and PyTorch's order of dimensions.
resnet_small: the modules below. cifar_resnet* and mobilenet_v1 need SHARED_DATA (default
../shared/data beside the repository) and are left as they are without it.

Made with Debian 12's python3-torch 1.13.0a0 and python3-torchvision 0.14.1a0.
"""
import json
import os
import sys

import torch
import torch.nn as nn
import torchvision

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.path.join(ROOT, "tests", "data", "graph")
SHARED = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "..", "shared", "data")


def write(network, shapes):
    with open(os.path.join(OUT, network + ".txt"), "w") as f:
        for name, shape in shapes:
            if not name.endswith("num_batches_tracked"):
                print(name, *shape, file=f)


def of_state(state):
    return [(k.replace("module.", "", 1), tuple(v.shape)) for k, v in state.items()]


class Block(nn.Module):
    def __init__(self, cin, c, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, c, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        if stride != 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(cin, c, 1, stride, bias=False), nn.BatchNorm2d(c))


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(Block(16, 16, 1))
        self.layer2 = nn.Sequential(Block(16, 32, 2))
        self.layer3 = nn.Sequential(Block(32, 64, 2))
        self.fc = nn.Linear(64, 10)


def mobilenet(path):
    suffix = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean",
              "moving_variance": "running_var", "kernel": "weight",
              "depthwise_kernel": "weight"}
    model = json.load(open(path))
    topology = model["modelTopology"]
    layers = topology.get("model_config", topology)["config"]["layers"]
    rank = {l["config"]["name"]: i for i, l in enumerate(layers)}
    entries = [w for g in model["weightsManifest"] for w in g["weights"]]
    for entry in sorted(entries, key=lambda w: rank[w["name"].split("/")[0]]):
        layer, kind = entry["name"].split("/")
        if layer.startswith("conv_pw_13") or layer.startswith("conv_preds"):
            continue
        s = entry["shape"]
        if kind == "kernel":
            s = [s[3], s[2], s[0], s[1]]
        elif kind == "depthwise_kernel":
            s = [s[2], s[3], s[0], s[1]]
        yield layer + "." + suffix[kind], s


for net in ("vgg16", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
            "squeezenet1_1"):
    write(net, of_state(getattr(torchvision.models, net)().state_dict()))
write("resnet_small", of_state(Small().state_dict()))
if os.path.isdir(SHARED):
    weights = os.path.join(SHARED, "weights")
    for net, file in (("cifar_resnet20", "resnet20-12fca82f.th"),
                      ("cifar_resnet56", "resnet56-4bfd9763.th")):
        saved = torch.load(os.path.join(weights, "resnet_cifar10", file), map_location="cpu")
        write(net, of_state(saved["state_dict"]))
    write("mobilenet_v1", mobilenet(os.path.join(
        weights, "mobilenet_v1_1.0_224", "model.json")))
else:
    print("skip: %s is not here: cifar_resnet*, mobilenet_v1 not written" % SHARED)
