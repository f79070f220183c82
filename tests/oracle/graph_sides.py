#!/usr/bin/python3
"""Writes tests/data/graph/sides.txt: `network side h h h`, the heights of the outputs of
NODES for small and odd input sides, or zeros where PyTorch refuses the side. Found by
running torchvision's models; made with Debian 12's torch 1.13.0a0, torchvision 0.14.1a0."""
import os

import torch
import torchvision

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NODES = {"squeezenet1_1": ("features.2", "features.5", "features.8"),
         "resnet18": ("maxpool", "layer2.0.conv1", "layer4.1.conv2"),
         "resnet50": ("maxpool", "layer2.0.conv2", "layer4.2.conv3")}
SIDES = [*range(12, 40), 63, 64, 65, 96, 127, 128, 225, 227, 256, 299]

with open(os.path.join(ROOT, "tests", "data", "graph", "sides.txt"), "w") as f:
    for net, nodes in NODES.items():
        model = getattr(torchvision.models, net)().eval()
        seen = {}
        for name, module in model.named_modules():
            if name in nodes:
                module.register_forward_hook(
                    lambda m, i, o, name=name: seen.update({name: o.shape[2]}))
        for side in SIDES:
            seen.clear()
            try:
                with torch.no_grad():
                    model(torch.zeros(1, 3, side, side))
            except RuntimeError:
                seen.clear()
            print(net, side, *[seen.get(node, 0) for node in nodes], file=f)
