#!/usr/bin/python3
"""Writes DIR/model.h5, torchvision's network in our model file, and DIR/expected.h5: two
images (NHWC), the gradient at the logits, and what PyTorch makes of them in evaluation
mode (batch norm by its running statistics): logits, the gradient at the images (NHWC) and
at every parameter (gradients/NAME, PyTorch's layout).

usage: torchvision_nets.py NETWORK conv1|conv2 SIDE DIR [given]

given: after that, reads DIR/relus.h5, the outputs of our ReLUs (NHWC), and writes
DIR/given.h5: the same gradients, in float64, where the network's ReLUs and max pools are
set as in ours (given.py), and `off`, how far those outputs are from the network's.

conv1: the first block of a stage has its stride on its first 1x1 convolution, as in He et
al., and not on its 3x3 one, as in torchvision.

Weights are torchvision's initial ones from a fixed seed. Each batch norm has the
statistics of the two images, somewhat off, and gamma and beta at random. A value that
rounding moves across the kink of a ReLU, or past the maximum of a window, would change a
gradient by far more than rounding. So each channel's bias is moved to the widest gap
between some of its values, and filters of which two values in a window of the following
pool are nearly equal are drawn again.

Debian 12's PyTorch 1.13.0, torchvision 0.14.1, h5py 3.7.0; float32, CPU.
"""
import hashlib
import os
import sys

import h5py
import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import pattern
from given import Given

SEED, IMAGES, CLASSES = 20240607, 2, 1000
TIE = 2e-5  # smallest distance of the two largest values of a window, in deviations
KINK = 2e-6  # smallest distance of a value from a ReLU's kink, in deviations
generator = torch.Generator().manual_seed(SEED)


def uniform(low, high, n):
    return torch.rand(n, generator=generator) * (high - low) + low


def widest_gap(x, low, high):
    """Per channel the middle of the widest gap between two quantiles of its values."""
    v = x.transpose(0, 1).flatten(1).sort(1).values
    n = v.shape[1]
    v = v[:, int(low * n) : int(high * n)]
    gap, at = (v[:, 1:] - v[:, :-1]).max(1)
    at = at[:, None]
    return (v.gather(1, at) + v.gather(1, at + 1))[:, 0] / 2


def tied(x, k, stride, pad):
    """Channels with a window whose two largest values are nearly equal."""
    low = float(x.min()) - 1
    bad = []
    for c in range(x.shape[1]):
        v = F.unfold(F.pad(x[:, c : c + 1], [pad] * 4, value=low), k, stride=stride)
        top = v.topk(2, 1).values
        bad.append(bool((top[:, 0] - top[:, 1]).min() < TIE * x[:, c].std()))
    return torch.tensor(bad)


def conv_without_ties(conv, x, k, stride, pad):
    y = conv(x)
    bad = tied(y, k, stride, pad)
    while bad.any():
        drawn = torch.randn(conv.weight[bad].shape, generator=generator)
        conv.weight[bad] = drawn * conv.weight.std()
        part = conv.bias[bad] if conv.bias is not None else None
        y[:, bad] = F.conv2d(x, conv.weight[bad], part, conv.stride, conv.padding)
        again = tied(y[:, bad], k, stride, pad)
        bad[bad.clone()] = again
    return y


def norm(bn, x, gamma):
    """Sets the tensors of a batch norm; returns what it makes of x."""
    n = bn.num_features
    var, mean = torch.var_mean(x, (0, 2, 3))
    bn.running_mean[:] = mean + var.sqrt() * uniform(-0.3, 0.3, n)
    bn.running_var[:] = var * uniform(0.5, 1.5, n) + 1e-3
    bn.weight[:] = gamma * uniform(0.5, 1.5, n)
    bn.bias[:] = uniform(-0.3, 0.3, n)
    return bn(x)


def relu(layer, x, low=0.25, high=0.75):
    """Of x, after moving the bias of the layer that it comes from."""
    shift = widest_gap(x, low, high)
    layer.bias -= shift
    return F.relu(x - shift[:, None, None])


def settle_resnet(net, x):
    x = relu(net.bn1, norm(net.bn1, conv_without_ties(net.conv1, x, 3, 2, 1), 1.0))
    x = F.max_pool2d(x, 3, 2, 1)
    for block in (b for i in range(1, 5) for b in getattr(net, "layer%d" % i)):
        shortcut = x
        if block.downsample is not None:
            conv, bn = block.downsample
            shortcut = norm(bn, conv(x), 1.0)
        y = relu(block.bn1, norm(block.bn1, block.conv1(x), 1.0))
        conv, last = block.conv2, block.bn2
        if hasattr(block, "conv3"):  # a bottleneck
            y = relu(block.bn2, norm(block.bn2, block.conv2(y), 1.0))
            conv, last = block.conv3, block.bn3
        y = norm(last, conv(y), 0.2)
        x = relu(last, y + shortcut, 0.05, 0.25)  # most of the shortcut passes


