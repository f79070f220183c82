#!/usr/bin/python3
"""Writes tests/data/methods: five steps with each regularizer, and with all together, by
PyTorch 1.13 in double precision, which differentiates every loss itself. Network, images,
gate and files are those of algorithm1.py; here are the losses that its run does not have.

Sources: FNP, Pairwise Confusion (Dubey et al., ECCV 2018), BSS (Chen et al., NeurIPS
2019; singular values by torch.linalg.svdvals), L2-SP (Li et al., ICML 2018), label
smoothing (torch's own), LwF (Li and Hoiem, ECCV 2016), AdaRand (yshinya6/adarand; torch's Adam), mixup (Zhang et al., ICLR 2018), CutMix (Yun et al., ICCV 2019, as torchvision's references), LP-FT (Kumar et al., ICLR 2022), EMA of weights (torch's AveragedModel).

usage: /usr/bin/python3 tests/oracle/methods.py [CASE...]
"""
import math
import os
import sys

import h5py
import numpy as np
import torch
import torch.nn.functional as F

import algorithm1
import philox
from algorithm1 import f32

OUT = os.path.join(algorithm1.HERE, "..", "data", "methods")
MIXUP, ADARAND, STOCHNORM, PAIR = 9, 10, 12, 13  # SHARE, CLASS_TARGET, MOVING, PAIR in common/base/rng.h
SOURCE_IMAGES, TESTED = 9, 1  # the source set follows one test image
# Batch norm nodes of the graph resnet_small, in the order of the network's modules.
NORM_NODES = (2, 5, 8, 12, 15, 17, 21, 24, 26)
CASES = ("delta", "delta_attention", "stoch_norm", "co_tuning", "joint", "joint_neighbours", "lwf", "lwf_stages", "fnp", "confusion", "confusion_squared", "bss", "l2_sp", "l2_sp_all",
         "adarand", "norm_batch", "soft", "lp_ft", "all", "all_mixed", "average", "cutmix", "mixup_or_cutmix", "adamw", "clip", "weights", "weights_mixed")


def mixup_share(seed, step, alpha):
    """Johnk's Beta(alpha, alpha) from the step's stream."""
    s = philox.stream(seed, MIXUP, step, 0)
    for i in range(200):
        u, v = (float(philox.uniform_f64(s, k)) for k in (2 * i, 2 * i + 1))
        x, y = u ** (1 / alpha), v ** (1 / alpha)
        if 0 < x + y <= 1:
            return x / (x + y)
    raise SystemExit("no share of mixup")


def cut(seed, step, alpha, x):
    """CutMix: x with a rectangle of x in reverse order, and the share that is left of x."""
    side = x.shape[-1]
    half = 0.5 * math.sqrt(1 - mixup_share(seed, step, alpha))
    s = philox.stream(seed, MIXUP, step, 1)
    where = []
    for axis in range(2):
        middle, reach = philox.below(s, axis, side), int(half * side)
        where.append(slice(max(middle - reach, 0), min(middle + reach, side)))
    mixed = x.clone()
    mixed[..., where[0], where[1]] = x.flip(0)[..., where[0], where[1]]
    area = np.prod([w.stop - w.start for w in where])
    return mixed, 1 - float(area) / side**2


