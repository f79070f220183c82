"""PyTorch's side of networks that torchvision has not, or has with another head. As a user
would write them: in place where that saves memory, symmetric padding (TensorFlow's, which
ptrain's MobileNet has, would cost a copy)."""
import torch
from torch import nn
from torch.nn import functional
import torchvision

SMALL = ("cifar_resnet20", "cifar_resnet56")


def side_and_classes(name):
    return (32, 10) if name in SMALL else (224, 1000)


def head(channels, classes):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5),
                         nn.Linear(channels, classes))


def conv_norm(c_in, c, kernel, stride=1, groups=1, eps=1e-5):
    return [nn.Conv2d(c_in, c, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(c, eps=eps)]


def mobilenet_v1(classes):
    """Ends at the depthwise part of layer 13, as the pretrained weights do."""
    widths = [32, 64, 128, 128, 256, 256] + [512] * 6 + [1024]
    layers = [*conv_norm(3, 32, 3, 2, eps=1e-3), nn.ReLU6(inplace=True)]
    for i, c in enumerate(widths):
        stride = 2 if i + 1 in (2, 4, 6, 12) else 1
        layers += [*conv_norm(c, c, 3, stride, groups=c, eps=1e-3), nn.ReLU6(inplace=True)]
        if i + 1 < len(widths):
            layers += [*conv_norm(c, widths[i + 1], 1, eps=1e-3), nn.ReLU6(inplace=True)]
    return nn.Sequential(*layers, head(1024, classes))


class OptionA(nn.Module):
    """A basic block whose shortcut has no weights."""

    def __init__(self, c_in, c):
        super().__init__()
        self.stride = 1 if c_in == c else 2
        self.pad = (c - c_in) // 2
        self.convs = nn.Sequential(*conv_norm(c_in, c, 3, self.stride), nn.ReLU(inplace=True),
                                   *conv_norm(c, c, 3))

    def forward(self, x):
        y = self.convs(x)
        if self.stride == 2:
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad))
        return functional.relu_(y + x)


def cifar_resnet(blocks, classes):
    layers = [*conv_norm(3, 16, 3), nn.ReLU(inplace=True)]
    widths = [16] + [c for c in (16, 32, 64) for _ in range(blocks)]
    layers += [OptionA(c_in, c) for c_in, c in zip(widths, widths[1:])]
    return nn.Sequential(*layers, head(64, classes))


def make(name, own_head):
    classes = side_and_classes(name)[1]
    if name == "mobilenet_v1":
        return mobilenet_v1(classes)
    if name in SMALL:
        return cifar_resnet((int(name[len("cifar_resnet"):]) - 2) // 6, classes)
    model = getattr(torchvision.models, name)(weights=None)
    if name.startswith("squeezenet") and not own_head:
        model.classifier = head(512, classes)
    return model
