"""What bad input gets: a ValueError that names the argument, what came and what was expected."""

import keras
import numpy as np
import pytest
import streams
import tiny

import keras_amid as ka

X, Y = tiny.data(16)


def changed(x=X, **modalities):
    """The data with these modalities replaced, or left out where None is given."""
    return {name: value for name, value in {**x, **modalities}.items() if value is not None}


def with_value(array, index, value):
    array = np.array(array)
    array[index] = value
    return array


NAN = changed(video=with_value(X["video"], (9, 0), np.nan))
INFINITE = changed(audio=with_value(X["audio"], (9, 1), np.inf))

#: name -> (x, y, sample_weight, what the message says)
BAD = {
    "missing modality": (
        changed(audio=None), Y, None, r"`x`.*must hold \['video', 'audio'\].*missing \['audio'\]",
    ),
    "unknown modality": (
        changed(smell=X["audio"]), Y, None, r"`x`.*must hold \['video.*unknown \['smell'\]",
    ),
    "x no dict": (X["video"], Y, None, "x.* must be a dict, modality -> array.*received ndarray"),
    "no labels": (X, None, None, "`y`.*integers of shape.*received None"),
    "float labels": (X, Y.astype("float32"), None, "`y`.*integers of shape.*received float32"),
    "bool labels": (X, Y > 0, None, "`y`.*integers of shape.*received bool"),
    "labels (n, 1)": (X, Y[:, None], None, r"`y`.*integers of shape \(batch,\).*received.*\(16, 1"),
    "one-hot": (X, np.eye(3, dtype="int32")[Y], None, r"`y`.*integers of shape.*\(16, 3\)"),
    "label too large": (X, with_value(Y, 9, 3), None, r"`y`.*0\.\.2 \(num_classes=3\).*\[3\]"),
    "negative label": (X, with_value(Y, 9, -1), None, r"`y`.*0\.\.2.*\[-1\]"),
    "NaN": (NAN, Y, None, r"x\['video'\].*must be finite.*received \[nan\]"),
    "infinite": (INFINITE, Y, None, r"x\['audio'\].*must be finite.*received \[inf\]"),
    "other length": (
        changed(audio=X["audio"][:9]), Y, None, r"x\['audio'\].*as `y`, 16; received \[9\]",
    ),
    "weight shape": (X, Y, np.ones((16, 1), "float32"), r"`sample_weight`.*\(16,\).*\(16, 1\)"),
    "weight negative": (X, Y, with_value(np.ones(16), 9, -1), "`sample_weight`.*not negative"),
    "weight NaN": (X, Y, with_value(np.ones(16), 9, np.nan), "`sample_weight`.*finite"),
}  # fmt: skip


@pytest.fixture(scope="module")
def model():
    """One model for all tests here: they compare its weights before and after."""
    model = tiny.amid()
    model.compile(optimizer=tiny.adam(), **tiny.FEW_STEPS)
    return model


@pytest.fixture
def untouched(model):
    """Checks after the test that the model has the weights it had before it."""
    before, steps = tiny.weights(model), int(model.optimizer.iterations.numpy())
    yield
    assert int(model.optimizer.iterations.numpy()) == steps
    assert same(tiny.weights(model), before)


def same(weights, expected):
    return all(np.array_equal(weights[path], expected[path]) for path in expected)


@pytest.mark.parametrize("case", BAD)
def test_bad_arrays_are_refused_before_the_first_step(model, untouched, case):
    x, y, weight, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        model.fit(x, y, sample_weight=weight, batch_size=4, verbose=0)
    with pytest.raises(ValueError, match=message):
        validation = (x, y) if weight is None else (x, y, weight)
        if case != "missing modality":  # which validation data may lack
            model.fit(X, Y, validation_data=validation, batch_size=4, verbose=0)
        else:
            model.train_on_batch(x, y)
    if case not in ("missing modality", "x no dict", "no labels"):
        with pytest.raises(ValueError, match=message):
            model.evaluate(x, y, sample_weight=weight, batch_size=4, verbose=0)
        with pytest.raises(ValueError, match=message):
            model.train_on_batch(x, y, sample_weight=weight)
        with pytest.raises(ValueError, match=message):
            model.test_on_batch(x, y, sample_weight=weight)


