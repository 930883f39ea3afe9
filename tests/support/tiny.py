"""Tiny models and data for the tests."""

import keras
import numpy as np

import keras_amid as ka

VIDEO, AUDIO, TEXT = 5, 4, 3
#: `jit_compile` for the quickest way to the first steps, in tests where it is not the point.
JIT = keras.backend.backend() == "jax"
#: The same for a step or two: stepping eagerly spares TensorFlow the tracing.
FEW_STEPS = {"run_eagerly": not JIT, "jit_compile": JIT}


def extractor(size, features, name, trainable=True):
    model = keras.Sequential(
        [
            keras.Input((size,)),
            keras.layers.Dense(features, name="dense"),
            keras.layers.LeakyReLU(0.2, name="leaky_relu"),
        ],
        name=name,
    )
    model.trainable = trainable
    return model


def method(name, /, num_classes=3, dim=4, video_features=4, audio_features=3, **kwargs):
    """A method by the name of its class in `keras_amid`."""
    return getattr(ka, name)(
        {"video": extractor(VIDEO, video_features, "video_extractor")},
        {"audio": extractor(AUDIO, audio_features, "audio_extractor")},
        num_classes=num_classes,
        representation_dim=dim,
        **kwargs,
    )


def amid(**kwargs):
    return method("AMID", **kwargs)


def data(n=24, num_classes=3, seed=0, text=False):
    rng = np.random.default_rng(seed)
    x = {
        "video": rng.normal(size=(n, VIDEO)).astype("float32"),
        "audio": rng.normal(size=(n, AUDIO)).astype("float32"),
    }
    if text:
        x["text"] = rng.normal(size=(n, TEXT)).astype("float32")
    return x, rng.integers(0, num_classes, n)


def sgd(rate=0.1):
    sgds = [keras.optimizers.SGD(rate) for _ in range(3)]
    return ka.amid_optimizer(*sgds)


def adam(rate=1e-2):
    adams = [keras.optimizers.Adam(rate) for _ in range(3)]
    return ka.amid_optimizer(*adams)


def set_weights_from_seed(model, seed=0):
    """The same weights on every backend: normal numbers, in the order of the variables' paths."""
    rng = np.random.default_rng(seed)
    layers = [v for v in model.weights if v.path.endswith(("kernel", "bias"))]
    for variable in sorted(layers, key=lambda v: v.path):
        variable.assign(rng.normal(size=variable.shape).astype("float32") * 0.7)


def weights(model):
    return {v.path: keras.ops.convert_to_numpy(v.value).copy() for v in model.variables}
