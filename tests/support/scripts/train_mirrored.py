"""Trains AMID under tf.distribute.MirroredStrategy on two logical CPU devices (TensorFlow).

Usage: train_mirrored.py OUT.npz MODEL.keras
Writes the change of each weight by one SGD step on a batch over two replicas, and those by the
two halves of the batch on one device; then trains on with the schedule, and saves the model.
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


def change(model, x, y):
    """Logs of one step on one batch, and what it adds to each trainable variable."""
    before = tiny.weights(model)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(len(y), drop_remainder=True)
    history = model.fit(dataset, verbose=0).history
    after = tiny.weights(model)
    trained = [v.path for v in model.trainable_variables]
    logs = {f"log:{name}": values[0] for name, values in history.items()}
    return {**logs, **{f"change:{path}": after[path] - before[path] for path in trained}}


def part(x, y, where):
    return {name: array[where] for name, array in x.items()}, y[where]


def main(out, model_path):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    assert strategy.num_replicas_in_sync == 2
    x, _ = tiny.data(8)
    y = np.array([0, 1, 1, 2, 0, 0, 0, 1])
    arrays = {}
    for name, half in (("first", slice(0, 4)), ("second", slice(4, 8))):
        results = change(new_model(pair_normalizer="batch"), *part(x, y, half))
        arrays |= {f"{name}:{key}": value for key, value in results.items()}
    with strategy.scope():
        model = new_model(pair_normalizer="batch")
    arrays |= {f"mirrored:{key}": value for key, value in change(model, x, y).items()}

    with strategy.scope():
        model = new_model()
    x, y = tiny.data(28)  # batches of 8, 8, 8 and 4
    history = model.fit(
        x, y, batch_size=8, epochs=3, shuffle=False, verbose=0, validation_data=(x, y),
        callbacks=[ka.AMIDSchedule(warmup_epochs=1, smoothing=0.5)],
    ).history  # fmt: skip
    arrays |= {f"history:{name}": np.float64(values) for name, values in history.items()}
    arrays["lambda_tilde"] = model.state.lambda_tilde.numpy()
    arrays["repeats"] = model.state.repeats.numpy()
    arrays["probabilities"] = model.predict(x, verbose=0)
    model.save(model_path)
    np.savez(out, **{name.replace("/", "|"): array for name, array in arrays.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
