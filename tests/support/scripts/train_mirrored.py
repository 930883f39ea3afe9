"""Trains AMID under tf.distribute.MirroredStrategy on two logical CPU devices (TensorFlow).

Usage: train_mirrored.py OUT.npz MODEL.keras
Writes the logs and state of a training with the schedule, and saves the model; and what `fit`
says to `jit_compile=True`.
"""

import sys

import numpy as np
import tensorflow as tf
import tiny

import keras_amid as ka


def new_model(**kwargs):
    model = tiny.amid(**kwargs)
    tiny.set_weights_from_seed(model)
    model.compile(optimizer=tiny.sgd(0.1), jit_compile=tiny.JIT)
    return model


def main(out, model_path):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    assert strategy.num_replicas_in_sync == 2
    with strategy.scope():
        model = new_model()
    x, y = tiny.data(28)  # batches of 8, 8, 8 and 4
    history = model.fit(
        x, y, batch_size=8, epochs=3, shuffle=False, verbose=0, validation_data=(x, y),
        callbacks=[ka.AMIDSchedule(warmup_epochs=1, smoothing=0.5)],
    ).history  # fmt: skip
    arrays = {f"history:{name}": np.float64(values) for name, values in history.items()}
    arrays["lambda_tilde"] = model.state.lambda_tilde.numpy()
    arrays["repeats"] = model.state.repeats.numpy()
    arrays["probabilities"] = model.predict(x, verbose=0)
    model.save(model_path)
    with strategy.scope():
        model.compile(optimizer=tiny.sgd(0.1), jit_compile=True)
    try:
        model.fit(x, y, batch_size=8, verbose=0)
    except ValueError as error:
        arrays["xla"] = np.array(str(error))
    np.savez(out, **{name.replace("/", "|"): array for name, array in arrays.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
