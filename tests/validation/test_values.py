"""What arrays may hold: the same rules on every road into a model."""

import keras
import numpy as np
import pytest
import streams
import tiny

import keras_amid as ka
from keras_amid.evaluation.videos import predict_videos

TENSORFLOW = keras.backend.backend() == "tensorflow"
LABELS = np.array([0, 1, 2, 0, 2, 1])


def student(extractor, num_classes=3):
    model = ka.StudentOnly({"clip": extractor}, num_classes=num_classes, representation_dim=4)
    model.compile(optimizer="sgd", **tiny.FEW_STEPS)
    return model


def of_dtype(dtype, shape=(4,)):
    """An extractor that takes arrays of this dtype."""
    casting = keras.layers.Lambda(lambda x: keras.ops.cast(x, "float32") / 255)
    return keras.Sequential(
        [keras.Input(shape, dtype=dtype), casting, keras.layers.Dense(4, name="dense")]
    )


@pytest.fixture(scope="module")
def of_bytes():
    return student(of_dtype("uint8"))


#: Road into a model -> function of (model, x, y).
ROADS = {
    "fit": lambda model, x, y: model.fit(x, y, verbose=0),
    "fit, validation": lambda model, x, y: model.fit(
        {"clip": np.ones((6, 4), "uint8")}, y, validation_data=(x, y), verbose=0
    ),
    "evaluate": lambda model, x, y: model.evaluate(x, y, verbose=0),
    "train_on_batch": lambda model, x, y: model.train_on_batch(x, y),
    "test_on_batch": lambda model, x, y: model.test_on_batch(x, y),
    "predict": lambda model, x, y: model.predict(x, verbose=0),
    "predict_on_batch": lambda model, x, y: model.predict_on_batch(x),
    "represent": lambda model, x, y: model.represent(x),
    "predict_videos": lambda model, x, y: predict_videos(
        model, [({**x, "index": np.arange(len(y))}, y)]
    ),
}
for kind in streams.KINDS:
    for call in ("fit", "evaluate", "predict", "represent"):

        def road(model, x, y, kind=kind, call=call):
            quiet = {} if call == "represent" else {"verbose": 0}
            return getattr(model, call)(streams.of_batches(kind, [(x, y)] * 2), **quiet)

        ROADS[f"{call}, {kind}"] = road


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    "clip, message",
    [
        (np.array([[5, 255, 256, 0]] * 6, "int64"), r"must fit uint8; received \[256"),
        (np.array([[5, -1, 255, 0]] * 6, "int16"), r"must fit uint8; received \[-1"),
        (np.full((6, 4), 3.5, "float32"), "must be uint8.*received float32"),
    ],
    ids=["too large", "negative", "fractions"],
)
def test_what_the_extractors_integers_cannot_hold_is_refused(of_bytes, road, clip, message):
    with pytest.raises(ValueError, match=r"x\['clip'\] of the .*" + message):
        ROADS[road](of_bytes, {"clip": clip}, LABELS)


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint16", "uint64", "bool"])
def test_other_integers_count_as_the_extractors_own(of_bytes, dtype):
    if dtype == "uint64" and keras.backend.backend() == "torch":
        pytest.skip("Keras has no uint64 on PyTorch")
    clip = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 128, (6, 4))
    expected = of_bytes.predict({"clip": clip.astype("uint8")}, verbose=0)
    np.testing.assert_array_equal(
        of_bytes.predict({"clip": clip.astype(dtype)}, verbose=0), expected
    )
    stream = streams.of_batches("tf_data", [{"clip": clip.astype(dtype)}])
    np.testing.assert_array_equal(of_bytes.predict(stream, verbose=0), expected)


@pytest.mark.parametrize("kind", ["arrays", *streams.KINDS])
def test_numbers_that_float32_cannot_hold_are_refused(kind):
    model, clip = student(of_dtype("float32")), np.full((6, 4), 1e39)
    with pytest.raises(ValueError, match=r"finite and fit float32; received \[1.e\+39"):
        ROADS["fit" if kind == "arrays" else f"fit, {kind}"](model, {"clip": clip}, LABELS)