class StochNorm(torch.nn.BatchNorm2d):
    """Each channel by the batch's statistics with probability p, else by the running ones
    of before the step. The authors' program has the same outputs (thuml/StochNorm), but no
    clone: its backward pass of the second kind finds statistics that the first has updated,
    and is 1 / sqrt(new variance) where the forward pass was 1 / sqrt(old variance)."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        moving = F.batch_norm(x, self.running_mean.clone(), self.running_var.clone(),
                              self.weight, self.bias, False, 0, self.eps)
        batch = F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias,
                             True, self.momentum, self.eps)
        s = philox.stream(self.seed, STOCHNORM, self.step, self.node)
        u = philox.uniform_f32(s, range(x.shape[1]))
        by_running = torch.from_numpy(u.astype(np.float64) < 1 - self.p)
        return torch.where(by_running[None, :, None, None], moving, batch)


def make_stochastic(run, p):
    norms = [m for m in run.net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(norms) == len(NORM_NODES)
    for m, node in zip(norms, NORM_NODES):
        m.__class__ = StochNorm
        m.seed, m.node, m.p = run.config["seed"], node, p
    return norms


class AdaRand:
    """Targets from N(mu_y, sigma_y^2); mu moves by Adam. Everything in double."""

    def __init__(self, config, run, total):
        self.c, self.seed, self.total = config, run.config["seed"], total
        run.net.eval()
        with torch.no_grad():
            features = run.net.represent(run.pixels)
        run.net.train()
        of = [features[run.labels == k] for k in range(algorithm1.CLASSES)]
        zero = features.new_zeros(features.shape[1])
        # float, as the state is kept
        self.mu = torch.stack([x.mean(0) if len(x) else zero for x in of]).float()
        self.sigma = torch.stack([x.std(0, unbiased=False) if len(x) else zero + 1
                                  for x in of]).float().to(run.dtype)
        self.mu = torch.nn.Parameter(self.mu.to(run.dtype))
        self.running = self.mu.detach().clone()
        self.adam = torch.optim.Adam([self.mu], lr=config.get("lr", 0.01))

    def penalty(self, rep, labels, k):
        eps = [philox.normal(philox.stream(self.seed, ADARAND, k, i), rep.shape[1])
               for i in range(len(rep))]
        z = self.mu.detach()[labels] + self.sigma[labels] * torch.from_numpy(
            np.stack(eps)).to(rep.dtype)
        return self.c["weight"] * F.mse_loss(rep, z)

    def move(self, rep, labels, k):
        a = self.c.get("decay", 0.5)
        for y in labels.unique():
            self.running[y] = a * self.running[y] + (1 - a) * rep[labels == y].mean(0)
        n = len(self.mu)
        on = (F.cosine_similarity(self.mu, self.running) - 1).pow(2).mean()
        all_pairs = F.cosine_similarity(self.mu[:, None], self.mu[None], dim=2)
        off = all_pairs[~torch.eye(n, dtype=bool)].pow(2).mean()
        self.adam.param_groups[0]["lr"] = (self.c.get("lr", 0.01)
                                           * (1 + math.cos(math.pi * k / self.total)) / 2)
        self.adam.zero_grad()
        (on + off).backward()
        self.adam.step()


def make_optimizer(o, groups, decay):
    if o.get("kind", "sgd") == "adamw":
        return torch.optim.AdamW(groups, lr=1, betas=(o.get("beta1", 0.9), o.get("beta2", 0.999)),
                                 eps=o.get("eps", 1e-8), weight_decay=decay)
    return torch.optim.SGD(groups, lr=1, momentum=f32(o["momentum"]), weight_decay=decay,
                           nesterov=o.get("nesterov", False))


class Run(algorithm1.Run):
    def __init__(self, config, salt, dtype):
        self.salt = salt
        super().__init__(config, salt, dtype)

    def train(self, o, schedule, n_steps):
        stages = self.config["stages"]
        self.regularizers = self.config.get("regularizers", {})
        self.soft = self.config.get("cross_entropy", {})
        self.weight = self.class_weights()
        self.joint = self.regularizers.get("joint")
        self.lwf = self.regularizers.get("lwf")
        self.delta, self.maps = self.regularizers.get("delta"), {}
        if self.delta:
            self.begin = algorithm1.make_net(self.config, self.dtype).eval()
            self.attention = self.read_attention()
            for which, net in (("now", self.net), ("then", self.begin)):
                for name in self.delta["nodes"]:
                    module = name.replace(".relu2", "")  # a block's output
                    dict(net.named_modules())[module].register_forward_hook(
                        lambda m, x, y, key=(which, name): self.maps.update({key: y}))
        self.co_tuning = self.regularizers.get("co_tuning")
        if self.lwf or self.co_tuning:  # what the start weights answer, in evaluation
            self.net.eval()
            with torch.no_grad():
                self.answers = self.net.source_head(self.net.represent(self.pixels))
            self.answers = self.answers.float().to(self.dtype)
            self.net.train()
        if self.co_tuning:  # p(source class | label)
            p = self.answers.softmax(1)
            self.related = torch.stack([
                p[self.labels == k].mean(0) if (self.labels == k).any()
                else p.new_full(p.shape[1:], 1 / p.shape[1])
                for k in range(algorithm1.CLASSES)])
        p = self.config["network"].get("stoch_norm", 1)
        self.norms = make_stochastic(self, p) if p < 1 else []
        self.adarand = None
        if "adarand" in self.regularizers:
            self.adarand = AdaRand(self.regularizers["adarand"], self,
                                   sum(s["steps"] for s in stages))
        self.start = {n: p.detach().clone() for n, p in self.net.named_parameters()}
        self.average = None
        if "average" in self.config:
            d = self.config["average"]["decay"]
            self.average = torch.optim.swa_utils.AveragedModel(
                self.net, avg_fn=lambda m, w, n: d * m + (1 - d) * w)
            self.average.update_parameters(self.net)  # the first one copies
        head = list(self.net.fc.parameters())
        trunk = [p for n, p in self.net.named_parameters() if not n.startswith("fc.")]
        decay = 0 if "l2_sp" in self.regularizers else f32(o["weight_decay"])
        optimizer = make_optimizer(o, [{"params": trunk}, {"params": head}], decay)
        ends = [sum(s["steps"] for s in stages[:i + 1]) for i in range(len(stages))]
        for k in range(ends[-1]):
            i = next(i for i, end in enumerate(ends) if k < end)
            frozen = "trunk" in stages[i].get("frozen", [])
            first = ends[i] - stages[i]["steps"] if schedule.get("per_stage") else 0
            total = stages[i]["steps"] if schedule.get("per_stage") else ends[-1]
            passed = sum(k - first >= math.ceil(at * total) for at in schedule["at"])
            factor = schedule["factor"] ** passed * stages[i].get("rate", 1)
            for group, lr in zip(optimizer.param_groups, (o["lr"], o["head_lr"])):
                group["lr"] = f32(f32(lr) * factor)
            for p in trunk:
                p.requires_grad_(not frozen)
            for m in self.net.modules():
                if isinstance(m, torch.nn.BatchNorm2d):
                    m.train(not frozen)
            said = self.forward(k)
            said["lr"], said["head_lr"] = [g["lr"] for g in optimizer.param_groups]
            optimizer.zero_grad(set_to_none=True)
            self.loss.backward()
            if "clip_norm" in o:
                said["gradient_norm"] = torch.nn.utils.clip_grad_norm_(
                    self.net.parameters(), o["clip_norm"]).item()
            optimizer.step()
            if self.average:
                self.average.update_parameters(self.net)
            if self.adarand:
                self.adarand.move(self.rep.detach(), self.targets, k)
            self.steps.append(said)
            self.states.append(self.state())
        if self.average:
            self.second = {n: p.detach().double().numpy().copy()
                           for n, p in self.average.module.named_parameters()}

    def class_weights(self):
        if "class_weights" in self.soft:
            return torch.tensor(self.soft["class_weights"], dtype=self.dtype)
        if self.soft.get("weights") != "balanced":
            return None
        n = torch.bincount(self.labels, minlength=algorithm1.CLASSES).to(self.dtype)
        return torch.where(n > 0, len(self.labels) / (algorithm1.CLASSES * n), n + 1)

    def classification(self, logits, labels, partners, share):
        e = self.soft.get("label_smoothing", 0)
        weight, scale = self.weight, 1
        if weight is not None:
            scale = len(labels) / weight[labels].sum()
        ce = lambda y: scale * F.cross_entropy(logits, y, weight, reduction="none",
                                               label_smoothing=e)
        mean = F.cross_entropy(logits, labels, weight, label_smoothing=e)
        assert torch.isclose(ce(labels).mean(), mean, rtol=1e-6)
        hit = lambda y: (logits.argmax(1) == y).double()
        return (share * ce(labels) + (1 - share) * ce(partners),
                share * hit(labels) + (1 - share) * hit(partners))

    def penalties(self, rep, logits, labels, images):
        """What the regularizers on outputs add to the batch's loss."""
        n, total = len(rep), rep.new_zeros(())
        if self.lwf:
            t = self.lwf.get("temperature", 2)
            p0 = self.answers[images].softmax(1) ** (1 / t)
            q = p0 / p0.sum(1, keepdim=True)
            log_s = (self.net.source_head(rep) / t).log_softmax(1)
            total = total - self.lwf["weight"] * (q * log_s).sum(1).mean()
        if self.co_tuning:
            log_s = self.net.source_head(rep).log_softmax(1)
            total = total - self.co_tuning["weight"] * (
                self.related[labels] * log_s).sum(1).mean()
        if self.delta:
            with torch.no_grad():
                self.begin.represent(self.pixels[images])
            for name in self.delta["nodes"]:
                d = self.maps["now", name] - self.maps["then", name]
                channels = (d ** 2).sum((2, 3)).mean(0) / 2 / d.shape[2] / d.shape[3]
                if self.attention:
                    channels = channels * self.attention[name] * d.shape[1]
                total = total + self.delta["weight"] * channels.sum()
        if "fnp" in self.regularizers:
            total = total + self.regularizers["fnp"]["weight"] * (rep ** 2).sum(1).mean()
        if "confusion" in self.regularizers:
            c, half = self.regularizers["confusion"], n // 2
            p = logits.softmax(1)
            d = (p[:half] - p[half:2 * half]).norm(dim=1)
            if c.get("squared"):
                d = d ** 2
            if c.get("different"):
                d = d * (labels[:half] != labels[half:2 * half])
            total = total + c["weight"] * d.sum() / n
        if "bss" in self.regularizers:
            b = self.regularizers["bss"]
            values = torch.linalg.svdvals(rep).sort()[0]
            total = total + b["weight"] * (values[:b["k"]] ** 2).sum()
        return total

    def read_attention(self):
        """softmax of the standardized increases / 5 (the authors' program)."""
        if "attention" not in self.delta:
            return None
        result = {}
        with h5py.File(os.path.join(OUT, self.delta["attention"])) as f:
            for name in self.delta["nodes"]:
                v = torch.tensor(f["increase"][name][:], dtype=self.dtype)
                z = (v - v.mean()) / v.std(unbiased=False)
                result[name] = F.softmax(z / 5, 0)
        return result

    def starting_point(self):
        c, total = self.regularizers["l2_sp"], 0
        for name, p in self.net.named_parameters():
            if p.dim() < 2 and not c.get("all_parameters"):
                continue
            if name.startswith("fc."):
                total = total + f32(c["beta"]) / 2 * (p ** 2).sum()
            elif p.requires_grad:
                total = total + f32(c["alpha"]) / 2 * ((p - self.start[name]) ** 2).sum()
        return total

    def source_images(self, k, n):
        """Source images of a step: they go round, each pass in an order of its own."""
        b = self.config["data"]["batch"]
        per_epoch = -(-algorithm1.IMAGES // b)
        first = k // per_epoch * algorithm1.IMAGES + k % per_epoch * b
        out = []
        for at in range(first, first + n):
            order = philox.permutation(philox.stream(
                self.config["seed"], philox.ORDER, at // SOURCE_IMAGES, 1), SOURCE_IMAGES)
            out.append(int(order[at % SOURCE_IMAGES]))
        return out

    def neighbours(self, k):
        """One of the i % 3 + 1 source images of each target image i (whole_run.c)."""
        images, progress = algorithm1.images_of_step(self.config, k)
        epoch, out = int(progress), []
        for i in map(int, images):
            u = philox.uniform_f64(philox.stream(self.config["seed"], PAIR, epoch, i), 0)
            out.append((5 * i + 2 * int(float(u) * (i % 3 + 1))) % SOURCE_IMAGES)
        return out

    def represent(self, k, x):
        """Features of the step's images; in joint training each is followed by a source
        image in the network, whose cross-entropy is the second result."""
        n = len(x)
        if not self.joint:
            return self.net.represent(x), x.new_zeros(())
        salt = self.salt
        start = algorithm1.IMAGES + TESTED
        all_images = algorithm1.pattern.nhwc(
            salt, (start + SOURCE_IMAGES, algorithm1.SIDE, algorithm1.SIDE, 3))
        at = self.source_images(k, n)
        if self.config["source"].get("draw") == "neighbours":
            at = self.neighbours(k)
        s = torch.from_numpy(all_images[start:]).to(self.dtype)[at]
        y = torch.tensor([(start + i) ** 2 % algorithm1.SOURCE_CLASSES for i in at])
        rep = self.net.represent(torch.stack([x, s], 1).flatten(0, 1))
        ce = F.cross_entropy(self.net.source_head(rep[1::2]), y)
        return rep[0::2], self.joint["weight"] * ce

    def forward(self, k):
        task = self.config["pseudo_task"]
        images, epoch = algorithm1.images_of_step(self.config, k)
        for m in self.norms:
            m.step = k
        labels, alpha = self.labels[images], self.soft.get("mixup", 0)
        seed, x, share = self.config["seed"], self.pixels[images], 1.0
        cuts = self.soft.get("cutmix", 0)
        if alpha and cuts:  # RandomChoice
            second = philox.below(philox.stream(seed, MIXUP, k, 2), 0, 2)
            alpha, cuts = (0, cuts) if second else (alpha, 0)
        if alpha:
            share = mixup_share(seed, k, alpha)
            x = share * x + (1 - share) * x.flip(0)
        if cuts:
            x, share = cut(seed, k, cuts, x)
        rep, joined = self.represent(k, x)
        if not rep.requires_grad:
            rep = rep.requires_grad_()
        n, dims = rep.shape
        every = 2 if self.joint else 1  # positions in the batch
        mask = algorithm1.dropout_mask(self.config, k, every * n, dims)[::every]
        mask = torch.from_numpy(mask)
        logits = self.net.fc(rep * mask.to(self.dtype))
        ce, hits = self.classification(logits, labels, labels.flip(0), share)
        regress = task["loss"] != "none"
        ptr = rep.new_zeros(n)
        if regress:
            t = algorithm1.targets(self.config, k, every * n, dims)[::every]
            t = torch.from_numpy(t).to(self.dtype)
            ptr = algorithm1.regression(task, rep, t)
        g_ce, = torch.autograd.grad(ce.sum(), rep, retain_graph=True)
        g_ptr = torch.zeros_like(g_ce)
        if regress:
            g_ptr, = torch.autograd.grad(ptr.sum(), rep, retain_graph=True)
        n_ce, n_ptr = g_ce.double().norm(dim=1), g_ptr.double().norm(dim=1)
        batch = [g.double().mean(0).norm().item() for g in (g_ce, g_ptr)]
        gate = self.gate.step(ce.double().mean().item(), epoch) and regress
        balanced = batch if task.get("norm") == "batch" else [n_ce.mean(), n_ptr.mean()]
        w = float(balanced[0] / (balanced[1] * task["ratio"])) if gate else 0.0
        penalty = self.penalties(rep, logits, labels, images) + joined
        self.rep, self.targets = rep, labels
        if self.adarand:
            penalty = penalty + self.adarand.penalty(rep, labels, k)
        self.loss = ce.mean() + w * ptr.mean() + penalty
        if "l2_sp" in self.regularizers:
            self.loss = self.loss + self.starting_point()
        said = {"ce": ce.double().mean().item(), "ema": self.gate.ema, "gate": float(gate),
                "accuracy": hits.mean().item(), "g_ce": n_ce.mean().item(),
                "g_ptr": n_ptr.mean().item(), "l_ptr": ptr.double().mean().item(), "w": w,
                "penalty": float(penalty), "image_g_ce": n_ce.numpy(),
                "image_g_ptr": n_ptr.numpy(),
                "image_cosine": F.cosine_similarity(g_ce.double(), g_ptr.double()).numpy(),
                "image_rep": rep.detach().double().norm(dim=1).numpy()}
        if self.joint:  # terms of source images are 0
            for key in [key for key in said if key.startswith("image_")]:
                said[key] = np.stack([said[key], np.zeros(n)], 1).reshape(-1)
        if task.get("norm") == "batch":
            said["batch_ce"], said["batch_ptr"] = batch
        if w > 0:
            last = self.net.layer3[0].downsample[0].weight
            said["probe_ce"], said["probe_ptr"] = [
                torch.autograd.grad(v, last, retain_graph=True)[0].double().norm().item()
                for v in (ce.mean(), w * ptr.mean())]
        return said


def write_attention():
    """Increases as ptrain attention writes them: mostly small, some negative."""
    generator = np.random.Generator(np.random.PCG64(1))
    with h5py.File(os.path.join(OUT, "delta_attention.h5"), "w") as f:
        f.attrs["format"] = "ptrain attention"
        f.attrs["network"] = "resnet_small"
        for name, c in (("layer1.0.conv1", 16), ("layer2.0.conv2", 32), ("layer2.0.relu2", 32)):
            v = generator.standard_exponential(c) * 0.03 - 0.01
            f["increase/" + name] = np.float32(v)


def main():
    write_attention()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    algorithm1.OUT = OUT
    for name in sys.argv[1:] or CASES:
        config = algorithm1.load(name + ".yaml")
        for salt in range(1, 1000):
            run = Run(config, salt, torch.float64)
            if run.margin > algorithm1.MARGIN:
                break
        else:
            raise SystemExit("no images keep away from the kinks")
        algorithm1.write(name, run, salt)
        single = Run(config, salt, torch.float32)
        print(name, "salt", salt, "margin %.2g" % run.margin,
              "w", ["%.4f" % s["w"] for s in run.steps],
              "penalty", ["%.4f" % s["penalty"] for s in run.steps])
        print("  PyTorch single from double: %.2g of the norm, %.2g of the move"
              % algorithm1.noise(run, single))


if __name__ == "__main__":
    main()
