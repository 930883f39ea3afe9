"""R(2+1)D in PyTorch with torchvision's module names, for parity and as a yardstick of speed.

torchvision itself does not import beside a PyTorch without CUDA.
"""

import torch
from torch import nn

BLOCKS = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


class Conv2Plus1D(nn.Sequential):
    def __init__(self, inputs, outputs, middle, stride):
        super().__init__(
            nn.Conv3d(inputs, middle, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False),
            nn.BatchNorm3d(middle),
            nn.ReLU(inplace=True),
            nn.Conv3d(middle, outputs, (3, 1, 1), (stride, 1, 1), (1, 0, 0), bias=False),
        )


def middle_filters(inputs, outputs):
    return (inputs * outputs * 3 * 3 * 3) // (inputs * 3 * 3 + 3 * outputs)


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, vmz):
        super().__init__()
        first = middle_filters(inputs, outputs)
        second = middle_filters(outputs, outputs) if vmz else first
        self.conv1 = nn.Sequential(
            Conv2Plus1D(inputs, outputs, first, stride),
            nn.BatchNorm3d(outputs),
            nn.ReLU(inplace=True),
        )
        self.conv2 = nn.Sequential(
            Conv2Plus1D(outputs, outputs, second, 1), nn.BatchNorm3d(outputs)
        )
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv3d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm3d(outputs)
            )

    def forward(self, x):
        skipped = x if self.downsample is None else self.downsample(x)
        return self.relu(self.conv2(self.conv1(x)) + skipped)


class VideoResNet(nn.Module):
    """torchvision's `r2plus1d_18`, or at depth 34 the network of the IG-65M weights.

    `width` and `slope` are as of `R2Plus1D`; `forward` stops before the classifier `fc`.
    """

    def __init__(self, depth=18, width=1.0, slope=0.0, classes=400):
        super().__init__()
        middle, *filters = (max(1, round(n * width)) for n in (45, 64, 64, 128, 256, 512))
        self.stem = nn.Sequential(
            nn.Conv3d(3, middle, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False),
            nn.BatchNorm3d(middle),
            nn.ReLU(inplace=True),
            nn.Conv3d(middle, filters[0], (3, 1, 1), 1, (1, 0, 0), bias=False),
            nn.BatchNorm3d(filters[0]),
            nn.ReLU(inplace=True),
        )
        for stage in range(1, 5):
            inputs, outputs = filters[stage - 1], filters[stage]
            blocks = [BasicBlock(inputs, outputs, 1 if stage == 1 else 2, depth == 34)]
            for _ in range(1, BLOCKS[depth][stage - 1]):
                blocks.append(BasicBlock(outputs, outputs, 1, depth == 34))
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.fc = nn.Linear(filters[-1], classes)
        if slope:
            leaky(self, slope)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm3d) and depth == 34:
                module.eps = 1e-3
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        for part in (self.stem, self.layer1, self.layer2, self.layer3, self.layer4, self.avgpool):
            x = part(x)
        return x.flatten(1)


def leaky(module, slope):
    """Puts Leaky ReLU in the place of every ReLU."""
    for name, child in module.named_children():
        if isinstance(child, nn.ReLU):
            setattr(module, name, nn.LeakyReLU(slope, inplace=True))
        leaky(child, slope)


def shaken(module, seed=0):
    """Moves scales, biases and statistics away from their neutral start; returns the module."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in module.state_dict().items():
        if tensor.ndim == 1:
            low, high = (-0.5, 0.5) if name.endswith(("bias", "mean")) else (0.5, 1.5)
            tensor.uniform_(low, high, generator=generator)
    return module.eval()
