"""Tiny students of raw clips, and their inputs."""

import keras
import numpy as np


def build_student(inputs, features, classes=4):
    representation = keras.layers.Dense(6, name="projection")(features)
    logits = keras.layers.Dense(classes, name="classifier", dtype="float32")(representation)
    outputs = {
        "probabilities": keras.layers.Softmax(dtype="float32")(logits),
        "logits": logits,
        "representation": representation,
    }
    return keras.Model(inputs, outputs, name="student")


def clip_features(clip):
    x = keras.layers.Rescaling(1 / 255)(clip)
    x = keras.layers.Conv3D(3, 2, name="conv")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.LeakyReLU(0.2)(x)
    # Active in training only, with a random state that must not be exported.
    x = keras.layers.Dropout(0.5)(x)
    return keras.layers.GlobalAveragePooling3D()(x)


def video_student(shape=(3, 5, 5, 2)):
    """Takes raw uint8 clips; every weight differs from its initial value."""
    clip = keras.Input(shape, dtype="uint8", name="video")
    student = build_student({"video": clip}, clip_features(clip))
    rng = np.random.default_rng(1)
    student.set_weights([rng.uniform(0.5, 1, w.shape).astype(w.dtype) for w in student.weights])
    return student


def clips(count, seed=0, shape=(3, 5, 5, 2)):
    rng = np.random.default_rng(seed)
    return {"video": rng.integers(0, 256, (count, *shape)).astype("uint8")}
