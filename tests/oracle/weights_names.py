#!/usr/bin/python3
"""Writes tests/data/weights/names: what torchvision and PyTorch's ONNX exporter call the
tensors of a network, a line each: name, type, shape. Run from the root of the repository.

The weights are random: equal ones (biases of zeros) would be written once, under one name.

Made with Debian 12's Python 3.11.2, torch 1.13.0a0, torchvision 0.14.1, onnx 1.12.0."""
import io
import os

import onnx
import torch
import torchvision

OUT = "tests/data/weights/names"


def network(name):
    torch.manual_seed(0)
    m = getattr(torchvision.models, name)(weights=None).eval()
    for p in m.parameters():
        p.data.normal_(0, 0.01)
    return m


def write(name, tensors):
    with open(f"{OUT}/{name}.txt", "w") as f:
        for tensor, kind, shape in tensors:
            f.write(" ".join([tensor, kind] + [str(d) for d in shape]) + "\n")


def state_dict(name):
    write(name, [(k, str(v.dtype).replace("torch.", ""), v.shape)
                 for k, v in network(name).state_dict().items()])


def exported(name):
    out = io.BytesIO()
    torch.onnx.export(network(name), torch.zeros(1, 3, 224, 224), out)
    graph = onnx.load_from_string(out.getvalue()).graph
    write(f"{name}_onnx",
          [(t.name, onnx.TensorProto.DataType.Name(t.data_type).lower().replace(
              "float", "float32"), t.dims) for t in graph.initializer])


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    exported("squeezenet1_1")
    state_dict("vgg16")
    state_dict("resnet18")
    state_dict("resnet34")
    state_dict("resnet50")
    state_dict("resnet101")
