#!/usr/bin/python3
"""How far the gradients of a whole network are from float64: ours, and PyTorch's in
float32, on the same weights, images and labels.

usage: gradient_accuracy.py [--images N] [--seeds N] PROGRAM NETWORK METHOD...

PROGRAM is tests/worker/gradient_dump, NETWORK resnet50 or vgg16 at 224x224 with
torchvision's initial weights, or squeezenet1_1 or cifar_resnet56 as trained.py has them;
METHOD direct, winograd or blas, or bf16 or direct_bf16. Batch norm uses the statistics of
the batch; no dropout. A seed draws weights and images, or pictures. The error of a tensor
is the norm of its difference from float64 over the norm of that.

bf16 is held against PyTorch's autocast to bfloat16 as CPUs with the instruction compute it:
convolutions and linear layers multiply rounded numbers, sum in float and round the result.
PyTorch 1.13 without it, as on AVX2, rounds between terms as well: of a convolution of 64 to
64 channels, channels_last, the gradient at the inputs was 6 times, the one at the weights
53 times as far from the exact one as rounding its numbers once explains.

free    In float32 some values land on the other side of a ReLU, which changes a gradient
        by far more than rounding. So ours is held against PyTorch's: the median over
        tensors and seeds of our error over PyTorch's is at most RATIO.
given   The float64 network takes its ReLU masks and the choices of its max pools from our
        forward pass: what is left is rounding, at most GIVEN in every tensor. (Ours could
        take float64's instead: the same rounding, but a change in the engine.) No limit
        for bf16: its rounding is multiplied from layer to layer.

Exits with 1 where a limit is broken, with 77 where a package is missing. Debian 12's
PyTorch 1.13.1, torchvision 0.14.1, h5py 3.7.0.
"""
import argparse
import functools
import os
import subprocess
import sys
import tempfile
import time

try:
    import h5py
    import numpy as np
    import torch
    import torch.nn.functional as F
    import torchvision
    from torch import nn
except ImportError as missing:
    print("skip: %s has no %s" % (sys.executable, missing.name))
    sys.exit(77)

import trained
from given import Given
from torchvision_nets import nhwc, write_model

SEEDS = 3
IMAGES = 8  # with 2, one flip in a late layer decides the errors of VGG's whole seed
AT_ONCE = {"vgg16": 2}  # in float64; without batch norm a batch is a sum
SIDE, CLASSES = 224, 1000
RATIO = {"direct": 2.0, "winograd": 4.0, "blas": 4.0, "bf16": 1.0, "direct_bf16": 1.0}
GIVEN = 1e-3


def build(network, seed):
    if network in trained.NETWORKS:
        return trained.build(network)
    torch.manual_seed(seed)
    net = getattr(torchvision.models, network)().train()
    for m in net.modules():
        if isinstance(m, nn.Dropout):
            m.p = 0.0
    return net


def make_case(network, seed, images):
    if network in trained.NETWORKS:
        return trained.draw(network, seed, images)
    g = torch.Generator().manual_seed(1000 + seed)
    x = torch.randn((images, 3, SIDE, SIDE), generator=g)
    return x, torch.randint(CLASSES, (images,), generator=g)


def product(m, x):
    """A convolution or linear layer of numbers rounded to bfloat16, summed in float; so are
    its gradients, which the conversions round on their way back."""
    w, b = (None if t is None else t.bfloat16().float() for t in (m.weight, m.bias))
    with torch.autocast("cpu", enabled=False):
        x = x.bfloat16().float()
        y = (F.linear(x, w, b) if isinstance(m, nn.Linear) else
             F.conv2d(x, w, b, m.stride, m.padding))
        return y.bfloat16()


def sum_in_float(net):
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            m.forward = functools.partial(product, m)
    return net


def gradients(net, x, labels, at_once, bf16=False):
    """Of the mean cross-entropy, by name; so many images in a pass."""
    for part, of in zip(x.split(at_once), labels.split(at_once)):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = net(part)
        (F.cross_entropy(logits.to(x.dtype), of, reduction="sum") / len(labels)).backward()
    return {name: p.grad for name, p in net.named_parameters()}


def errors(got, want):
    """By name: |got - want| / |want|; got may be any mapping to arrays."""
    out = {}
    for name, w in want.items():
        w = w.double()
        g = torch.from_numpy(np.asarray(got[name])).double()
        e = float((g - w).norm() / w.norm())
        out[name] = e if np.isfinite(e) else np.inf
    return out


