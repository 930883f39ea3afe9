"""Trains AMID for four epochs from weights and data that are the same on every backend.

Usage: train_alike.py OUT.npz [data_parallel]
With `data_parallel`, under `keras.distribution.DataParallel` over all devices (JAX). The logs of
every epoch and the weights at the end go to a file.
"""

import sys

import keras
import numpy as np
import tiny

import keras_amid as ka


def main(out, data_parallel=False):
    if data_parallel:
        devices = keras.distribution.list_devices()
        assert len(devices) == 2, devices
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
    model = tiny.amid(dim=5, train_auxiliary=True)
    tiny.set_weights_from_seed(model)
    model.compile(optimizer=tiny.adam(1e-2), jit_compile=tiny.JIT)
    x, y = tiny.data(22)
    history = model.fit(
        x, y, batch_size=8, epochs=4, shuffle=False, verbose=0,
        validation_data=(x, y), callbacks=[ka.AMIDSchedule(warmup_epochs=2)],
    ).history  # fmt: skip
    arrays = {f"log:{name}": np.float64(values) for name, values in history.items()}
    arrays |= {f"weight:{path}": array for path, array in tiny.weights(model).items()}
    if data_parallel:
        assert all(len(v.value.sharding.device_set) == 2 for v in model.trainable_variables)
    np.savez(out, **{name.replace("/", "|"): array for name, array in arrays.items()})


if __name__ == "__main__":
    main(sys.argv[1], "data_parallel" in sys.argv[2:])
