"""A network of torchvision whose ReLUs and max pools are set as another run chose.

A gradient is not continuous: where two values of a window, or a value and zero, are closer
than the rounding of two float32 programs, the gradient goes another way in each, and both
are right. With the same choices on both sides only rounding is left of the difference.

given = Given(net, relus) replaces the modules in place; relus holds that run's output of
every ReLU, NHWC, by our names. After a forward pass:

given.off    how far these outputs are from the network's own, largest difference over
             largest value of any ReLU. The outputs are continuous: a wrong choice that
             rounding does not explain is seen here.
given.relus_turned, given.windows_turned   how many choices are not the network's own.
"""
import torch
import torch.nn.functional as F
from torch import nn


class Given:
    def __init__(self, net, relus):
        self.relus, self.order = relus, []
        self.off, self.relus_turned, self.windows_turned = 0.0, 0, 0
        for path, m in list(net.named_modules()):
            if isinstance(m, nn.ReLU):
                self.put(net, path, GivenReLU(self, path))
            elif isinstance(m, nn.MaxPool2d):
                self.put(net, path, GivenPool(self, m))

    @staticmethod
    def put(net, path, module):
        parent, _, name = path.rpartition(".")
        setattr(net.get_submodule(parent), name, module)

    def below(self, channels):
        """What the last ReLUs gave: one, or some whose outputs have been concatenated."""
        y = []
        while sum(part.shape[1] for part in y) < channels:
            y.insert(0, self.output(self.order[-1 - len(y)]))
        return torch.cat(y, 1)

    def output(self, name):
        y = torch.from_numpy(self.relus[name][()])
        return y.permute(0, 3, 1, 2)


class GivenReLU(nn.Module):
    """torchvision's blocks of a ResNet call one ReLU three times; ours are relu1 to 3."""

    def __init__(self, given, path):
        super().__init__()
        self.given, self.path, self.calls = given, path, 0

    def forward(self, x):
        given = self.given
        self.calls += 1
        name = self.path if self.path in given.relus else self.path + str(self.calls)
        given.order.append(name)
        ours, own = given.output(name).reshape(x.shape), F.relu(x.detach())
        given.off = max(given.off, float((ours - own).abs().max() / own.max()))
        given.relus_turned += int(((ours > 0) != (own > 0)).sum())
        return torch.where(ours > 0, x, torch.zeros((), dtype=x.dtype))


class GivenPool(nn.Module):
    """Of the output of the ReLUs before it."""

    def __init__(self, given, pool):
        super().__init__()
        self.given, self.pool = given, pool
        pool.return_indices = True

    def forward(self, x):
        at = self.pool(self.given.below(x.shape[1]).contiguous())[1]
        y = x.flatten(2).gather(2, at.flatten(2)).view(at.shape)
        largest, own = self.pool(x.detach())
        self.given.windows_turned += int(((at != own) & (largest > 0)).sum())
        return y