class Ours:
    """Our program on one model, in a scratch directory."""

    def __init__(self, program, net, network, work):
        self.program, self.work = program, work
        self.model = os.path.join(work, "model.h5")
        side, classes, own = SIDE, CLASSES, network in trained.NETWORKS
        if own:
            side, classes = trained.NETWORKS[network][3:]
        write_model(self.model, net, network, "conv2", side, classes, int(own))

    def run(self, x, labels, method, *options):
        """What it wrote: an open HDF5 file, gone with the directory."""
        case, out = os.path.join(self.work, "case.h5"), os.path.join(self.work, "out.h5")
        with h5py.File(case, "w") as f:
            f["input"] = nhwc(x)
            f["labels"] = labels.numpy().astype("<i4")
        subprocess.run([self.program, self.model, case, out, method, *options], check=True)
        return h5py.File(out, "r")


def free_errors(ours, network, methods, seed, x, labels):
    """By torch or method, by tensor."""
    net = build(network, seed).to(memory_format=torch.channels_last)
    last = x.contiguous(memory_format=torch.channels_last)
    torch32 = {k: g.numpy() for k, g in gradients(net, last, labels, len(labels)).items()}
    torch16 = {}
    if any(is_bf16(m) for m in methods):
        net = sum_in_float(build(network, seed).to(memory_format=torch.channels_last))
        torch16 = gradients(net, last, labels, len(labels), bf16=True)
    net = build(network, seed).double()
    want = gradients(net, x.double(), labels, AT_ONCE.get(network, len(labels)))
    out = {"torch": errors(torch32, want)}
    if torch16:
        out["autocast"] = errors({k: g.float().numpy() for k, g in torch16.items()}, want)
    for m in methods:
        with ours.run(x, labels, m) as f:
            out[m] = errors(f["gradients"], want)
    return out


def given_errors(ours, network, methods, seed, x, labels):
    out = {}
    for m in methods:
        with ours.run(x, labels, m, "relus") as f:
            net = build(network, seed).double()
            Given(net, f["relus"])
            want = gradients(net, x.double(), labels, len(labels))
            out[m] = errors(f["gradients"], want)
    return out


def is_bf16(method):
    return method.endswith("bf16")


def worst(table):
    return max(((e, name) for t in table for name, e in t.items()))


def judge(network, images, methods, free, given):
    """Prints the table; the limits that are broken."""
    broken = []
    print("%s, %d images, %d seeds, %d tensors: relative error of gradients" % (
        network, images, len(free), len(free[0]["torch"])))
    print("%-10s %12s %12s %12s %12s" % (
        "", "free, median", "over torch's", "given, med.", "given, worst"))
    for other in [name for name in ("torch", "autocast") if name in free[0]]:
        print("%-10s %12.2e" % (other, np.median([list(f[other].values()) for f in free])))
    for m in methods:
        other = "autocast" if is_bf16(m) else "torch"
        ratio = np.median([f[m][k] / f[other][k] for f in free for k in f[m]])
        most, name = worst([g[m] for g in given])
        print("%-10s %12.2e %12.2f %12.2e %12.2e  %s" % (
            m, np.median([list(f[m].values()) for f in free]), ratio,
            np.median([list(g[m].values()) for g in given]), most, name))
        if not ratio <= RATIO[m]:
            broken.append("%s: %.2f times PyTorch's error, limit %g" % (m, ratio, RATIO[m]))
        if not most <= GIVEN and not is_bf16(m):
            broken.append("%s: %s is off by %.2g, limit %g" % (m, name, most, GIVEN))
    return broken


def options():
    p = argparse.ArgumentParser()
    p.add_argument("--images", type=int, default=IMAGES)
    p.add_argument("--seeds", type=int, default=SEEDS)
    p.add_argument("program")
    p.add_argument("network")
    p.add_argument("methods", nargs="+", choices=RATIO)
    return p.parse_args()


def main(program, network, methods, images, seeds):
    torch.set_num_threads(os.cpu_count() or 1)
    free, given = [], []
    for seed in range(1, seeds + 1):
        start = time.time()
        x, labels = make_case(network, seed, images)
        n = min(images, AT_ONCE.get(network, images))
        with tempfile.TemporaryDirectory(prefix="ptrain_accuracy_") as work:
            ours = Ours(program, build(network, seed), network, work)
            free.append(free_errors(ours, network, methods, seed, x, labels))
            given.append(given_errors(ours, network, methods, seed, x[:n], labels[:n]))
        print("seed %d: %.0f s" % (seed, time.time() - start), flush=True)
    broken = judge(network, images, methods, free, given)
    for line in broken:
        print("FAILED: " + line)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(**vars(options())))
