#!/usr/bin/python3
"""Writes tests/data/algorithm1: five steps of Algorithm 1 (Zhong and Maki, CVPR 2020) on
a small residual network by PyTorch 1.13 (Debian 12, CPU, one thread), which differentiates
every loss itself: none of ptrain's formulas is here. In double precision, so that what
differs is our rounding alone. The program also repeats each run in single precision and
prints how far PyTorch is then from itself: that is the noise below which no tolerance of
ours could go.

CASE.yaml  read here and by the tests
CASE.txt   per step: losses, norms per image, w, rates; and of every tensor its norm, how
           far it is from the start, and eight projections of that difference on vectors
           of signs: the mean square of projections of d is |d|^2
sml1.th    the state after the last step, by torch.save

Start weights, images and labels are patterns that the tests make alike; targets, dropout
masks and the order of images come from philox.py. A value that rounding moves across the
kink of a ReLU changes gradients by far more than rounding. So the images are the first
pattern for which no value lies within MARGIN deviations of a kink in any step.

usage: /usr/bin/python3 tests/oracle/algorithm1.py
"""
import math
import os

import numpy as np
import torch
import torch.nn.functional as F
import yaml
from torch import nn

import pattern
import philox

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "data", "algorithm1")
IMAGES, SIDE, CLASSES, PROJECTIONS = 13, 8, 5, 8
SOURCE_CLASSES = 7  # of the network's own classifier, where it stays
DROPOUT_NODE = 30  # of the graph resnet_small; the test looks
MARGIN = 1e-5
WHOLE_BATCH = 2**64 - 1  # the "position" of a target that all images of a batch share


class Block(nn.Module):
    def __init__(self, c_in, c, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.relu = nn.ReLU()
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(c_in, c, 1, stride, bias=False),
                                            nn.BatchNorm2d(c))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + (self.downsample(x) if self.downsample else x))