@pytest.mark.parametrize("class_weight", [{3: 1.0}, {-1: 1.0}, {0: -1.0}, {1: float("nan")}])
def test_bad_class_weights_are_refused(model, untouched, class_weight):
    label, weight = next(iter(class_weight.items()))
    with pytest.raises(ValueError, match=rf"`class_weight`.*0\.\.2.*received {label}: {weight}"):
        model.fit(X, Y, class_weight=class_weight, verbose=0)
    with pytest.raises(ValueError, match=rf"`class_weight`.*0\.\.2.*received {label}: {weight}"):
        model.train_on_batch(X, Y, class_weight=class_weight)


@pytest.mark.parametrize("kind", streams.KINDS)
@pytest.mark.parametrize(
    "case",
    ["missing modality", "unknown modality", "float labels", "labels (n, 1)", "one-hot",
     "weight shape"],
)  # fmt: skip
def test_streams_of_a_wrong_structure_are_refused_before_the_first_step(
    model, untouched, kind, case
):
    x, y, weight, message = BAD[case]
    batches = streams.batches(4, *((x, y) if weight is None else (x, y, weight)))
    batch_size = "(4|batch)" if case == "weight shape" else "(4|None)"
    with pytest.raises(ValueError, match=message.replace("16", batch_size)):
        model.fit(streams.of_batches(kind, batches), verbose=0)


@pytest.mark.parametrize("kind", streams.KINDS)
def test_streams_without_labels_are_refused(model, untouched, kind):
    with pytest.raises(ValueError, match=r"must yield \(x, y\)"):
        model.fit(streams.of_batches(kind, streams.batches(4, X)), verbose=0)


def test_streams_of_a_wrong_kind_are_refused(model, untouched):
    with pytest.raises(ValueError, match=r"`x` must be a dict.*tf.data.*received str"):
        model.fit("video.avi", verbose=0)


@pytest.fixture(scope="module")
def good_steps(model, tmp_path_factory):
    """A file of the model's weights, and what they are after two and three steps from there."""
    start = tmp_path_factory.mktemp("start") / "start.weights.h5"
    model.optimizer.build(model.trainable_variables)
    model.save_weights(start)
    batches = streams.batches(3, X, Y)
    model.fit(streams.of_batches("tf_data", batches[:2]), verbose=0)
    after_two = tiny.weights(model)
    model.fit(streams.of_batches("tf_data", batches[2:3]), verbose=0)
    return start, after_two, tiny.weights(model)


@pytest.mark.parametrize("kind", streams.KINDS)
@pytest.mark.parametrize(
    "case", ["label too large", "negative label", "NaN", "infinite", "weight negative"]
)
def test_bad_batch_in_a_stream_is_refused_before_it_is_used(
    model, good_steps, tmp_path, kind, case
):
    """The fourth batch is bad; a checkpoint was written after the second."""
    x, y, weight, message = BAD[case]
    batches = streams.batches(3, *((x, y) if weight is None else (x, y, weight)))
    start, after_two, after_three = good_steps
    model.load_weights(start)
    path = tmp_path / "last.weights.h5"
    checkpoint = keras.callbacks.ModelCheckpoint(path, save_weights_only=True, save_freq=2)
    with pytest.raises(ValueError, match=message):
        model.fit(
            streams.of_batches(kind, batches[:4]), shuffle=False, verbose=0,
            callbacks=[checkpoint],
        )  # fmt: skip
    # Keras's reader of a PyDataset looks one batch ahead.
    good = (after_two, after_three) if kind == "py_dataset" else (after_three,)
    assert any(same(tiny.weights(model), expected) for expected in good)
    model.load_weights(path)
    assert same(tiny.weights(model), after_two)


@pytest.mark.parametrize("kind", streams.KINDS)
def test_model_survives_a_bad_first_batch(model, kind):
    x, y, _, message = BAD["NaN"]
    batches = streams.batches(4, x, y)[::-1][1:]
    before = tiny.weights(model)
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=message):
            call(streams.of_batches(kind, batches), verbose=0)
        assert same(tiny.weights(model), before)
    with pytest.raises(ValueError, match=r"missing \['video'\]"):
        model.predict(streams.of_batches(kind, [{"audio": X["audio"]}]), verbose=0)
    assert np.isfinite(model.evaluate(X, Y, verbose=0, return_dict=True)["loss"])


