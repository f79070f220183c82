"""Ten steps of torch.optim.AdamW for tests/server/test_adamw.c: writes
tests/data/adamw/NAME.txt.

Lines: comment; beta1, beta2, eps, weight decay, values, steps; the rate of every step; w
before; the gradient of every step; w, exp_avg and exp_avg_sq after.
"""
import os
import sys

import torch

import philox

CASES = {
    #          betas           eps  wd  rates
    "defaults": ((0.9, 0.999), 1e-8, 0.01, [1e-3] * 10),
    "no_decay": ((0.9, 0.999), 1e-8, 0.0, [0.1] * 10),
    "large_eps": ((0.8, 0.95), 0.5, 0.1, [0.1] * 10),
    "no_memory": ((0.0, 0.0), 1e-8, 0.1, [0.1] * 10),
    "rate_change": ((0.9, 0.999), 1e-8, 0.5, [0.1] * 5 + [0.01] * 5),
}
N = 11

if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    for number, (name, (betas, eps, wd, rates)) in enumerate(CASES.items()):
        x = philox.normal(philox.stream(1, philox.TEST, number, 1), N * 11).reshape(11, N)
        w = torch.nn.Parameter(torch.tensor(x[0].copy()))
        opt = torch.optim.AdamW([w], lr=rates[0], betas=betas, eps=eps, weight_decay=wd)
        for g, lr in zip(x[1:], rates):
            opt.param_groups[0]["lr"] = lr
            w.grad = torch.tensor(g.copy())
            opt.step()
        state = opt.state[w]
        with open(os.path.join(sys.argv[1], name + ".txt"), "w") as f:
            print("# tests/oracle/adamw.py, torch", torch.__version__, file=f)
            print(*betas, eps, wd, N, len(rates), file=f)
            print(*rates, file=f)
            for row in (*x, w.detach().numpy(), state["exp_avg"].numpy(),
                        state["exp_avg_sq"].numpy()):
                print(*(float(e).hex().replace("0000000p", "p") for e in row), file=f)