def settle_vgg(net, x):
    layers = list(net.features)
    for i, layer in enumerate(layers):
        if isinstance(layer, nn.MaxPool2d):
            x = layer(x)
        elif isinstance(layer, nn.Conv2d):
            pooled = isinstance(layers[i + 2], nn.MaxPool2d)
            y = conv_without_ties(layer, x, 2, 2, 0) if pooled else layer(x)
            x = relu(layer, y)


def stride_at_conv1(net):
    for layer in (net.layer2, net.layer3, net.layer4):
        layer[0].conv1.stride, layer[0].conv2.stride = (2, 2), (1, 1)


def build(network, stride_at, x):
    torch.manual_seed(SEED)
    net = getattr(torchvision.models, network)().eval()
    if stride_at == "conv1":
        stride_at_conv1(net)
    with torch.no_grad():
        settle_vgg(net, x) if network == "vgg16" else settle_resnet(net, x)
        last = net.classifier[6] if network == "vgg16" else net.fc
        last.bias[:] = uniform(-0.1, 0.1, CLASSES)
    return net


def write_model(path, net, network, stride_at, side, classes=CLASSES, original_head=0):
    state = {k: v.detach().numpy() for k, v in net.state_dict().items()
             if not k.endswith("num_batches_tracked")}
    order = [k for k, _ in net.named_parameters()] + [k for k in state if ".running_" in k]
    assert sorted(order) == sorted(state)
    digest = hashlib.sha256()
    for name in order:
        digest.update(np.ascontiguousarray(state[name], "<f4").data)
    with h5py.File(path, "w") as f:
        f.attrs.update(format="ptrain-model", format_version=1, network=network,
                       n_classes=classes, side=side, original_head=original_head,
                       stride_at=stride_at, rep_at="after_relu", dropout=0.0, bn_eps=0.0,
                       weight_hash=digest.hexdigest())
        for name in order:
            f["weights/" + name] = state[name]
        f.create_dataset("tensors", data=order, dtype=h5py.string_dtype())


def watch_kinks(net):
    """A list that receives each ReLU's smallest distance from its kink."""
    seen = []
    for m in net.modules():
        if isinstance(m, nn.ReLU):
            m.register_forward_pre_hook(
                lambda m, x: seen.append((x[0].abs().min() / x[0].std()).item()))
    return seen


def nhwc(x):
    return x.detach().numpy().transpose(0, 2, 3, 1)


def main(network, stride_at, side, out):
    torch.set_num_threads(os.cpu_count() or 1)
    side = int(side)
    x = torch.from_numpy(pattern.nhwc(11, (IMAGES, side, side, 3)))
    net = build(network, stride_at, x)
    write_model(os.path.join(out, "model.h5"), net, network, stride_at, side)
    seen = watch_kinks(net)
    x.requires_grad_()
    logits = net(x)
    if min(seen) < KINK:
        raise SystemExit("a value is %g deviations from a kink" % min(seen))
    dlogits = torch.from_numpy(pattern.values(12, IMAGES * CLASSES)).view(IMAGES, CLASSES)
    logits.backward(dlogits)
    with h5py.File(os.path.join(out, "expected.h5"), "w") as f:
        f["input"] = nhwc(x)
        f["dlogits"] = dlogits.numpy()
        f["logits"] = logits.detach().numpy()
        f["input_gradient"] = nhwc(x.grad)
        for name, p in net.named_parameters():
            f["gradients/" + name] = p.grad.numpy()
    print("%s %s %d: logits' deviation %.3g, largest input gradient %.3g, kinks %.2g" % (
        network, stride_at, side, logits.std(), x.grad.abs().max(), min(seen)))


def read_net(out, network, stride_at):
    """The network of DIR/model.h5, in float64."""
    net = getattr(torchvision.models, network)().eval().double()
    if stride_at == "conv1":
        stride_at_conv1(net)
    with h5py.File(os.path.join(out, "model.h5"), "r") as f:
        state = {k: torch.from_numpy(v[()]) for k, v in f["weights"].items()}
    missing = net.load_state_dict(state, strict=False).missing_keys
    assert all(k.endswith("num_batches_tracked") for k in missing), missing
    return net


def write_given(network, stride_at, side, out):
    torch.set_num_threads(os.cpu_count() or 1)
    net = read_net(out, network, stride_at)
    with h5py.File(os.path.join(out, "expected.h5"), "r") as f:
        x = torch.from_numpy(f["input"][()]).permute(0, 3, 1, 2).double().requires_grad_()
        dlogits = torch.from_numpy(f["dlogits"][()]).double()
    with h5py.File(os.path.join(out, "relus.h5"), "r") as f:
        given = Given(net, f["relus"])
        net(x).backward(dlogits)
    with h5py.File(os.path.join(out, "given.h5"), "w") as f:
        f["off"] = np.array([given.off], "<f4")
        f["input_gradient"] = nhwc(x.grad.float())
        for name, p in net.named_parameters():
            f["gradients/" + name] = p.grad.float().numpy()
    print("%s %s %s: %d ReLUs and %d windows turned, ReLUs' outputs off by %.2g" % (
        network, stride_at, side, given.relus_turned, given.windows_turned, given.off))


if __name__ == "__main__":
    if sys.argv[5:] == ["given"]:
        write_given(*sys.argv[1:5])
    else:
        main(*sys.argv[1:])
