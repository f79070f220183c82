#!/usr/bin/python3
"""Prints the constants of tests/common/test_weights_real.c: for every real file in
../shared/data/weights the number of values and the SHA-256 of the tensors in PyTorch's
layout and order (parameters, then running statistics), as read by the libraries of the
formats. Order and names come from torchvision's own SqueezeNet and from the files; nothing
of ptrain is used.

Run with Debian 12's Python 3.11.2, numpy 1.24.2, torch 1.13.0a0, torchvision 0.14.1,
onnx 1.12.0, h5py 3.7.0."""
import hashlib
import json
import sys

import h5py
import numpy as np
import onnx
import onnx.numpy_helper
import torch
import torchvision

ROOT = sys.argv[1] if len(sys.argv) > 1 else "../shared/data/weights"


def show(what, arrays):
    h, n = hashlib.sha256(), 0
    for a in arrays:
        a = np.ascontiguousarray(a, dtype="<f4")
        h.update(a.tobytes())
        n += a.size
    print(f"{what:40} {n:9} {h.hexdigest()}")


def squeezenet_names():
    """(torchvision's name, Caffe's layer, 'weight' or 'bias') in torchvision's order."""
    fire = {3: 2, 4: 3, 6: 4, 7: 5, 9: 6, 10: 7, 11: 8, 12: 9}
    part = {"squeeze": "squeeze1x1", "expand1x1": "expand1x1", "expand3x3": "expand3x3"}
    for name, p in torchvision.models.squeezenet1_1().named_parameters():
        w = name.split(".")
        if name.startswith("features.0."):
            layer = "conv1"
        elif name.startswith("classifier.1."):
            layer = "conv10"
        else:
            layer = f"fire{fire[int(w[1])]}/{part[w[2]]}"
        yield name, layer, w[-1], tuple(p.shape)


def squeezenet():
    model = onnx.load(f"{ROOT}/squeezenet1.1/SqueezeNet_fp16.onnx")
    init = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    f = h5py.File(f"{ROOT}/squeezenet1.1/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5")
    whole, trunk, keras, some = [], [], [], {}
    for name, layer, role, shape in squeezenet_names():
        a = init[f"{layer}_{role[0]}_0"]
        assert a.shape == shape and a.dtype == np.float16
        whole.append(a)
        some[name] = a
        if layer == "conv10":
            continue
        trunk.append(a)
        names = [w.decode() for w in f[layer].attrs["weight_names"]]
        k = f[layer][names[0 if role == "weight" else 1]][...]
        k = k.transpose(3, 2, 0, 1) if role == "weight" else k
        assert np.array_equal(k.astype(np.float16), a)
        keras.append(k)
    show("squeezenet onnx", whole)
    show("squeezenet onnx without the head", trunk)
    show("squeezenet keras", keras)
    show("features.3.expand3x3.weight (onnx)", [some["features.3.expand3x3.weight"]])


def mobilenet():
    d = f"{ROOT}/mobilenet_v1_1.0_224"
    table = {}
    for g in json.load(open(f"{d}/model.json"))["weightsManifest"]:
        try:
            data = b"".join(open(f"{d}/{p}", "rb").read() for p in g["paths"])
        except FileNotFoundError:
            continue
        for w in g["weights"]:
            n = int(np.prod(w["shape"]))
            table[w["name"]] = np.frombuffer(data[:4 * n], "<f4").reshape(w["shape"])
            data = data[4 * n:]
        assert not data
    layers = ["conv1"]
    for i in range(1, 14):
        layers += [f"conv_dw_{i}"] + ([f"conv_pw_{i}"] if i < 13 else [])
    params, running = [], []
    for layer in layers:
        if "dw" in layer:  # h, w, c, 1 -> c, 1, h, w
            params.append(table[f"{layer}/depthwise_kernel"].transpose(2, 3, 0, 1))
        else:
            params.append(table[f"{layer}/kernel"].transpose(3, 2, 0, 1))
        params += [table[f"{layer}_bn/gamma"], table[f"{layer}_bn/beta"]]
        running += [table[f"{layer}_bn/moving_mean"], table[f"{layer}_bn/moving_variance"]]
    show("mobilenet tfjs", params + running)
    show("conv_dw_2.weight", [table["conv_dw_2/depthwise_kernel"].transpose(2, 3, 0, 1)])


def cifar(name):
    state = torch.load(f"{ROOT}/resnet_cifar10/{name}.th", map_location="cpu")["state_dict"]
    params = [v for k, v in state.items() if "running" not in k]
    running = [v for k, v in state.items() if "running" in k]
    show(name, [t.detach().numpy() for t in params + running])


squeezenet()
mobilenet()
cifar("resnet20-12fca82f")
cifar("resnet56-4bfd9763")
