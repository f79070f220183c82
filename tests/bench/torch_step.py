#!/usr/bin/env python3
"""A full training step in PyTorch, as fast as a user can have it on CPU without
changing the arithmetic: channels_last, gradients set to None, warmed up. Prints one line
of JSON like `ptrain bench step --json`. The caller tunes malloc (compare.sh).

--processes P: DistributedDataParallel over gloo, P processes of --threads, --batch is the
whole batch. --bf16: forward and loss under bfloat16 autocast. SqueezeNet gets the
fine-tuning head that ptrain has (average, dropout, linear); --own-head keeps
torchvision's, which costs more."""
import argparse
import json
import os
import resource
import socket
import statistics
import time

import torch

import torch_networks


def options():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--network", default="resnet50")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--processes", type=int, default=1)
    p.add_argument("--steps", type=int, default=5)
    p.add_argument("--warmup", type=int, default=2)
    p.add_argument("--bf16", action="store_true")
    p.add_argument("--own-head", action="store_true")
    return p.parse_args()


def make_model(o):
    torch.manual_seed(1)
    model = torch_networks.make(o.network, o.own_head)
    return model.to(memory_format=torch.channels_last).train()


def measure(o, model, batch):
    side, classes = torch_networks.side_and_classes(o.network)
    x = torch.randn(batch, 3, side, side).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, classes, (batch,))
    loss_of = torch.nn.CrossEntropyLoss()
    sgd = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4)
    seconds = []
    for i in range(o.warmup + o.steps):
        start = time.perf_counter()
        sgd.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=o.bf16):
            loss = loss_of(model(x), labels)
        loss.backward()
        sgd.step()
        if i >= o.warmup:
            seconds.append(time.perf_counter() - start)
    if not torch.isfinite(loss):
        raise SystemExit("error: the loss is not finite")
    return statistics.median(seconds)


def report(o, seconds, rss):
    print(json.dumps({
        "bench": "torch step", "torch": torch.__version__, "network": o.network,
        "batch": o.batch, "threads": o.threads, "processes": o.processes,
        "bf16": o.bf16, "own_head": o.own_head, "steps": o.steps, "seconds": seconds,
        "images_per_s": o.batch / seconds, "peak_rss_bytes": rss}), flush=True)


def peak_rss():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def one_rank(rank, o, port):
    torch.set_num_threads(o.threads)
    torch.distributed.init_process_group(
        "gloo", init_method="tcp://127.0.0.1:%d" % port, rank=rank, world_size=o.processes)
    model = torch.nn.parallel.DistributedDataParallel(
        make_model(o), gradient_as_bucket_view=True)
    torch.manual_seed(1 + rank)
    seconds = measure(o, model, o.batch // o.processes)
    largest = torch.tensor([float(peak_rss()), seconds], dtype=torch.float64)
    torch.distributed.all_reduce(largest, torch.distributed.ReduceOp.MAX)
    if rank == 0:
        report(o, float(largest[1]), int(largest[0]))
    torch.distributed.destroy_process_group()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def main():
    o = options()
    if o.processes > 1:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        torch.multiprocessing.spawn(one_rank, (o, free_port()), nprocs=o.processes)
        return
    torch.set_num_threads(o.threads)
    seconds = measure(o, make_model(o), o.batch)
    report(o, seconds, peak_rss())


if __name__ == "__main__":
    main()
