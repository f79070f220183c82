#!/usr/bin/python3
"""Small files under the names that the documentation speaks of, made of demo pictures: data
sets in the form in which they are handed out, and SqueezeNet's weights in ONNX and Keras.

usage: miniatures.py IMAGES TEST_DATA      in the directory where they shall be
"""
import glob
import os
import shutil
import sys

import h5py
import numpy as np

IMAGES, DATA = sys.argv[1:3]
PICTURES = sorted(glob.glob(IMAGES + "/*/*/*.jpg"))


def text(path, lines):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write("".join(line + "\n" for line in lines))


def jpeg(path, k):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(PICTURES[k % len(PICTURES)], "rb") as f:
        bytes_ = f.read()
    comment = path.encode()  # no two files are equal
    with open(path, "wb") as f:
        f.write(bytes_[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment +
                bytes_[2:])


# ---- data sets -----------------------------------------------------------------------

def lists(root, classes=2, train=12, test=2):
    for split, n in (("train", train), ("test", test)):
        names = [f"{split}/{c}/{i}.jpg" for c in range(classes) for i in range(n)]
        for k, name in enumerate(names):
            jpeg(f"{root}/{name}", k)
        text(f"{root}/{split}.txt", [f"{n} {n.split('/')[1]}" for n in names])
    text(f"{root}/classes.txt", [f"class {c}" for c in range(classes)])


def cub200(root):
    classes = ["001.Black_footed_Albatross", "002.Laysan_Albatross"]
    names = [f"{classes[i % 2]}/bird_{i}.jpg" for i in range(8)]
    for k, name in enumerate(names):
        jpeg(f"{root}/images/{name}", k)
    text(f"{root}/images.txt", [f"{i + 1} {n}" for i, n in enumerate(names)])
    text(f"{root}/image_class_labels.txt", [f"{i + 1} {i % 2 + 1}" for i in range(8)])
    text(f"{root}/train_test_split.txt", [f"{i + 1} {int(i < 4)}" for i in range(8)])
    text(f"{root}/classes.txt", [f"{k + 1} {c}" for k, c in enumerate(classes)])


def mit67(root):
    for split, file in (("a", "TrainImages.txt"), ("b", "TestImages.txt")):
        names = [f"{c}/{split}{i}.jpg" for c in ("mall", "gym") for i in range(2)]
        for k, name in enumerate(names):
            jpeg(f"{root}/Images/{name}", k)
        text(f"{root}/{file}", names)


def stanford40(root):
    actions, listed = ["applauding", "watching_TV"], {"train": [], "test": []}
    for a in actions:
        for i in range(4):
            name = f"{a}_{i:03d}.jpg"
            jpeg(f"{root}/JPEGImages/{name}", i)
            listed["train" if i < 2 else "test"].append(name)
    text(f"{root}/ImageSplits/actions.txt", ["action_name\tn"] + [f"{a}\t4" for a in actions])
    for split, names in listed.items():
        text(f"{root}/ImageSplits/{split}.txt", names)
        for a in actions:
            text(f"{root}/ImageSplits/{a}_{split}.txt", [n for n in names if n.startswith(a)])


def caltech256(root):
    for k in range(1, 4):
        for i in range(1, 81):
            jpeg(f"{root}/{k:03d}.class-{k}/{k:03d}_{i:04d}.jpg", i)


def flower102(root):
    for i in range(1, 7):
        jpeg(f"{root}/jpg/image_{i:05d}.jpg", i)
    for name in ("imagelabels.mat", "setid.mat"):
        shutil.copy(f"{DATA}/matlab/{name}", root)


# ---- SqueezeNet 1.1 ------------------------------------------------------------------

def squeezenet(head):
    """Layers in their order: name, out, in, side of the kernel."""
    layers, channels = [("conv1", 64, 3, 3)], 64
    for k, (s, e) in enumerate([(16, 64)] * 2 + [(32, 128)] * 2 + [(48, 192)] * 2 +
                               [(64, 256)] * 2):
        fire = f"fire{k + 2}/"
        layers += [(fire + "squeeze1x1", s, channels, 1), (fire + "expand1x1", e, s, 1),
                   (fire + "expand3x3", e, s, 3)]
        channels = 2 * e
    return layers + ([("conv10", 1000, 512, 1)] if head else [])


def values(out, inputs, side):
    rng = np.random.RandomState(out + inputs + side)
    return (rng.randn(out, inputs, side, side) * (2 / (inputs * side * side)) ** 0.5)


def field(number, payload):
    """A field of bytes of a protobuf message."""
    def varint(n):
        return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def onnx(path):
    def tensor(name, v):  # TensorProto: dims 1, data_type 2 (10: float16), name 8, raw_data 9
        v = v.astype(np.float16)
        dims = b"".join(b"\x08" + (bytes([d]) if d < 128 else bytes([d & 127 | 128, d >> 7]))
                        for d in v.shape)
        return field(5, dims + b"\x10\x0a" + field(8, name.encode()) + field(9, v.tobytes()))
    graph = b"".join(tensor(n + "_w_0", values(o, i, k)) + tensor(n + "_b_0", np.zeros(o))
                     for n, o, i, k in squeezenet(True))
    with open(path, "wb") as f:
        f.write(b"\x08\x03" + field(7, graph))  # ModelProto: ir_version 1, graph 7


def keras(path):
    layers = squeezenet(False)
    with h5py.File(path, "w") as f:
        f.attrs["layer_names"] = [n.encode() for n, *_ in layers]
        for n, o, i, k in layers:
            g = f.create_group(n)
            g.attrs["weight_names"] = [b"w", b"b"]
            g["w"] = values(o, i, k).transpose(2, 3, 1, 0).astype(np.float32)
            g["b"] = np.zeros(o, np.float32)


lists("FLOWERS17")
lists("SCENES15")
cub200("CUB_200_2011")
mit67("MIT67")
stanford40("STANFORD40")
caltech256("256_ObjectCategories")
flower102("FLOWER102")
onnx("SqueezeNet_fp16.onnx")
keras("squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5")