def test_bad_validation_batch_in_a_stream_is_refused(model):
    x, y, _, message = BAD["label too large"]
    stream = streams.of_batches("tf_data", streams.batches(4, x, y))
    with pytest.raises(ValueError, match=f"validation data.*{message[3:]}"):
        model.fit(X, Y, validation_data=stream, batch_size=4, verbose=0)
    assert all(np.isfinite(w).all() for w in tiny.weights(model).values())


def test_a_label_out_of_range_that_goes_around_the_checks_gives_nan(model):
    out = model(X)
    loss = keras.ops.convert_to_numpy(
        model.compute_loss(y=with_value(Y, 3, 7), y_pred=out, training=False)
    )
    assert np.isnan(loss)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "list"])
def test_labels_of_any_integer_type_give_the_same_losses(model, dtype):
    labels = Y.tolist() if dtype == "list" else Y.astype(dtype)
    expected, got = (model.evaluate(X, y, batch_size=8, verbose=0) for y in (Y, labels))
    assert got == pytest.approx(expected, rel=1e-5)


def test_integer_inputs_are_taken():
    """uint8 clips, token numbers and their mask: only floats can hold NaN."""
    clips = np.random.default_rng(0).integers(0, 256, (8, 3, 2, 2, 3), dtype="uint8")
    tokens = {"ids": np.arange(16, dtype="int32").reshape(8, 2), "mask": np.ones((8, 2), bool)}
    video = keras.Sequential(
        [keras.Input((3, 2, 2, 3), dtype="uint8"), keras.layers.Rescaling(1 / 255),
         keras.layers.Flatten(), keras.layers.Dense(4)]
    )  # fmt: skip
    ids = keras.Input((2,), dtype="int32", name="ids")
    mask = keras.Input((2,), dtype="bool", name="mask")
    embedded = keras.layers.Embedding(16, 4)(ids)
    pooled = keras.layers.GlobalAveragePooling1D()(embedded, mask=mask)
    text = keras.Model({"ids": ids, "mask": mask}, pooled)
    model = ka.StudentOnly({"video": video, "text": text}, num_classes=3, representation_dim=8)
    model.compile(optimizer="sgd", **tiny.FEW_STEPS)
    x = {"video": clips, "text": tokens}
    history = model.fit(x, Y[:8].astype("uint8"), verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert model.predict(x, verbose=0).shape == (8, 3)


@pytest.mark.parametrize("kind", ["arrays", "dataset"])
def test_fractions_for_an_extractor_of_whole_numbers_are_refused(kind):
    """Keras would cast [0.5, 3.7] to [0, 3] without a word."""
    clips = keras.Sequential(
        [keras.Input((6,), dtype="uint8"), keras.layers.Rescaling(1 / 255), keras.layers.Dense(4)]
    )
    model = ka.StudentOnly({"video": clips}, num_classes=3, representation_dim=4)
    model.compile(optimizer="sgd", jit_compile=False)
    x, y = {"video": np.full((4, 6), 0.5, "float32")}, np.array([0, 1, 2, 0])
    data = (x, y)
    if kind == "dataset":
        import tensorflow as tf

        data = (tf.data.Dataset.from_tensor_slices(data).batch(4),)
    with pytest.raises(ValueError, match=r"x\['video'\].*must be uint8.*received float32"):
        model.fit(*data, verbose=0)
    model.fit({"video": np.full((4, 6), 3, "int64")}, y, verbose=0)


def test_extractors_that_would_be_mixed_up_are_refused():
    shared = tiny.extractor(tiny.VIDEO, 4, "shared")
    with pytest.raises(ValueError, match="an extractor of its own for each.*one extractor object"):
        ka.AMID({"video": shared}, {"audio": shared}, num_classes=3)
    named = tiny.extractor(tiny.VIDEO, 4, "enhanced_discriminator")
    with pytest.raises(ValueError, match=r"`target\['video'\]` must not.*received 'enhanced_discr"):
        ka.AMID({"video": named}, {"audio": shared}, num_classes=3)
