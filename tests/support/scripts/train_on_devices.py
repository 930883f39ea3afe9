"""Six SGD steps of each method on one device and on several.

Usage: train_on_devices.py OUT.npz WAY:N[,WAY:N...] METHOD...
WAY:N is "one:1", one device of this process alone; "mirrored:N" (TensorFlow); "data:N", "model:N"
(JAX: DataParallel, ModelParallel), on N virtual devices; "hosts:N" (JAX: DataParallel over
processes); "fit:N", "ddp:N" (PyTorch: `fit`, and a loop of one's own around
DistributedDataParallel). For the last three, N processes run this script with RANK, MASTER_ADDR and
MASTER_PORT in their environment (torchrun sets them), each on its own shard of the data.
Writes the weights and the logs after the last step; of several processes, the first one does.
"""

import contextlib
import functools
import os
import sys

import keras
import numpy as np
import tiny

BATCH, STEPS = 16, 6
X, _ = tiny.data(BATCH * STEPS)
Y = np.random.default_rng(1).integers(0, 3, BATCH * STEPS)
DATA = {**X, "index": np.arange(BATCH * STEPS)}
#: With `semi_supervised` and `x["present"]`: both kinds of samples in every shard.
PARTLY_LABELLED = np.where(np.arange(BATCH * STEPS) % 5 == 0, -1, Y)
PRESENT = {"audio": np.arange(BATCH * STEPS) % 7 != 0}
BANK = {"train_labels": Y, "embedding_dim": 3, "num_negatives": 5}
ARGUMENTS = {"CRD": BANK, "CRCD": BANK, "GMC": {"embedding_dim": 3}}
BY_PROCESS = ("hosts", "fit", "ddp")
RANK = int(os.environ.get("RANK", "0"))


def initialize(ways):
    """What has to come before anything is computed."""
    count = max(ways.values())
    if "mirrored" in ways:
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(cpu, parts)
    if "hosts" in ways:
        first = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        keras.distribution.initialize(first, count, RANK)


def scope(way, count):
    """The context in which a model is made to train in a way."""
    if way == "mirrored":
        return mirrored(count).scope()
    if way in ("fit", "ddp"):
        import torch

        if not torch.distributed.is_initialized():
            torch.distributed.init_process_group("gloo")
    if keras.backend.backend() == "jax":
        keras.distribution.set_distribution(distribution(way, count))
    return contextlib.nullcontext()


@functools.cache  # the collective operations of two strategies would be taken for each other's
def mirrored(count):
    """The one strategy of this process."""
    import tensorflow as tf

    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(count)])


def distribution(way, count, sharded="/dense_1/kernel"):
    """Of Keras, on JAX; None for one device."""
    if way == "one":
        return None
    devices = keras.distribution.list_devices()[:count]
    assert len(devices) == count, devices
    if way != "model":
        return keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)
    mesh = keras.distribution.DeviceMesh((count // 2, 2), ["batch", "model"], devices)
    layout = keras.distribution.LayoutMap(mesh)
    layout["video_extractor/dense/kernel"] = (None, "model")
    layout[f".*discriminator{sharded}"] = (None, "model")  # not the last one: (D, 1)
    return keras.distribution.ModelParallel(layout_map=layout, batch_dim_name="batch")


def made(name, way, count):
    """A compiled model by the name of its class, with ", partly" behind it for partial data."""
    keras.utils.clear_session()  # the same names of variables whatever was made before
    kind, _, partly = name.partition(", ")
    with scope(way, count):
        model = tiny.method(kind, semi_supervised=bool(partly), **ARGUMENTS.get(kind, {}))
        amid = hasattr(model, "fundamental_discriminator")
        optimizer = tiny.sgd(0.05) if amid else keras.optimizers.SGD(0.05)
        model.compile(optimizer=optimizer, jit_compile=tiny.JIT)
    tiny.set_weights_from_seed(model)
    for variable in sorted(model.variables, key=lambda v: v.path):
        if variable.path.endswith("_bank"):  # drawn at random
            rows = np.random.default_rng(len(variable.path)).normal(size=variable.shape)
            variable.assign(rows.astype("float32"))
        if variable.path.endswith("seed_generator_state"):
            variable.assign(np.array([7, 0]))
    data, labels = DATA, Y
    if partly:
        data, labels = {**DATA, "present": PRESENT}, PARTLY_LABELLED
    return model, data, labels


def shard(data, labels, count):
    """Of each batch this process's part, in order."""
    index = np.arange(BATCH * STEPS).reshape(STEPS, count, -1)[:, RANK].reshape(-1)
    return keras.tree.map_structure(lambda a: a[index], data), labels[index]


def loop(model, data, labels, size):
    """What Keras's guide for PyTorch has: DistributedDataParallel, and a loop of one's own."""
    import torch

    wrapped = torch.nn.parallel.DistributedDataParallel(model)
    for start in range(0, len(labels), size):
        part = slice(start, start + size)
        x = keras.tree.map_structure(lambda a, p=part: torch.tensor(a[p]), data)
        model.zero_grad()
        loss = model.compute_loss(x, torch.tensor(labels[part]), wrapped(x, training=True))
        loss.backward()
        variables = model.trainable_variables
        with torch.no_grad():
            model.optimizer.apply([v.value.grad for v in variables], variables)
    return {}


def trained(name, way, count):
    """Name -> array, the weights and logs of a model after the last step."""
    model, data, labels = made(name, way, count)
    size = BATCH
    if way in BY_PROCESS:
        data, labels = shard(data, labels, count)
        size = BATCH // count
    if way == "ddp":
        logs = loop(model, data, labels, size)
    else:
        logs = model.fit(data, labels, batch_size=size, shuffle=False, verbose=0).history
    kept = {f"log:{key}": np.float64(value) for key, value in logs.items()}
    return {**kept, **tiny.weights(model)}


def refused():
    """What a layout of D1's and D2's last kernels, of shape (D, 1), is answered."""
    keras.distribution.set_distribution(distribution("model", 2, "/dense_.*/kernel"))
    try:
        tiny.amid()
    except ValueError as error:
        return {"model:2:refused:message": np.array(str(error))}
    return {}


def main(out, ways, *names):
    pairs = [way.split(":") for way in ways.split(",")]
    initialize({way: int(count) for way, count in pairs})
    arrays = refused() if "model" in dict(pairs) else {}
    for way, count in pairs:
        for name in names:
            for key, array in trained(name, way, int(count)).items():
                arrays[f"{way}:{count}:{name}:{key}".replace("/", "|")] = array
    if RANK == 0:
        np.savez(out, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
