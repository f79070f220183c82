#!/usr/bin/python3
"""Writes tests/data/weights: small files of weights made by the programs whose formats
common/weights reads. Run from the root of the repository.

Value i of tensor k of a file is ramp(k, n)[i] = k + (i - n // 2) / 8: exact in float16.

Made with Debian 12's Python 3.11.2, numpy 1.24.2, torch 1.13.0a0, onnx 1.12.0, h5py 3.7.0
(the files differ from run to run where torch writes the addresses of storages as keys)."""
import argparse
import datetime
import hashlib
import json
import os
import pathlib
import pickle
import struct
import subprocess
from collections import Counter, OrderedDict

import h5py
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper

OUT = "tests/data/weights"


def ramp(k, shape):
    n = int(np.prod(shape, dtype=int))
    return (k + (np.arange(n) - n // 2) / 8).astype(np.float32).reshape(shape)


# ---- torch ---------------------------------------------------------------------------

def tensor(k, *shape, dtype=torch.float32):
    return torch.from_numpy(ramp(k, shape)).to(dtype)


def save(name, what, zipped=False, protocol=2):
    torch.save(what, f"{OUT}/{name}", _use_new_zipfile_serialization=zipped,
               pickle_protocol=protocol)


def plain_tensors():
    plain = OrderedDict()
    plain["conv.weight"] = tensor(0, 4, 3, 3, 3)
    plain["bn.weight"] = torch.nn.Parameter(tensor(1, 4))
    plain["bn.half"] = tensor(2, 2, 5, dtype=torch.float16)
    plain["bn.bfloat"] = tensor(3, 7, dtype=torch.bfloat16)
    plain["bn.double"] = tensor(4, 3, 2, dtype=torch.float64)
    plain["bn.num_batches_tracked"] = torch.tensor(7)
    plain["transposed"] = tensor(5, 4, 6).t()          # 6x4, strides 1, 6
    plain["inside"] = tensor(6, 5, 4, 3)[1:4, ::2, 1]  # offset 13, strides 12, 6
    plain["scalar"] = tensor(7)
    plain._metadata = OrderedDict([("", {"version": 1})])  # as state_dict() has it: BUILD
    return plain


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(x)


def zip_files():
    save("plain.pth", plain_tensors(), zipped=True)
    # what training scripts keep beside the weights
    save("checkpoint.pth", {
        "args": argparse.Namespace(lr=0.1, data="/home/me/photos"),
        "best": np.float64(0.5), "seen": {1, 2}, "counts": Counter("abba"),
        "path": pathlib.PurePosixPath("/tmp"), "when": datetime.date(2026, 11, 29),
        "optimizer": {"state": {0: {"momentum_buffer": tensor(8, 2, 3)}}},
        "model_state_dict": {"module._orig_mod.conv.weight": tensor(0, 2, 3),
                             "module._orig_mod.fc.bias": tensor(1, 2)},
    }, zipped=True, protocol=4)
    save("only_one.pth", {"epoch": 1, "params": {"model.fc.bias": tensor(1, 2)}}, zipped=True)
    save("two.pth", {"g": {"fc.bias": tensor(1, 2)}, "d": {"fc.bias": tensor(2, 2)}}, zipped=True)
    save("module.pth", Net(), zipped=True)
    torch.jit.script(Net()).save(f"{OUT}/script.pt")
    np.savez(f"{OUT}/arrays.npz", fc=ramp(0, (2, 3)))


# ---- safetensors ---------------------------------------------------------------------

def safetensors_file():
    """Written by the format's description: Debian has no program that writes it."""
    def entry(name, dtype, shape, data):
        header[name] = {"dtype": dtype, "shape": list(shape),
                        "data_offsets": [len(body), len(body) + len(data)]}
        body.extend(data)

    header, body = {"__metadata__": {"format": "pt"}}, bytearray()
    bits = ramp(2, (7,)).view(np.uint32) >> 16
    entry("conv.weight", "F32", (4, 3, 3, 3), ramp(0, (4, 3, 3, 3)).tobytes())
    entry("module.half", "F16", (2, 5), ramp(1, (2, 5)).astype(np.float16).tobytes())
    entry("bfloat", "BF16", (7,), bits.astype(np.uint16).tobytes())
    entry("double", "F64", (3, 2), ramp(3, (3, 2)).astype(np.float64).tobytes())
    entry("scalar", "F32", (), ramp(4, ()).tobytes())
    entry("empty", "F32", (0, 3), b"")
    entry("bn.num_batches_tracked", "I64", (), struct.pack("<q", 7))
    entry("tiny", "F8_E4M3", (2,), b"\0\0")
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(f"{OUT}/plain.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + body)


# ---- Caffe ---------------------------------------------------------------------------

def caffe_blob(k, *shape, old=False, doubles=False):
    values = " ".join(f"{'double_data' if doubles else 'data'}: {v}"
                      for v in ramp(k, shape).astype(float).ravel())
    if not old:
        return "blobs { shape { %s } %s }" % (" ".join(f"dim: {d}" for d in shape), values)
    dims = zip(("num", "channels", "height", "width"), (1,) * (4 - len(shape)) + shape)
    return "blobs { %s %s }" % (" ".join(f"{n}: {d}" for n, d in dims), values)


def caffe_files():
    """By protoc, from the text form."""
    layers = {
        "new.caffemodel": """name: "tiny"
            layer { name: "data" type: "Input" top: "data" }
            layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" %s %s }
            layer { name: "bn1" type: "BatchNorm" %s %s blobs { shape { dim: 1 } data: 2 } }
            layer { name: "scale1" type: "Scale" %s %s }
            layer { name: "relu" type: "ReLU" }
            layer { name: "fc" type: "InnerProduct" %s %s }""" % (
                caffe_blob(0, 4, 3, 3, 3), caffe_blob(1, 4), caffe_blob(2, 4), caffe_blob(3, 4),
                caffe_blob(4, 4), caffe_blob(5, 4), caffe_blob(6, 2, 5),
                caffe_blob(7, 2, doubles=True)),
        "v1.caffemodel": """layers { name: "conv1" type: CONVOLUTION bottom: "data" %s %s }
            layers { name: "relu" type: RELU }
            layers { name: "fc" type: INNER_PRODUCT %s %s }""" % (
                caffe_blob(0, 4, 3, 3, 3, old=True), caffe_blob(1, 4, old=True),
                caffe_blob(2, 2, 5, old=True), caffe_blob(3, 2, old=True)),
    }
    for name, text in layers.items():
        with open(f"{OUT}/{name}", "wb") as f:
            subprocess.run(["protoc", "-Itests/oracle", "--encode=caffe.NetParameter",
                            "tests/oracle/caffe.proto"], input=text.encode(), stdout=f,
                           check=True)


def torch_files():
    save("plain.th", plain_tensors())
    save("wrapped.th", {"epoch": 3, "best": 0.5, "arch": "tiny", "done": True,
                        "big": 1 << 70, "negative": -3, "losses": [1.5, 2.5],
                        "state_dict": {"module.conv.weight": tensor(0, 2, 3),
                                       "module.fc.bias": tensor(1, 2)}})
    save("model.th", {"model": {"conv.weight": tensor(0, 2, 3)}, "optimizer": None})
    save("list.th", [tensor(0, 2, 3)])
    save("nothing.th", {"epoch": 3})


class Evil:
    def __reduce__(self):
        return (os.system, ("echo should never be seen",))


def legacy(obj):
    """A legacy file around the pickle of an object, or around ready bytes."""
    if not isinstance(obj, bytes):
        obj = pickle.dumps(obj, protocol=2)
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    head = [0x1950a86a20f9469cfc6c, 1001, system]
    return b"".join(pickle.dumps(x, protocol=2) for x in head) + obj + pickle.dumps([], 2)


def laughs():
    lol = ["lol"]
    for _ in range(40):
        lol = [lol] * 10
    return {"weights": lol}


def hostile_files():
    """Each is refused; its name says for what."""
    write = {"os_system.th": legacy({"conv.weight": Evil()}), "laughs.th": legacy(laughs())}
    for name, data in write.items():
        with open(f"{OUT}/{name}", "wb") as f:
            f.write(data)


def python2_file():
    """Python 2's torch: byte strings for keys, OrderedDict called with a list of lists."""
    values = ramp(0, (2, 3))
    pid = b"(U\x07storagectorch\nFloatStorage\nU\x0512345U\x03cpuK\x06NtQ"
    t = b"ctorch._utils\n_rebuild_tensor\n(" + pid + b"K\x00K\x02K\x03\x86K\x03K\x01\x86tR"
    obj = b"\x80\x02ccollections\nOrderedDict\n](](U\x0bconv.weight" + t + b"ee\x85R."
    data = legacy(obj)[:-len(pickle.dumps([], 2))] + b"\x80\x02]U\x0512345a."
    with open(f"{OUT}/python2.th", "wb") as f:
        f.write(data + struct.pack("<q", 6) + values.tobytes())


# ---- ONNX ----------------------------------------------------------------------------

def onnx_file():
    half = ramp(2, (2, 3)).astype(np.float16)
    bits = half.view(np.uint16).flatten().tolist()
    init = [
        helper.make_tensor("raw", TensorProto.FLOAT, (4, 3, 3, 3),
                           ramp(0, (4, 3, 3, 3)).tobytes(), raw=True),
        helper.make_tensor("listed", TensorProto.FLOAT, (5,), ramp(1, (5,))),
        helper.make_tensor("half_raw", TensorProto.FLOAT16, (2, 3), half.tobytes(), raw=True),
        helper.make_tensor("half_listed", TensorProto.FLOAT16, (2, 3), half.flatten()),
        helper.make_tensor("shape", TensorProto.INT64, (2,), [1, -1]),
        helper.make_tensor("scalar", TensorProto.FLOAT, (), [3.0]),
    ]
    assert list(init[3].int32_data) == bits
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 6, 6])
    node = helper.make_node("Conv", ["x", "raw"], ["y"], kernel_shape=[3, 3])
    graph = helper.make_graph([node], "tiny", [x], [y], initializer=init)
    model = helper.make_model(graph, producer_name="weights_fixtures.py")
    onnx.checker.check_model(model)
    onnx.save(model, f"{OUT}/tiny.onnx")


def norm_model(name, init, nodes=(), reads=("bn1", "bn2")):
    """Two batch norms; reads: what each calls its weight, bias, mean and variance."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4, 8, 8])
    y = helper.make_tensor_value_info("y2", TensorProto.FLOAT, ["N", 4, 8, 8])
    nodes = list(nodes)
    for i, names in enumerate(reads):
        nodes.append(helper.make_node("BatchNormalization", ["xy"[i > 0] + str(i) * (i > 0)]
                                      + names, [f"y{i + 1}"]))
    graph = helper.make_graph(nodes, name, [x], [y], initializer=init)
    model = helper.make_model(graph, producer_name="weights_fixtures.py")
    onnx.checker.check_model(model)
    return model


def onnx_values():
    """Values elsewhere: in another file, in Constant nodes, under another name."""
    roles = "weight", "bias", "running_mean", "running_var"
    norms = [[f"bn{i}.{role}" for role in roles] for i in (1, 2)]
    init = [helper.make_tensor(n, TensorProto.FLOAT, (4,), ramp(k, (4,)).tobytes(), raw=True)
            for k, n in enumerate(norms[0] + norms[1])]
    onnx.save(norm_model("external", init, reads=norms), f"{OUT}/external.onnx",
              save_as_external_data=True, location="external.onnx.data", size_threshold=0)
    constants = [helper.make_node("Constant", [], [t.name], value=t) for t in init]
    onnx.save(norm_model("constants", [], constants, norms), f"{OUT}/constants.onnx")
    same = [helper.make_node("Identity", ["bn1.weight"], ["bn2.running_var"])]
    merged = [norms[0], ["bn1.weight", "bn2.bias", "bn1.running_mean", "bn2.running_var"]]
    onnx.save(norm_model("merged", init[:4] + [init[5]], same, merged),
              f"{OUT}/merged.onnx")


# ---- Keras ---------------------------------------------------------------------------

def keras_file(name, root, strings, half):
    layers = [
        ("input_1", []),
        ("conv1", [("uniform1", ramp(0, (3, 3, 2, 4))), ("conv1_b", ramp(1, (4,)))]),
        ("conv1_bn", [(f"conv1_bn/{w}:0", ramp(2 + i, (4,))) for i, w in
                      enumerate(["gamma", "beta", "moving_mean", "moving_variance"])]),
        ("fire2/dw", [("fire2/dw/depthwise_kernel:0", ramp(6, (3, 3, 4, 1)))]),
        ("fc", [("fc_W_1:0", ramp(7, (6, 5))), ("fc_b_1:0", ramp(8, (5,)))]),
        ("odd", [("odd_a", ramp(9, (2,))), ("odd_b", ramp(10, (2,))), ("odd_c", ramp(11, (2,)))]),
    ]
    with h5py.File(f"{OUT}/{name}", "w") as f:
        g = f if root is None else f.create_group(root)
        g.attrs["layer_names"] = strings([n for n, _ in layers])
        for layer, weights in layers:
            sub = g.create_group(layer)
            # numpy gives an empty list of names the type float64: real files have that too
            sub.attrs["weight_names"] = strings([n for n, _ in weights]) if weights else []
            for n, v in weights:
                sub.create_dataset(n, data=v.astype(np.float16) if half else v)


def keras_files():
    keras_file("keras_fixed.h5", None, lambda s: np.array([x.encode() for x in s]), False)
    keras_file("keras_variable.h5", "model_weights",
               lambda s: np.array(s, dtype=h5py.string_dtype()), True)


# ---- TensorFlow.js -------------------------------------------------------------------

def tfjs_file():
    os.makedirs(f"{OUT}/tfjs", exist_ok=True)

    def entry(name, v, dtype="float32"):
        return {"name": name, "shape": list(v.shape), "dtype": dtype}

    a, b, c = ramp(0, (3, 3, 2, 4)), ramp(1, (4,)), ramp(2, (3, 3, 4, 1))
    joined = a.tobytes() + b.tobytes() + c.tobytes()
    cuts = [0, 130, 292, len(joined)]  # the first inside a value of a, the second inside b
    for i in range(3):
        with open(f"{OUT}/tfjs/group1-shard{i + 1}of3", "wb") as f:
            f.write(joined[cuts[i]:cuts[i + 1]])
    with open(f"{OUT}/tfjs/group4-shard1of1", "wb") as f:
        f.write(ramp(4, (2,)).tobytes() + b"left over")
    counts = np.array([1, 2], dtype=np.int32)
    manifest = [
        {"paths": [f"group1-shard{i + 1}of3" for i in range(3)],
         "weights": [entry("conv1/kernel", a), entry("conv1/bias", b),
                     entry("dw/depthwise_kernel", c)]},
        {"paths": ["group2-shard1of1"], "weights": [entry("gone/kernel", ramp(3, (1, 1, 2, 2)))]},
        {"paths": ["group3-shard1of1"],
         "weights": [entry("counts", counts, "int32"), entry("behind", ramp(5, (2,)))]},
        {"paths": ["group4-shard1of1"], "weights": [entry("long/bias", ramp(4, (2,)))]},
    ]
    with open(f"{OUT}/tfjs/model.json", "w") as f:
        json.dump({"modelTopology": {"keras_version": "2.1.4"},
                   "weightsManifest": manifest}, f)


# ---- our own file, written by another program ---------------------------------------

def model_file():
    tensors = [("conv1.weight", ramp(0, (4, 3, 3, 3))), ("fc.weight", ramp(1, (3, 4))),
               ("fc.bias", ramp(2, (3,))), ("bn1.running_mean", ramp(3, (4,)))]
    h = hashlib.sha256()
    with h5py.File(f"{OUT}/model.h5", "w") as f:
        for name, v in tensors:
            f[f"weights/{name}"] = v
            h.update(v.astype("<f4").tobytes())
        f["tensors"] = [n for n, _ in tensors]
        f["classes"] = ["rose", "daisy", "tulip"]
        f.attrs.update({"format": "ptrain-model", "format_version": 1,
                        "network": "resnet_small", "n_classes": 3, "side": 40,
                        "original_head": 0, "stride_at": "conv1",
                        "rep_at": "before_relu", "dropout": 0.25, "bn_eps": 0.5,
                        "weight_hash": h.hexdigest(), "preprocess_order": "bgr",
                        "preprocess_scale": 0.5,
                        "preprocess_mean": np.array([1, 2, 3], np.float32),
                        "preprocess_std": np.array([4, 5, 6], np.float32)})


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    torch_files()
    zip_files()
    safetensors_file()
    hostile_files()
    python2_file()
    onnx_file()
    onnx_values()
    caffe_files()
    keras_files()
    tfjs_file()
    model_file()
