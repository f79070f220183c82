#!/usr/bin/python3
"""Writes start weights as other programs write them, and what their networks predict.

usage: foreign_weights.py NETWORK:STYLE...

Into the current directory: a.png, b.png (256 x 256); and for each argument
NETWORK.STYLE, the file of weights, and NETWORK.STYLE.tsv: file, then class and probability
of the five likeliest classes, by PyTorch. Networks are torchvision's, random, and changed
to what STYLE's program computes (strides, epsilon, biases of convolutions, pixels). The
names follow the programs' sources: keras-applications' vgg16.py, resnet50.py and
resnet_common.py, He et al.'s prototxt files for Caffe, timm's vgg.py, transformers' modeling_resnet.py.

Debian 12's PyTorch 1.13.0, torchvision 0.14.1, h5py 3.7.0, Pillow 9.4."""
import importlib
import os
import re
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn

IMAGENET = dict(bgr=False, scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
CAFFE = dict(bgr=True, scale=1, mean=(103.939, 116.779, 123.68), std=(1, 1, 1))
VGG = dict(zip((0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
               ((b, c) for b, n in enumerate((2, 2, 3, 3, 3), 1) for c in range(1, n + 1))))


def pictures():
    rng = np.random.default_rng(5)
    out = []
    for name in "a.png", "b.png":
        p = rng.integers(0, 256, (16, 16, 3), np.uint8).repeat(16, 0).repeat(16, 1)
        Image.fromarray(p).save(name)
        out.append(p[16:240, 16:240])
    return np.stack(out)


def pixels(pictures, bgr, scale, mean, std):
    x = pictures[..., ::-1] if bgr else pictures
    x = (x * np.float32(scale) - np.float32(mean)) / np.float32(std)
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2), np.float32))


def network(name, x, stride_at_conv1=False, eps=1e-5, conv_bias=False,
            first_bias=False, equal_norms=False):
    torch.manual_seed(len(name))
    net = getattr(torchvision.models, name)(weights=None)
    for m in net.modules():
        if isinstance(m, nn.Conv2d) and m.bias is None and (
                conv_bias or (first_bias and m is net.conv1)):
            m.bias = nn.Parameter(0.3 * torch.randn(m.out_channels))
        if isinstance(m, nn.BatchNorm2d):
            m.eps, m.momentum = eps, None
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.uniform_(m.bias, -0.2, 0.2)
    for stage in (net.layer2, net.layer3, net.layer4) if stride_at_conv1 else ():
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    with torch.no_grad():
        if name != "vgg16":
            net.train()(x)
        for block in (net.layer1[0], net.layer1[1]) if equal_norms else ():
            block.bn1.running_mean.zero_()  # an exporter writes one bias for both
            block.bn1.bias.zero_()
        last = net.classifier[6] if name == "vgg16" else net.fc
        last.weight *= 2 / net.eval()(x).std()
        last.bias.normal_(0, 0.1)
    return net.eval()


# ---- Keras ---------------------------------------------------------------------------

def keras_file(path, net, layer_of, suffix):
    """layer_of: our module's name to the layer's; suffix: old names of weights or new."""
    names = []
    with h5py.File(path, "w") as f:
        for module, m in net.named_modules():
            weights = None
            if isinstance(m, nn.Conv2d):
                weights = [("kernel", m.weight.permute(2, 3, 1, 0)), ("bias", m.bias)]
            elif isinstance(m, nn.Linear):
                w = m.weight
                if w.shape[1] == 25088:  # the inputs in H, W, C order
                    w = w.view(-1, 512, 7, 7).permute(0, 2, 3, 1).reshape(-1, 25088)
                weights = [("kernel", w.t()), ("bias", m.bias)]
            elif isinstance(m, nn.BatchNorm2d):
                weights = [("gamma", m.weight), ("beta", m.bias),
                           ("moving_mean", m.running_mean), ("moving_variance", m.running_var)]
            if weights is None:
                continue
            layer = layer_of(module)
            group = f.create_group(layer)
            group.attrs["weight_names"] = [suffix(layer, k).encode() for k, _ in weights]
            for key, v in weights:
                group[suffix(layer, key)] = v.detach().contiguous().numpy()
            names.append(layer)
        f.create_group("input_1").attrs["weight_names"] = np.zeros(0, "S1")
        f.attrs["layer_names"] = [n.encode() for n in ["input_1"] + names]
        f.attrs["backend"], f.attrs["keras_version"] = b"tensorflow", b"2.0.1"


