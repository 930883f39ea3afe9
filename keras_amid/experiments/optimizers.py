"""The optimizer of experiments on small networks."""

from __future__ import annotations

import keras


def adamw(rate: float, decay: float, steps: int) -> keras.optimizers.Optimizer:
    """AdamW, the rate going to 0 by a cosine; weight decay on kernels only.

    Args:
        rate: learning rate at the start.
        decay: weight decay.
        steps: of the whole training.
    """
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
