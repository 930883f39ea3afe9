"""The optimizers of AMID's three updates, held in one."""

from __future__ import annotations

import keras


def amid_optimizer(
    main: keras.optimizers.Optimizer,
    discriminator_1: keras.optimizers.Optimizer,
    discriminator_2: keras.optimizers.Optimizer,
) -> keras.optimizers.Optimizer:
    """One optimizer out of three: each group of variables is updated by its own.

    The result saves, restores and shards like any Keras optimizer. Learning-rate schedules
    belong inside the three. `keras.callbacks.LearningRateScheduler` sets the rates of all three: a
    function of `(epoch, learning_rate)` may scale each, while one of the epoch alone gives the
    discriminators the main optimizer's rate.

    Args:
        main: `keras.optimizers.Optimizer` of the extractors, student, auxiliary, teacher and
            classifier.
        discriminator_1: optimizer of the fundamental discriminator D1.
        discriminator_2: optimizer of the enhanced discriminator D2. The three must be three
            objects.

    Returns:
        `keras.optimizers.MultiOptimizer`, for `model.compile(optimizer=...)`.

    Raises:
        ValueError: if one is not a Keras optimizer, or one object is given twice.
    """
    given = {
        "main": main,
        "discriminator_1": discriminator_1,
        "discriminator_2": discriminator_2,
    }
    for name, optimizer in given.items():
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise ValueError(
                f"`{name}` must be a keras.optimizers.Optimizer; received {optimizer!r}."
            )
    if len({id(optimizer) for optimizer in given.values()}) != len(given):
        raise ValueError(
            "`main`, `discriminator_1` and `discriminator_2` must be three optimizer objects: "
            "each keeps the state of its own variables; received one of them twice."
        )
    return keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(
            main,
            {
                r"(.*/)?fundamental_discriminator/.*": discriminator_1,
                r"(.*/)?enhanced_discriminator/.*": discriminator_2,
            },
        )
    )