class ResNetSmall(nn.Module):
    def __init__(self, source_classes=0):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.layer1 = nn.Sequential(Block(16, 16, 1))
        self.layer2 = nn.Sequential(Block(16, 32, 2))
        self.layer3 = nn.Sequential(Block(32, 64, 2))
        if source_classes:
            self.source_head = nn.Linear(64, source_classes)
        self.fc = nn.Linear(64, CLASSES)

    def represent(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        return self.layer3(self.layer2(self.layer1(x))).mean((2, 3))


def f32(x):
    """The float that a configuration holds."""
    return float(np.float32(x))


def fnv1a(name):
    """31 bits of a name: the salt of its tensor."""
    h = 0x811C9DC5
    for byte in name.encode():
        h = (h ^ byte) * 0x01000193 & 0xFFFFFFFF
    return h >> 1


def start_value(name, shape):
    v = pattern.values(fnv1a(name), int(np.prod(shape)))
    if len(shape) > 1:
        scale = 1.0
        while scale * scale * np.prod(shape[1:]) > 4:
            scale /= 2
        v = v * np.float32(scale)
    elif name.endswith("running_var"):
        v = v * np.float32(0.5) + np.float32(1)
    elif name.endswith("weight"):
        v = v * np.float32(0.25) + np.float32(1)
    else:
        v = v * np.float32(0.25)
    return torch.from_numpy(v.reshape(shape))


def make_net(config, dtype):
    two_heads = {"lwf", "joint", "co_tuning"} & set(config.get("regularizers", {}))
    net = ResNetSmall(SOURCE_CLASSES if two_heads else 0).to(dtype)
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.eps, m.momentum = f32(1e-5), f32(config["network"]["bn_momentum"])
    with torch.no_grad():
        for name, x in net.state_dict().items():
            if x.dim() > 0:  # num_batches_tracked is ours to ignore
                x.copy_(start_value(name, x.shape))
    return net


def images_of_step(config, step):
    b = config["data"]["batch"]
    per_epoch = -(-IMAGES // b)
    order = philox.permutation(
        philox.stream(config["seed"], philox.ORDER, step // per_epoch, 0), IMAGES)
    at = step % per_epoch * b
    return order[at:at + b].astype(np.int64), step / per_epoch


def dropout_mask(config, step, n, dims):
    p = np.float32(config["network"]["dropout"])
    rows = [philox.uniform_f32(
        philox.stream(config["seed"], philox.DROPOUT, step, DROPOUT_NODE << 32 | i),
        np.arange(dims)) >= p for i in range(n)]
    return np.array(rows) * (np.float32(1) / (np.float32(1) - p))


def targets(config, step, n, dims):
    task = config["pseudo_task"]

    def draw(position):
        s = philox.stream(config["seed"], philox.TARGET, step, position)
        if task["target"] == "uniform":
            return philox.uniform_f32(s, np.arange(dims))
        return philox.normal(s, dims)

    if task["target_per"] == "batch":
        return np.array([draw(WHOLE_BATCH)] * n)
    return np.array([draw(i) for i in range(n)])


class Gate:
    def __init__(self, task):
        self.task, self.open, self.ema = task, False, None

    def step(self, ce, epoch):
        decay = self.task.get("gate_decay", 0.9)
        self.ema = ce if self.ema is None else decay * self.ema + (1 - decay) * ce
        if self.task["gate"] == "epoch":
            self.open |= epoch >= self.task["gate_epoch"]
        else:
            self.open |= self.ema < self.task["gate_fraction"] * math.log(CLASSES)
        return self.open


def regression(task, rep, t):
    if task["loss"] == "sml1":
        return F.smooth_l1_loss(rep, t, reduction="none").sum(1)
    return F.mse_loss(rep, t, reduction="none").sum(1) / 2


class Run:
    """Five steps; self.steps: what each says, self.states: the tensors after each."""

    def __init__(self, config, salt, dtype):
        self.config, self.dtype, self.margin = config, dtype, math.inf
        self.net = make_net(config, dtype)
        for m in self.net.modules():
            if isinstance(m, nn.ReLU):
                m.register_forward_hook(self.look)
        self.pixels = torch.from_numpy(pattern.nhwc(salt, (IMAGES, SIDE, SIDE, 3))).to(dtype)
        self.labels = torch.tensor([i * i % CLASSES for i in range(IMAGES)])
        self.gate = Gate(config["pseudo_task"])
        self.steps, self.states = [], [self.state()]
        self.train(config["optimizer"], config["schedule"], config["stages"][0]["steps"])

    def look(self, module, inputs, output):
        x = inputs[0].detach()
        self.margin = min(self.margin, (x.abs().min() / x.std()).item())

    def state(self):
        return {k: x.detach().double().numpy().copy()
                for k, x in self.net.state_dict().items() if x.dim() > 0}

    def train(self, o, schedule, n_steps):
        head = list(self.net.fc.parameters())
        trunk = [p for n, p in self.net.named_parameters() if not n.startswith("fc.")]
        sgd = torch.optim.SGD([{"params": trunk}, {"params": head, "lr": f32(o["head_lr"])}],
                              lr=f32(o["lr"]), momentum=f32(o["momentum"]),
                              weight_decay=f32(o["weight_decay"]))
        rate = torch.optim.lr_scheduler.MultiStepLR(
            sgd, [math.ceil(at * n_steps) for at in schedule["at"]], schedule["factor"])
        for k in range(n_steps):
            said = self.forward(k)
            said["lr"], said["head_lr"] = [g["lr"] for g in sgd.param_groups]
            sgd.zero_grad()
            self.loss.backward()
            sgd.step()
            rate.step()
            self.steps.append(said)
            self.states.append(self.state())

    def forward(self, k):
        task = self.config["pseudo_task"]
        images, epoch = images_of_step(self.config, k)
        rep = self.net.represent(self.pixels[images])
        n, dims = rep.shape
        mask = torch.from_numpy(dropout_mask(self.config, k, n, dims)).to(self.dtype)
        t = torch.from_numpy(targets(self.config, k, n, dims)).to(self.dtype)
        logits = self.net.fc(rep * mask)
        labels = self.labels[images]
        ce = F.cross_entropy(logits, labels, reduction="none")
        ptr = regression(task, rep, t)
        # A row of either depends on its own image's loss alone.
        g_ce, = torch.autograd.grad(ce.sum(), rep, retain_graph=True)
        g_ptr, = torch.autograd.grad(ptr.sum(), rep, retain_graph=True)
        n_ce, n_ptr = g_ce.double().norm(dim=1), g_ptr.double().norm(dim=1)
        gate = self.gate.step(ce.double().mean().item(), epoch)
        w = (n_ce.mean() / (n_ptr.mean() * task["ratio"])).item() if gate else 0.0
        self.loss = ce.mean() + w * ptr.mean()
        last = self.net.layer3[0].downsample[0].weight  # the last weights of the trunk
        at_last = [torch.autograd.grad(x, last, retain_graph=True)[0].double().norm().item()
                   for x in (ce.mean(), w * ptr.mean())]
        cosine = F.cosine_similarity(g_ce.double(), g_ptr.double())
        return {"ce": ce.double().mean().item(), "ema": self.gate.ema, "gate": float(gate),
                "accuracy": (logits.argmax(1) == labels).double().mean().item(),
                "g_ce": n_ce.mean().item(), "g_ptr": n_ptr.mean().item(),
                "l_ptr": ptr.double().mean().item(), "w": w,
                "probe_ce": at_last[0], "probe_ptr": at_last[1],
                "image_g_ce": n_ce.numpy(), "image_g_ptr": n_ptr.numpy(),
                "image_cosine": cosine.numpy(),
                "image_rep": rep.detach().double().norm(dim=1).numpy()}


SIGNS = {}


def signs(k, n):
    if (k, n) not in SIGNS:
        SIGNS[k, n] = np.where(pattern.values(k + 1, n) < 0, -1.0, 1.0)
    return SIGNS[k, n]


def summary(x, start):
    move = (x - start).reshape(-1)
    return ([np.linalg.norm(x), np.linalg.norm(move)]
            + [np.dot(signs(k, move.size), move) for k in range(PROJECTIONS)])


def noise(run, single):
    """Distance of single from double precision, at worst over tensors and steps: relative
    to the tensor's norm, and to how far it has moved."""
    of_norm = of_move = 0
    for a, b in zip(run.states[1:], single.states[1:]):
        for name in a:
            d = np.linalg.norm(a[name] - b[name])
            of_norm = max(of_norm, d / np.linalg.norm(a[name]))
            move = np.linalg.norm(a[name] - run.states[0][name])
            of_move = max(of_move, d / move if move > 0 else 0)  # 0: frozen
    return of_norm, of_move


def load(name):
    def merge(low, high):
        for k, v in high.items():
            low[k] = merge(low.get(k, {}), v) if isinstance(v, dict) else v
        return low

    with open(os.path.join(OUT, name)) as f:
        c = yaml.safe_load(f)
    if "base" not in c:
        return c
    return merge(load(os.path.join(os.path.dirname(name), c.pop("base"))), c)


def write(name, run, salt):
    g = pattern.Golden(os.path.join(OUT, name + ".txt"),
                       ["tests/oracle/algorithm1.py, PyTorch " + torch.__version__])
    g.add("salt", [salt])
    g.add("dropout_node", [DROPOUT_NODE])
    for k, said in enumerate(run.steps):
        for key, value in said.items():
            g.add("%d.%s" % (k, key), np.atleast_1d(value))
        for tensor, x in run.states[k + 1].items():
            g.add("%d.%s" % (k, tensor), summary(x, run.states[0][tensor]))
    for tensor, x in getattr(run, "second", {}).items():  # a method's second weights
        g.add("second.%s" % tensor, summary(x, run.states[0][tensor]))
    g.write()


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name in ("sml1", "l2"):
        config = load(name + ".yaml")
        for salt in range(1, 1000):
            run = Run(config, salt, torch.float64)
            gates = [s["gate"] for s in run.steps]
            if run.margin > MARGIN and gates == [0, 0, 1, 1, 1]:
                break
        else:
            raise SystemExit("no images keep away from the kinks")
        write(name, run, salt)
        if name == "sml1":
            torch.save(run.net.float().state_dict(), os.path.join(OUT, name + ".th"),
                       _use_new_zipfile_serialization=False)
        single = Run(config, salt, torch.float32)
        print(name, "salt", salt, "margin %.2g" % run.margin, "gates", gates)
        print("  ce", ["%.3f" % s["ce"] for s in run.steps],
              "ema / ln C", ["%.3f" % (s["ema"] / math.log(CLASSES)) for s in run.steps])
        print("  w", ["%.4f" % s["w"] for s in run.steps])
        print("  PyTorch single from double: %.2g of the norm, %.2g of the move"
              % noise(run, single))


if __name__ == "__main__":
    main()