def old_suffix(layer, key):
    key = {"kernel": "W", "bias": "b", "moving_mean": "running_mean",
           "moving_variance": "running_std"}.get(key, key)
    return f"{layer}_{key}_1:0" if layer.startswith("block") else f"{layer}_{key}:0"


def keras_vgg(name):
    kind, n = name.rsplit(".", 1)
    if kind == "features":
        return "block%d_conv%d" % VGG[int(n)]
    return {"0": "fc1", "3": "fc2", "6": "predictions"}[n]


def branch(name):
    m = re.match(r"layer(\d)\.(\d+)\.(conv|bn|downsample\.)(\d)", name)
    if not m:
        return {"conv1": "conv1", "bn1": "bn_conv1", "fc": "fc1000"}[name]
    stage, block, kind, k = int(m[1]) + 1, chr(ord("a") + int(m[2])), m[3], int(m[4])
    norm = kind == "bn" or (kind == "downsample." and k == 1)
    last = "1" if kind == "downsample." else "2" + "abc"[k - 1]
    return f"{'bn' if norm else 'res'}{stage}{block}_branch{last}"


def keras_block(head):
    def layer(name):
        m = re.match(r"layer(\d)\.(\d+)\.(conv|bn|downsample\.)(\d)", name)
        if not m:
            return {"conv1": "conv1_conv", "bn1": "conv1_bn", "fc": head}[name]
        kind, k = m[3], int(m[4])
        norm = kind == "bn" or (kind == "downsample." and k == 1)
        return "conv%d_block%d_%d_%s" % (int(m[1]) + 1, int(m[2]) + 1,
                                         0 if kind == "downsample." else k,
                                         "bn" if norm else "conv")
    return layer


def new_suffix(layer, key):
    return f"{layer}/{key}:0"


# ---- Caffe ---------------------------------------------------------------------------

def caffe_messages():
    """Google's protobuf classes of caffe.proto, made by protoc."""
    with tempfile.TemporaryDirectory() as out:
        here = os.path.dirname(os.path.abspath(__file__))
        subprocess.run(["protoc", f"-I{here}", f"--python_out={out}", f"{here}/caffe.proto"],
                       check=True)
        sys.path.insert(0, out)
        return importlib.import_module("caffe_pb2")


def caffe_file(path, net, layer_of, v1):
    pb = caffe_messages()
    out = pb.NetParameter(name="net")

    def add(name, kind, *arrays):
        layer = out.layers.add() if v1 else out.layer.add()
        layer.name = name
        layer.type = {"Convolution": 4, "InnerProduct": 14}[kind] if v1 else kind
        for a in arrays:
            a = a.detach().numpy()
            blob = layer.blobs.add()
            blob.data.extend(a.ravel().tolist())
            if v1:
                blob.num, blob.channels, blob.height, blob.width = (1,) * (4 - a.ndim) + a.shape
            else:
                blob.shape.dim.extend(a.shape)

    for module, m in net.named_modules():
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            add(layer_of(module), "Convolution" if isinstance(m, nn.Conv2d) else "InnerProduct",
                *([m.weight] if m.bias is None else [m.weight, m.bias]))
        elif isinstance(m, nn.BatchNorm2d):
            name, factor = layer_of(module), 999.98
            add(name, "BatchNorm", m.running_mean * factor, m.running_var * factor,
                torch.tensor([factor]))
            add("scale" + name[2:], "Scale", m.weight, m.bias)
    with open(path, "wb") as f:
        f.write(out.SerializeToString())


def caffe_vgg(name):
    kind, n = name.rsplit(".", 1)
    if kind == "features":
        return "conv%d_%d" % VGG[int(n)]
    return {"0": "fc6", "3": "fc7", "6": "fc8"}[n]