@pytest.mark.parametrize("road", ROADS)
def test_nan_is_refused_on_every_road(road):
    model, clip = student(of_dtype("float32")), np.ones((6, 4), "float32")
    clip[4, 2] = np.nan
    with pytest.raises(ValueError, match=r"x\['clip'\].*must be finite.*received \[nan"):
        ROADS[road](model, {"clip": clip}, LABELS)


@pytest.mark.parametrize("road", ["fit", "evaluate", "predict", "represent", "train_on_batch"])
@pytest.mark.parametrize(
    "clip, received",
    [
        (np.array([None] * 6), r"object \(NoneType\) of shape \(6,\)"),
        (np.array([[0.5, 1, None, 2]] * 6), "object"),
        (np.array([["a"] * 4] * 6), "string"),
        (np.ones((6, 4), "complex64"), "complex64"),
        (np.float32(3), r"float32 of shape \(\)"),
    ],
    ids=["None", "holes", "strings", "complex", "scalar"],
)
def test_what_is_no_array_of_numbers_is_refused(road, clip, received):
    model = student(of_dtype("float32"))
    with pytest.raises(ValueError, match=rf"x\['clip'\].*must be float32.*received {received}"):
        ROADS[road](model, {"clip": clip}, LABELS)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(list("abcabc")),
        np.array(list("abcabc"), object),
        np.array([b"0", b"1"] * 3),
        np.array([0, 1, None, 2, 0, 1]),
        LABELS.astype(object),
        list("abcabc"),
    ],
    ids=["str", "objects of str", "bytes", "None", "objects of int", "list"],
)
def test_labels_that_are_no_integers_are_named(of_bytes, labels):
    x = {"clip": np.ones((6, 4), "uint8")}
    message = r"`y` of the .* must be integers of shape \(batch,\); received (string|object)"
    for road in ("fit", "fit, validation", "evaluate", "train_on_batch", "test_on_batch"):
        with pytest.raises(ValueError, match=message):
            ROADS[road](of_bytes, x, labels)
    with pytest.raises(ValueError, match=message):
        ROADS["fit, py_dataset"](of_bytes, x, labels)
    if np.asarray(labels).dtype != object:
        with pytest.raises(ValueError, match=message):
            ROADS["fit, tf_data"](of_bytes, x, labels)


@pytest.mark.parametrize("kind", ["arrays", *streams.KINDS])
@pytest.mark.parametrize(
    "dtype, num_classes, labels",
    [("uint8", 256, [0, 255, 128]), ("uint8", 300, [255, 1, 7]), ("int8", 200, [127, 0, 5])],
)
def test_labels_of_small_types_are_taken(kind, dtype, num_classes, labels):
    """`num_classes` need not fit in the dtype of the labels."""
    model, x = student(of_dtype("uint8"), num_classes), {"clip": np.ones((3, 4), "uint8")}
    labels = np.array(labels, dtype)
    if kind == "arrays":
        model.fit(x, labels, verbose=0)
    else:
        stream = streams.of_batches(kind, [(x, labels)] * 2)
        model.fit(stream, steps_per_epoch=2, verbose=0)


@pytest.mark.parametrize("kind", ["arrays", *streams.KINDS])
@pytest.mark.parametrize("dtype, label", [("uint8", 200), ("int8", -1), ("uint16", 65535)])
def test_labels_of_small_types_out_of_range_are_refused(kind, dtype, label):
    model, x = student(of_dtype("uint8"), 130), {"clip": np.ones((3, 4), "uint8")}
    labels = np.array([0, label, 129 if dtype != "int8" else 5], dtype)
    with pytest.raises(ValueError, match=rf"`y`.*0\.\.129.*received \[{label}\]"):
        ROADS["fit" if kind == "arrays" else f"fit, {kind}"](model, x, labels)


