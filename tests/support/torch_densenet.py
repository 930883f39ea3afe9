"""DenseNet as torchvision lays it out (Huang et al., 2017), for parity on random weights."""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional


class DenseLayer(nn.Module):
    def __init__(self, inputs, growth_rate):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, 4 * growth_rate, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth_rate)
        self.conv2 = nn.Conv2d(4 * growth_rate, growth_rate, 3, padding=1, bias=False)

    def forward(self, x):
        y = self.conv1(functional.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(functional.relu(self.norm2(y)))], 1)


def transition(channels):
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(channels),
            relu=nn.ReLU(),
            conv=nn.Conv2d(channels, channels // 2, 1, bias=False),
            pool=nn.AvgPool2d(2),
        )
    )


class TorchDenseNet(nn.Module):
    """uint8 (images, 3, height, width) -> features (images, channels)."""

    def __init__(self, blocks, growth_rate, classes=5):
        super().__init__()
        features = OrderedDict(
            conv0=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(64),
            relu0=nn.ReLU(),
            pool0=nn.MaxPool2d(3, stride=2, padding=1),
        )
        channels = 64
        for block, count in enumerate(blocks, start=1):
            dense = OrderedDict()
            for layer in range(1, count + 1):
                dense[f"denselayer{layer}"] = DenseLayer(channels, growth_rate)
                channels += growth_rate
            features[f"denseblock{block}"] = nn.Sequential(dense)
            if block < len(blocks):
                features[f"transition{block}"] = transition(channels)
                channels //= 2
        features[f"norm{len(blocks) + 1}"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(features)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, images):
        mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
        deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
        x = (images.float() / 255 - mean) / deviation
        return functional.relu(self.features(x)).mean((2, 3))
