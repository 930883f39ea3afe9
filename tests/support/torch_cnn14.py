"""PANNs' CNN14 in PyTorch with its public module names, front end included, for parity.

The Fourier transform is a convolution with stored weights, as in `torchlibrosa`.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from keras_amid.extractors import slaney_mel_filterbank


class STFT(nn.Module):
    def __init__(self, length, hop):
        super().__init__()
        self.length, self.hop = length, hop
        bins = length // 2 + 1
        # The transform of the unit impulses: column k of the DFT matrix is that of sample k.
        fourier = np.fft.fft(np.eye(length))[:, :bins] * np.hanning(length + 1)[:-1, None]
        self.conv_real = nn.Conv1d(1, bins, length, hop, bias=False)
        self.conv_imag = nn.Conv1d(1, bins, length, hop, bias=False)
        for conv, part in ((self.conv_real, fourier.real), (self.conv_imag, fourier.imag)):
            conv.weight.data = torch.tensor(part.T[:, None], dtype=torch.float32)

    def forward(self, x):
        x = functional.pad(x[:, None], (self.length // 2, self.length // 2), mode="reflect")
        real, imaginary = (conv(x).transpose(1, 2) for conv in (self.conv_real, self.conv_imag))
        return real[:, None], imaginary[:, None]


class Spectrogram(nn.Module):
    def __init__(self, length, hop):
        super().__init__()
        self.stft = STFT(length, hop)

    def forward(self, x):
        real, imaginary = self.stft(x)
        return real**2 + imaginary**2


class LogmelFilterBank(nn.Module):
    def __init__(self, sample_rate, length, low, high):
        super().__init__()
        bank = slaney_mel_filterbank(sample_rate, length, 64, low, high)
        self.melW = nn.Parameter(torch.tensor(bank, dtype=torch.float32))

    def forward(self, x):
        return 10 * torch.log10(torch.clamp(x @ self.melW, min=1e-10))


class ConvBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x, pool, slope):
        x = functional.leaky_relu(self.bn1(self.conv1(x)), slope)
        x = functional.leaky_relu(self.bn2(self.conv2(x)), slope)
        return functional.avg_pool2d(x, pool)


class Cnn14(nn.Module):
    """`width`, `features` and `slope` are as of `CNN14`; `forward` stops before `fc_audioset`."""

    def __init__(self, sample_rate=32000, width=1.0, features=2048, slope=0.0):
        super().__init__()
        length, hop, high = {32000: (1024, 320, 14000), 16000: (512, 160, 8000)}[sample_rate]
        self.spectrogram_extractor = Spectrogram(length, hop)
        self.logmel_extractor = LogmelFilterBank(sample_rate, length, 50, high)
        self.bn0 = nn.BatchNorm2d(64)
        filters = [1, *(max(1, round(n * width)) for n in (64, 128, 256, 512, 1024, 2048))]
        for block in range(1, 7):
            setattr(self, f"conv_block{block}", ConvBlock(*filters[block - 1 : block + 1]))
        self.fc1 = nn.Linear(filters[-1], features)
        self.fc_audioset = nn.Linear(features, 527)
        self.slope = slope
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x):
        x = self.logmel_extractor(self.spectrogram_extractor(x))  # (batch, 1, frames, mel bins)
        x = self.bn0(x.transpose(1, 3)).transpose(1, 3)
        for block in range(1, 7):
            x = getattr(self, f"conv_block{block}")(x, 2 if block < 6 else 1, self.slope)
        x = x.mean(dim=3)
        x = x.max(dim=2).values + x.mean(dim=2)
        return functional.leaky_relu(self.fc1(x), self.slope)
