"""One step's exchange of N floats by gloo's all_reduce, under mpirun: exchange.sh.

usage: exchange_gloo.py MASTER FLOATS ROUNDS"""
import os
import sys
import time

import torch
import torch.distributed as dist

master, floats, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rank, size = int(os.environ["OMPI_COMM_WORLD_RANK"]), int(os.environ["OMPI_COMM_WORLD_SIZE"])
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"tcp://{master}:29500", rank=rank, world_size=size)
x, seconds = torch.ones(floats), []
for _ in range(rounds + 1):  # the first one warms up
    dist.barrier()
    start = time.time()
    dist.all_reduce(x)
    worst = torch.tensor([time.time() - start], dtype=torch.float64)
    dist.all_reduce(worst, op=dist.ReduceOp.MAX)
    seconds.append(worst.item())
    x.fill_(1)
seconds = sorted(seconds[1:])
if rank == 0:
    print(f"gloo 0 servers {size} workers {floats} floats: {seconds[len(seconds) // 2]:.3f} s "
          f"({seconds[0]:.3f} to {seconds[-1]:.3f})")
