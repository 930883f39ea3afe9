"""Floating-point operations of a convolutional network, counted from its layers."""

import numpy as np

from keras_amid.extractors.layers.factored_conv3d import FactoredConv3D


def forward_operations(extractor):
    """Operations on one sample, forward: a multiply and an add for each weight and output place.

    Batch normalization and activations, some hundredths of it, are left out.
    """
    convolutions = [layer for layer in extractor.layers if isinstance(layer, FactoredConv3D)]
    return sum(2 * np.prod(c.output.shape[1:-1]) * np.prod(c.kernel.shape) for c in convolutions)


def training_operations(extractor):
    """Likewise of a training step: backward is such a pass to the inputs and one to the kernels."""
    return 3 * forward_operations(extractor)