def numbered(name):
    """He et al.'s ResNet-101 and -152: res4b1 where ResNet-50 has res4b."""
    m = re.match(r"(res|bn)([34])([b-z\x7b-\xff])(_.*)", branch(name))
    return f"{m[1]}{m[2]}b{ord(m[3]) - ord('a')}{m[4]}" if m else branch(name)


# ---- PyTorch's other libraries -------------------------------------------------------

def timm_vgg(path, net):
    """timm's VGG: its linear layers are convolutions over the whole map."""
    state = {}
    for k, v in net.state_dict().items():
        for ours, theirs in (("classifier.0", "pre_logits.fc1"), ("classifier.3", "pre_logits.fc2"),
                             ("classifier.6", "head.fc")):
            k = k.replace(ours, theirs)
        if k == "pre_logits.fc1.weight":
            v = v.view(4096, 512, 7, 7)
        if k == "pre_logits.fc2.weight":
            v = v.view(4096, 4096, 1, 1)
        state[k] = v
    torch.save(state, path)


def hugging_face(path, net):
    """transformers' ResNetForImageClassification, pytorch_model.bin."""
    def layer(k):
        k = re.sub(r"^fc\.", "classifier.1.", k)
        k = re.sub(r"^conv1\.", "resnet.embedder.embedder.convolution.", k)
        k = re.sub(r"^bn1\.", "resnet.embedder.embedder.normalization.", k)
        m = re.match(r"layer(\d)\.(\d+)\.(conv|bn|downsample\.)(\d)\.(.*)", k)
        if not m:
            return k
        norm = m[3] == "bn" or (m[3] == "downsample." and m[4] == "1")
        part = "shortcut" if m[3] == "downsample." else "layer.%d" % (int(m[4]) - 1)
        return "resnet.encoder.stages.%d.layers.%s.%s.%s.%s" % (
            int(m[1]) - 1, m[2], part, "normalization" if norm else "convolution", m[5])
    torch.save({layer(k): v for k, v in net.state_dict().items()}, path)


HE = dict(stride_at_conv1=True, conv_bias=True)
STYLES = {  # pixels, what the network is, how its file is written
    "keras_vgg": (CAFFE, {}, lambda p, n: keras_file(p, n, keras_vgg, old_suffix)),
    "keras_old": (CAFFE, dict(HE, eps=1e-3), lambda p, n: keras_file(p, n, branch, old_suffix)),
    "keras": (CAFFE, dict(HE, eps=1.001e-5),
              lambda p, n: keras_file(p, n, keras_block("probs"), new_suffix)),
    "keras_tf": (CAFFE, dict(HE, eps=1.001e-5),
                 lambda p, n: keras_file(p, n, keras_block("predictions"), new_suffix)),
    "caffe_vgg": (CAFFE, {}, lambda p, n: caffe_file(p, n, caffe_vgg, True)),
    "caffe": (CAFFE, dict(stride_at_conv1=True, first_bias=True),
              lambda p, n: caffe_file(p, n, branch, False)),
    "caffe_numbered": (CAFFE, dict(stride_at_conv1=True),
                       lambda p, n: caffe_file(p, n, numbered, False)),
    "onnx": (IMAGENET, dict(equal_norms=True),
             lambda p, n: torch.onnx.export(n, torch.zeros(1, 3, 224, 224), p)),
    "timm": (IMAGENET, {}, timm_vgg),
    "hf": (IMAGENET, {}, hugging_face),
}


def main():
    seen = pictures()
    for arg in sys.argv[1:]:
        name, style = arg.split(":")
        how, what, write = STYLES[style]
        x = pixels(seen, **how)
        net = network(name, x, **what)
        write(f"{name}.{style}", net)
        with torch.no_grad():
            top = net(x).softmax(1).topk(5)
        with open(f"{name}.{style}.tsv", "w") as f:
            for i, picture in enumerate(("a.png", "b.png")):
                pairs = [f"{c}\t{p:.6f}" for p, c in zip(top.values[i], top.indices[i])]
                print(picture, *pairs, sep="\t", file=f)


if __name__ == "__main__":
    main()