TEXTS = ["a film of waves", "waves", "a dog", "the dog barks", "film", "a wave"]


def text_extractor(shape=()):
    vectorization = keras.layers.TextVectorization(20, output_mode="multi_hot")
    vectorization.adapt(TEXTS)
    flat = keras.layers.Flatten()
    layers = [keras.Input(shape, dtype="string"), vectorization, flat, keras.layers.Dense(4)]
    return keras.Sequential(layers)


@pytest.mark.skipif(not TENSORFLOW, reason="other backends have no strings in a model")
@pytest.mark.parametrize("shape", [(), (1,)])
@pytest.mark.parametrize("kind", ["objects", "str", "bytes", "objects of bytes", "tensor"])
def test_strings_train_where_the_extractor_takes_them(kind, shape):
    import tensorflow as tf

    texts = np.array(TEXTS).reshape((6, *shape))
    expected = student(text_extractor(shape))
    x = {
        "objects": lambda: texts.astype(object),
        "str": lambda: texts,
        "bytes": lambda: texts.astype("S"),
        "objects of bytes": lambda: texts.astype("S").astype(object),
        "tensor": lambda: tf.constant(texts),
    }[kind]()
    model = student(text_extractor(shape))
    model.set_weights(expected.get_weights())
    clip, pairs = {"clip": x}, [({"clip": x[:3]}, LABELS[:3]), ({"clip": x[3:]}, LABELS[3:])]
    expected.fit(tf.data.Dataset.from_tensors(({"clip": texts}, LABELS)), verbose=0)
    model.fit(clip, LABELS, validation_data=(clip, LABELS), verbose=0, shuffle=False)
    for got, wanted in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)
    probabilities = model.predict(clip, verbose=0)
    loss = model.evaluate(clip, LABELS, verbose=0)
    for stream in ("tf_data", "py_dataset", "generator"):
        data = streams.of_batches(stream, [part for part, _ in pairs])
        got = model.predict(data, steps=2, verbose=0)
        np.testing.assert_allclose(got, probabilities, rtol=1e-5)
        got = model.evaluate(streams.of_batches(stream, pairs), steps=2, verbose=0)
        assert got == pytest.approx(loss, rel=1e-5)
    for stream in ("tf_data", "py_dataset", "generator"):
        model.fit(streams.of_batches(stream, pairs), steps_per_epoch=2, verbose=0)
    model.train_on_batch(clip, LABELS), model.test_on_batch(clip, LABELS)
    assert model.represent(clip)["student"].shape == (6, 4)


@pytest.mark.skipif(not TENSORFLOW, reason="other backends have no strings in a model")
@pytest.mark.parametrize("x", [np.arange(6), np.array(["a", None] * 3)], ids=["ints", "None"])
def test_what_is_no_string_is_refused_where_the_extractor_takes_strings(x):
    with pytest.raises(ValueError, match=r"x\['clip'\].*must be string.*received (int64|object)"):
        student(text_extractor()).fit({"clip": x}, LABELS, verbose=0)


def test_labels_of_unlabelled_samples_are_refused_unless_admitted():
    import dataclasses

    from keras_amid.validation.checks import check_batch

    model, x = tiny.amid(), tiny.data(3)[0]
    expected = model.expected_data("fit")
    admitted = dataclasses.replace(expected, unlabelled=True)
    with pytest.raises(ValueError, match=r"`y`.*in 0\.\.2.*received \[-1\]"):
        check_batch((x, [0, -1, 2]), expected)
    assert check_batch((x, [0, -1, 2]), admitted)[1] == [0, -1, 2]
    for label in (-2, 3):
        with pytest.raises(ValueError, match=rf"`y`.*in -1\.\.2.*received \[{label}\]"):
            check_batch((x, [0, -1, label]), admitted)
