"""Saving and loading: whole models, weights, the student alone, backups."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tiny

import keras_amid as ka

X, Y = tiny.data(20)


@keras.saving.register_keras_serializable(package="tests")
class Scaled(keras.layers.Layer):
    """A user's own layer as extractor, which is built by its first call only."""

    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.dense = keras.layers.Dense(3)

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, x):
        return self.factor * self.dense(x)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def changed_everywhere():
    """A model with no argument at its default."""
    return ka.AMID(
        {"video": tiny.extractor(tiny.VIDEO, 4, "video"), "audio": Scaled(0.5)},
        {"text": tiny.extractor(tiny.TEXT, 3, "text")},
        num_classes=4,
        representation_dim=7,
        temperature=0.3,
        mi_student_weight=3.0,
        mi_auxiliary_weight=1.5,
        adversarial_weight=0.5,
        pair_normalizer=3.5,
        train_auxiliary=True,
        projection=True,
        detach_teacher=True,
        contrastive_loss="noise_contrastive",
        use_enhanced_discriminator=False,
        normalize_positives=True,
        block=4,
        negative_slope=0.1,
        semi_supervised=True,
        name="study",
    )


def fit(model, epochs, start=0, **kwargs):
    return model.fit(
        X, Y, batch_size=8, initial_epoch=start, epochs=epochs, shuffle=False, verbose=0, **kwargs
    ).history


def numbers(variables):
    """By position: Keras may give the layers of a loaded extractor other paths."""
    return [keras.ops.convert_to_numpy(v.value).copy() for v in variables]


def state(model):
    """Every number that training goes on from."""
    return {"weights": numbers(model.variables), "optimizer": numbers(model.optimizer.variables)}


def as_json(model):
    """The config as a file holds it: without the difference of tuples and lists."""
    return json.loads(json.dumps(model.get_config()))


def assert_same(arrays, expected):
    keras.tree.map_structure(np.testing.assert_array_equal, arrays, expected)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model after three epochs, saved; and the file."""
    keras.utils.set_random_seed(1)
    model = tiny.amid()
    model.compile(optimizer=tiny.adam(), jit_compile=tiny.JIT)
    fit(model, 3, callbacks=[ka.AMIDSchedule(warmup_epochs=2)])
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(path)
    return model, path


def test_loaded_model_is_the_saved_one(saved):
    model, path = saved
    loaded = keras.models.load_model(path)
    assert type(loaded) is ka.AMID and as_json(loaded) == as_json(model)
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    assert_same(state(loaded), state(model))
    rates = [v for v in loaded.optimizer.variables if "adam" in v.path and "velocity" in v.path]
    assert len(rates) == len(model.trainable_variables)
    assert all(np.any(v.numpy() != 0) for v in rates if "kernel" in v.path)
    assert loaded.state.repeats.numpy() > 0 and (loaded.state.lambda_tilde.numpy() != 0).all()
    assert float(loaded.state.after_warmup.numpy()) == 1
    assert not loaded.auxiliary_extractors["audio"].trainable


def test_training_goes_on_as_if_it_had_not_been_saved(saved, tmp_path):
    _, path = saved
    results = []
    for pause in (False, True):
        model = keras.models.load_model(path)
        schedule = [ka.AMIDSchedule(warmup_epochs=2)]
        fit(model, 4, 3, callbacks=schedule)
        if pause:
            model.save(tmp_path / "again.keras")
            model = keras.models.load_model(tmp_path / "again.keras")
        fit(model, 5, 4, callbacks=schedule)
        results.append(state(model))
    assert_same(results[1], results[0])


def test_weights_file_restores_a_new_model(saved, tmp_path):
    model, _ = saved
    model.save_weights(tmp_path / "model.weights.h5")
    fresh = tiny.amid()
    assert not np.array_equal(fresh.predict(X, verbose=0), model.predict(X, verbose=0))
    fresh.load_weights(tmp_path / "model.weights.h5")
    assert_same(numbers(fresh.variables), numbers(model.variables))


def test_every_argument_and_a_users_layer_are_saved(tmp_path):
    model = changed_everywhere()
    x, _ = tiny.data(8, text=True)
    model.build({name: array.shape for name, array in x.items()})
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert as_json(loaded) == as_json(model)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert_same(numbers(loaded.variables), numbers(model.variables))
    default = tiny.amid().get_config()
    same = {name for name, value in model.get_config().items() if value == default[name]}
    assert same <= {"dtype", "trainable"}, "left at their defaults"


def test_model_not_built_yet_is_described_by_its_arguments():
    config = changed_everywhere().get_config()
    assert ka.AMID.from_config(config).get_config() == config
    json.dumps(config)


def test_checkpoint_keeps_the_best_epoch(tmp_path):
    model = tiny.amid()
    model.compile(optimizer=tiny.adam(0.05), jit_compile=tiny.JIT)
    path = tmp_path / "best.keras"
    checkpoint = keras.callbacks.ModelCheckpoint(
        path, monitor="val_student_accuracy", mode="max", save_best_only=True
    )
    x, y = tiny.data(40, seed=3)
    history = fit(model, 4, validation_data=(x, y), callbacks=[checkpoint])
    best = keras.models.load_model(path).evaluate(x, y, verbose=0, return_dict=True)
    assert best["student_accuracy"] == pytest.approx(max(history["val_student_accuracy"]))


LOAD_STUDENT = """
import sys, keras, numpy as np
student = keras.models.load_model(sys.argv[1])
outputs = student.predict({"video": np.load(sys.argv[2])}, verbose=0)
np.savez(sys.argv[3], **outputs)
assert not any(name.startswith("keras_amid") for name in sys.modules)
"""


def test_student_loads_alone_where_the_package_is_not(saved, tmp_path):
    model, _ = saved
    model.student.save(tmp_path / "student.keras")
    np.save(tmp_path / "x.npy", X["video"])
    arguments = [tmp_path / "student.keras", tmp_path / "x.npy", tmp_path / "out.npz"]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment["KERAS_BACKEND"] = keras.backend.backend()
    subprocess.run(
        [sys.executable, "-c", LOAD_STUDENT, *map(str, arguments)],
        check=True, cwd=tmp_path, env=environment, timeout=300,
    )  # fmt: skip
    with np.load(tmp_path / "out.npz") as outputs:
        assert set(outputs.files) == {"probabilities", "logits", "representation"}
        expected = model.predict(X, verbose=0)
        np.testing.assert_allclose(outputs["probabilities"], expected, rtol=1e-6, atol=1e-7)
        assert outputs["representation"].shape == (20, 4)
    names = {v.path.split("/")[0] for v in model.student.variables}
    assert names == {"video_extractor", "classifier"}


def test_backup_needs_no_warm_up_call(tmp_path):
    """A new process's model takes the backup in its first fit and goes on from there."""

    def new():
        model = tiny.amid()
        tiny.set_weights_from_seed(model)
        model.compile(optimizer=tiny.adam(), jit_compile=tiny.JIT)
        return model

    def callbacks(folder):
        return [
            keras.callbacks.BackupAndRestore(tmp_path / folder, delete_checkpoint=False),
            ka.AMIDSchedule(warmup_epochs=1),
        ]

    whole, first, second = new(), new(), new()
    fit(whole, 3, callbacks=callbacks("whole"))
    fit(first, 2, callbacks=callbacks("cut"))
    history = fit(second, 3, callbacks=callbacks("cut"))
    assert len(history["loss"]) == 1
    assert_same(state(second), state(whole))
