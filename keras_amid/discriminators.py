"""The two discriminators of AMID, section 3.2 of the paper."""

import keras
from keras import layers

FUNDAMENTAL_LAYERS = 5
ENHANCED_LAYERS = 3


def fundamental_discriminator(dim, negative_slope=0.2):
    """D1, which tells teacher from student representations: a 5-layer MLP with one logit.

    Args:
        dim: int, size D of the representations and of the hidden layers (the paper gives no
            hidden size).
        negative_slope: float, of the Leaky ReLU.

    Returns:
        A built `keras.Model`, `(batch, dim)` -> logits `(batch, 1)`, named
        `fundamental_discriminator`, the name by which `amid_optimizer` finds its variables.
    """
    return _discriminator("fundamental_discriminator", FUNDAMENTAL_LAYERS, dim, negative_slope)


def enhanced_discriminator(dim, negative_slope=0.2):
    """D2, which does so for samples of one class: a 3-layer MLP with one logit.

    Args and return value as of `fundamental_discriminator`, named `enhanced_discriminator`.
    """
    return _discriminator("enhanced_discriminator", ENHANCED_LAYERS, dim, negative_slope)


def _discriminator(name, depth, dim, negative_slope):
    model = keras.Sequential([keras.Input((dim,))], name=name)
    for i in range(depth - 1):
        model.add(layers.Dense(dim, name=f"dense_{i + 1}"))
        model.add(layers.LeakyReLU(negative_slope, name=f"leaky_relu_{i + 1}"))
    model.add(layers.Dense(1, name=f"dense_{depth}"))
    return model


def with_stopped_weights(discriminator, x):
    """Applies a discriminator whose weights get no gradient, while `x` does.

    Args:
        discriminator: a built model.
        x: float tensor, shape `(batch, dim)`.

    Returns:
        Logits, shape `(batch, 1)`.
    """
    stopped = [keras.ops.stop_gradient(v) for v in discriminator.trainable_variables]
    others = [v.value for v in discriminator.non_trainable_variables]
    logits, _ = discriminator.stateless_call(stopped, others, x)
    return logits
