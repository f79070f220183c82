"""Ten steps of torch.optim.SGD for tests/server/test_sgd.c: writes tests/data/sgd/NAME.txt.

Lines: comment; momentum, weight decay, nesterov, values, steps; the rate of every step; w
before; the gradient of every step; w after; the momentum buffer after.
"""
import os
import sys

import torch

import philox

CASES = {
    #            momentum wd nesterov rates
    "plain": (0.0, 0.0, False, [0.1] * 10),
    "momentum": (0.9, 0.0, False, [0.1] * 10),
    "decay": (0.9, 5e-4, False, [0.1] * 10),
    "nesterov": (0.9, 5e-4, True, [0.1] * 10),
    "rate_change": (0.9, 5e-4, False, [0.1] * 5 + [0.01] * 5),
}
N = 11

if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    for number, (name, (mu, wd, nesterov, rates)) in enumerate(CASES.items()):
        x = philox.normal(philox.stream(1, philox.TEST, number, 0), N * 11).reshape(11, N)
        w = torch.nn.Parameter(torch.tensor(x[0].copy()))
        opt = torch.optim.SGD([w], lr=rates[0], momentum=mu, weight_decay=wd,
                              nesterov=nesterov)
        for g, lr in zip(x[1:], rates):
            opt.param_groups[0]["lr"] = lr
            w.grad = torch.tensor(g.copy())
            opt.step()
        v = opt.state[w].get("momentum_buffer")
        v = torch.tensor(x[10].copy()) if v is None else v  # mu = 0: v is the gradient
        with open(os.path.join(sys.argv[1], name + ".txt"), "w") as f:
            print("# tests/oracle/sgd.py, torch", torch.__version__, file=f)
            print(mu, wd, int(nesterov), N, len(rates), file=f)
            print(*rates, file=f)
            for row in (*x, w.detach().numpy(), v.numpy()):
                print(*(float(e).hex().replace("0000000p", "p") for e in row), file=f)
