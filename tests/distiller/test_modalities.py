"""Modalities and extractors of every kind, and what a step does to the extractors."""

import keras
import numpy as np
import pytest
import tiny

import keras_amid as ka

X, Y = tiny.data(12, text=True)
TWO = {name: X[name] for name in ("video", "audio")}


def dense(size, features, name="extractor"):
    return tiny.extractor(size, features, name)


@keras.saving.register_keras_serializable(package="tests")
class Counting(keras.layers.Layer):
    """Counts its calls while Keras runs eagerly, and remembers the `training` of the last."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(4)
        self.calls = 0
        self.modes = []

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, x, training=None):
        self.calls += 1
        self.modes.append(training)
        return self.dense(x)


# Kinds of modalities and extractors.


class Pair:
    """Two arrays in one modality."""

    data = {"left": X["audio"], "right": X["text"]}

    @staticmethod
    def extractor(name="both"):
        left = keras.Input((tiny.AUDIO,), name="left")
        right = keras.Input((tiny.TEXT,), name="right")
        both = keras.layers.Concatenate()([left, right])
        features = keras.layers.Dense(3, name="left_features")(both)
        return keras.Model({"left": left, "right": right}, features, name=name)


def modalities(case):
    """(target, auxiliary, data) of a case."""
    video, audio = dense(tiny.VIDEO, 4), dense(tiny.AUDIO, 3)
    text = dense(tiny.TEXT, 2)
    return {
        "two targets": ({"video": video, "text": text}, {"audio": audio}, X),
        "two auxiliaries": ({"video": video}, {"audio": audio, "text": text}, X),
        "nested auxiliary": (
            {"video": video}, {"sound": Pair.extractor()},
            {"video": X["video"], "sound": Pair.data},
        ),
        "nested target": (
            {"sound": Pair.extractor()}, {"video": video},
            {"video": X["video"], "sound": Pair.data},
        ),
        "names of layers made here": (
            {"video": dense(tiny.VIDEO, 4, "classifier")},
            {"audio": dense(tiny.AUDIO, 3, "audio")}, TWO,
        ),
        "named like its modality": (
            {"video": dense(tiny.VIDEO, 4, "video")},
            {"audio": dense(tiny.AUDIO, 3, "video_extractor")}, TWO,
        ),
        "modality named like a model": (
            {"student": video}, {"teacher_mlp": audio},
            {"student": X["video"], "teacher_mlp": X["audio"]},
        ),
        "part named like the extractor": (
            {"sound": Pair.extractor("left")}, {"video": video},
            {"video": X["video"], "sound": Pair.data},
        ),
    }[case]  # fmt: skip


@pytest.mark.parametrize(
    "case",
    ["two targets", "two auxiliaries", "nested auxiliary", "nested target",
     "names of layers made here", "named like its modality", "modality named like a model",
     "part named like the extractor"],
)  # fmt: skip
def test_modalities_of_every_kind_train_predict_and_save(case, tmp_path):
    target, auxiliary, x = modalities(case)
    model = ka.AMID(target, auxiliary, num_classes=3, representation_dim=4)
    assert model.built
    model.compile(optimizer=tiny.sgd(), **tiny.FEW_STEPS)
    history = model.fit(x, Y, batch_size=12, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    alone = {name: x[name] for name in target}
    probabilities = model.predict(alone, verbose=0)
    assert probabilities.shape == (12, 3)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(alone, verbose=0), probabilities)
    model.student.save(tmp_path / "student.keras")
    student = keras.models.load_model(tmp_path / "student.keras")
    got = student.predict(alone, verbose=0)["probabilities"]
    np.testing.assert_allclose(got, probabilities, rtol=1e-6)


def test_more_modalities_enter_where_they_belong():
    target, auxiliary, _ = modalities("two targets")
    model = ka.AMID(target, auxiliary, num_classes=3, representation_dim=4)
    assert set(model.student.input) == {"video", "text"}
    assert model.teacher_mlp.input_shape == (None, 4 + 2 + 3)
    assert model.student_projection.kernel.shape == (4 + 2, 4)
    assert model.auxiliary_projection.kernel.shape == (3, 4)


@pytest.mark.parametrize(
    "projection, student, auxiliary", [("auto", False, True), (True, True, True)]
)
def test_projection(projection, student, auxiliary):
    model = tiny.amid(projection=projection)  # features of size 4 and 3, D = 4
    assert (model.student_projection is not None) == student
    assert (model.auxiliary_projection is not None) == auxiliary


def test_projection_false_needs_features_of_size_d():
    model = tiny.amid(audio_features=4, projection=False)
    assert model.student_projection is None and model.auxiliary_projection is None
    with pytest.raises(ValueError, match="`projection=False`.*auxiliary.*size.*=4; received 3"):
        tiny.amid(projection=False)


@pytest.mark.parametrize(
    "layer, received",
    [
        (keras.layers.Identity(), r"shape \(None, 4, 5\)"),
        (keras.layers.Lambda(lambda x: {"a": x}), "a nest of tensors"),
    ],
)
def test_extractors_must_put_out_features(layer, received):
    extractor = keras.Sequential([keras.Input((4, 5)), layer])
    with pytest.raises(ValueError, match=rf"'video'.*\(batch, features\).*received {received}"):
        ka.StudentOnly({"video": extractor}, num_classes=3)


@pytest.mark.parametrize(
    "target, auxiliary, message",
    [
        ([], {"audio": dense(4, 3)}, r"`target` must be a dict.*received \[\]"),
        ({}, {"audio": dense(4, 3)}, "`target` must have at least one.*received none"),
        ({"video": dense(5, 3)}, {}, "`auxiliary` must have at least one"),
        ({"video": dense(5, 3)}, {"video": dense(5, 3)}, r"\['video'\].*both"),
        ({"video": len}, {"audio": dense(4, 3)}, r"`target\['video'\]` must be a keras"),
        (
            {"a b": dense(5, 3)},
            {"audio": dense(4, 3)},
            "`target` must have names of letters.*'a b'",
        ),
        (
            {"classifier": dense(5, 3)},
            {"audio": dense(4, 3)},
            "names other than.*'classifier'.*received 'classifier'",
        ),
    ],
)
def test_wrong_extractors_are_refused(target, auxiliary, message):
    with pytest.raises(ValueError, match=message):
        ka.AMID(target, auxiliary, num_classes=3)


def test_extractors_without_known_inputs_are_built_by_the_first_fit():
    def unbuilt(features):
        return keras.Sequential([keras.layers.Dense(features), keras.layers.LeakyReLU(0.2)])

    model = ka.AMID(
        {"video": unbuilt(4)}, {"audio": Counting()}, num_classes=3, representation_dim=4
    )
    assert not model.built
    for call in (model.predict, model.represent):
        with pytest.raises(ValueError, match="AMID is not built.*call `fit` or `build`"):
            call(TWO)
    model.compile(optimizer=tiny.adam(), **tiny.FEW_STEPS)
    model.fit(TWO, Y, batch_size=12, verbose=0)
    assert model.built
    assert model.predict({"video": X["video"]}, verbose=0).shape == (12, 3)
    held = {id(v) for v in model.trainable_variables}
    assert all(id(v) in held for v in model.target_extractors["video"].trainable_variables)
    assert not model.auxiliary_extractors["audio"].trainable_variables


# What a step does to the extractors.


def noisy(size, features, name):
    """An extractor with all that behaves otherwise in training."""
    return keras.Sequential(
        [
            keras.Input((size,)),
            keras.layers.Dense(features, name="dense"),
            keras.layers.BatchNormalization(name="normalization"),
            keras.layers.Dropout(0.5, name="dropout"),
        ],
        name=name,
    )


@pytest.mark.parametrize("train_auxiliary", [False, True])
def test_auxiliary_extractors_are_frozen_unless_asked_otherwise(train_auxiliary):
    audio = noisy(tiny.AUDIO, 4, "audio")
    model = ka.AMID(
        {"video": dense(tiny.VIDEO, 4)}, {"audio": audio}, num_classes=3, representation_dim=4,
        train_auxiliary=train_auxiliary,
    )  # fmt: skip
    model.compile(optimizer=tiny.sgd(), **tiny.FEW_STEPS)
    before = audio.get_weights()
    outputs = [keras.ops.convert_to_numpy(model(TWO, training=True)["auxiliary"]) for _ in range(2)]
    assert np.array_equal(*outputs) != train_auxiliary, "dropout"
    model.fit(TWO, Y, batch_size=12, verbose=0)
    after = audio.get_weights()
    moved = [not np.array_equal(a, b) for a, b in zip(after, before, strict=True)]
    # kernel, gamma, beta and the moving statistics; the bias before a normalization gets nothing
    assert sum(moved) >= 5 if train_auxiliary else not any(moved)


def test_batch_statistics_move_once_a_step():
    video = noisy(tiny.VIDEO, 4, "video")
    model = ka.AMID(
        {"video": video}, {"audio": dense(tiny.AUDIO, 4)}, num_classes=3, representation_dim=4
    )
    model.compile(optimizer=tiny.sgd(), **tiny.FEW_STEPS)
    kernel, bias = (np.array(w) for w in video.get_weights()[:2])
    model.fit(TWO, Y, batch_size=12, verbose=0)
    features = X["video"] @ kernel + bias
    normalization = video.get_layer("normalization")
    np.testing.assert_allclose(
        normalization.moving_mean.numpy(), 0.01 * features.mean(0), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        normalization.moving_variance.numpy(), 0.99 + 0.01 * features.var(0), rtol=1e-4
    )


@pytest.mark.parametrize("method", [ka.AMID, ka.StudentOnly])
def test_each_extractor_runs_once_a_step(method):
    video, audio = Counting(), Counting()
    video.build((None, tiny.VIDEO)), audio.build((None, tiny.AUDIO))
    model = method({"video": video}, {"audio": audio}, num_classes=3, representation_dim=4)
    model.compile(optimizer=tiny.sgd(), run_eagerly=True, jit_compile=False)
    model.train_on_batch(TWO, Y)  # Keras may call the model once more when it is first used
    for counter in (video, audio):
        counter.calls, counter.modes = 0, []
    for _ in range(3):
        model.train_on_batch(TWO, Y)
    assert video.calls == 3 and video.modes == [True] * 3
    assert audio.calls == (3 if method is ka.AMID else 0) and not any(audio.modes)
    model.test_on_batch(TWO, Y)
    assert video.calls == 4


def test_regularizers_and_added_losses_of_extractors_count():
    class Penalized(keras.layers.Layer):
        def call(self, x):
            self.add_loss(3.0 + 0.0 * keras.ops.sum(x))
            return x

    regularizer = keras.regularizers.L2(0.5)
    plain, penalized = (
        keras.Sequential(
            [keras.Input((tiny.VIDEO,)), keras.layers.Dense(4, kernel_regularizer=r), *more]
        )
        for r, more in ((None, []), (regularizer, [Penalized()]))
    )
    penalized.set_weights(plain.get_weights())
    losses = []
    for extractor in (plain, penalized):
        keras.utils.set_random_seed(0)
        model = ka.StudentOnly({"video": extractor}, num_classes=3, representation_dim=4)
        model.compile(optimizer=keras.optimizers.SGD(0.0), **tiny.FEW_STEPS)
        losses.append(model.test_on_batch({"video": X["video"]}, Y, return_dict=True)["loss"])
    kernel = plain.get_weights()[0]
    assert losses[1] - losses[0] == pytest.approx(3.0 + 0.5 * (kernel**2).sum(), rel=1e-4)


def test_student_only_takes_the_same_arguments_and_data():
    target, auxiliary, x = modalities("two auxiliaries")
    auxiliary_weights = {name: layer.get_weights() for name, layer in auxiliary.items()}
    model = ka.StudentOnly(
        target, auxiliary, num_classes=3, representation_dim=4, train_auxiliary=True,
        projection=True,
    )  # fmt: skip
    model.compile(optimizer=keras.optimizers.Adam(0.01), **tiny.FEW_STEPS)
    history = model.fit(x, Y, batch_size=12, verbose=0, validation_data=(x, Y)).history
    names = {"loss", "student_accuracy", "classification_loss"}
    assert set(history) == names | {f"val_{name}" for name in names}
    assert history["loss"] == pytest.approx(history["classification_loss"])
    for name, layer in auxiliary.items():
        for got, expected in zip(layer.get_weights(), auxiliary_weights[name], strict=True):
            np.testing.assert_array_equal(got, expected)
    only_video = {"video": X["video"]}
    model.fit(only_video, Y, batch_size=12, verbose=0)
    assert set(model.represent(x)) == {"student"}
