"""`ka.checked`, and the streams that `fit` and the like put it before by themselves."""

import pickle

import keras
import numpy as np
import pytest
import streams
import tiny

import keras_amid as ka
from keras_amid.evaluation.videos import predict_videos
from keras_amid.validation.checks import DataError

X, Y = tiny.data(12)
BATCHES = streams.batches(4, X, Y)
NAN = [(dict(x), y) for x, y in BATCHES]
NAN[1][0]["audio"] = np.full((4, tiny.AUDIO), np.nan, "float32")
TORCH = pytest.mark.skipif(keras.backend.backend() != "torch", reason="torch may not be installed")


@pytest.fixture(scope="module")
def model():
    model = tiny.amid()
    model.compile(optimizer=tiny.adam(), **tiny.FEW_STEPS)
    return model


def assert_same(batches, expected):
    assert len(batches) == len(expected)
    for got, wanted in zip(batches, expected, strict=True):
        for a, b in zip(keras.tree.flatten(got), keras.tree.flatten(wanted), strict=True):
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize("kind", streams.KINDS)
def test_a_checked_stream_has_the_same_kind_and_batches(model, kind):
    stream = streams.of_batches(kind, BATCHES)
    checked = ka.checked(stream, model)
    if kind == "tf_data":
        assert checked.element_spec == stream.element_spec
        assert checked.cardinality() == 3
    elif kind != "generator":
        assert isinstance(checked, (keras.utils.PyDataset, type(stream))) and len(checked) == 3
    batches = list(checked)
    assert_same(batches, BATCHES)
    if kind != "generator":
        assert_same(list(checked), BATCHES)
    assert ka.checked(checked, model) is checked


@pytest.mark.parametrize("kind", streams.KINDS)
def test_a_loop_of_ones_own_gets_the_error_with_the_bad_batch(model, kind):
    seen = []
    with pytest.raises(Exception, match=r"x\['audio'\] of the training data must be finite"):
        for batch in ka.checked(streams.of_batches(kind, NAN), model):
            seen.append(batch)  # noqa: PERF402
    assert_same(seen, NAN[:1])


@pytest.mark.parametrize("kind", streams.KINDS)
def test_streams_checked_before_fit_raise_in_it_what_they_are(model, kind):
    stream = ka.checked(streams.of_batches(kind, NAN), model)
    with pytest.raises(DataError, match=r"x\['audio'\] of the training data must be finite"):
        model.fit(stream, verbose=0, shuffle=False)
    if kind == "tf_data":  # what comes after the check does not hide it
        with pytest.raises(DataError, match=r"x\['audio'\] of the training data must be finite"):
            model.fit(stream.take(5).prefetch(1), verbose=0)


def test_a_checked_stream_is_not_checked_twice(model, monkeypatch):
    from keras_amid.validation import streams as checking

    calls = []
    check_batch = checking.check_batch
    monkeypatch.setattr(
        checking, "check_batch", lambda *args: calls.append(1) or check_batch(*args)
    )
    model.fit(ka.checked(streams.of_batches("py_dataset", BATCHES), model), verbose=0)
    once = len(calls)
    calls.clear()
    model.fit(streams.of_batches("py_dataset", BATCHES), verbose=0)
    assert len(calls) == once > 0
    # Another model, and another call, have other rules.
    checked = ka.checked(streams.of_batches("py_dataset", BATCHES), model)
    assert ka.checked(checked, tiny.amid()) is not checked
    assert ka.checked(checked, model, "evaluate") is not checked


def test_calls_differ_in_what_they_need(model):
    alone = [({"video": x["video"]}, y) for x, y in BATCHES]
    assert_same(list(ka.checked(streams.of_batches("py_dataset", alone), model, "evaluate")), alone)
    with pytest.raises(ValueError, match=r"`x` of the training data.*missing \['audio'\]"):
        list(ka.checked(streams.of_batches("py_dataset", alone), model))
    videos = [(x,) for x, _ in alone]
    for call, expected in (("predict", videos), ("represent", [(x,) for x, _ in BATCHES])):
        for batches in (BATCHES, [x for x, _ in BATCHES], [(x,) for x, _ in BATCHES]):
            for kind in streams.KINDS:
                stream = ka.checked(streams.of_batches(kind, batches), model, call)
                got = [part if isinstance(part, tuple) else (part,) for part in stream]
                assert_same(got, expected)
    with pytest.raises(ValueError, match="`call` must be one of .*received 'train'"):
        ka.checked(BATCHES, model, "train")


@pytest.mark.parametrize("stream", [BATCHES, {"a": 1}, None, "clips.tfrecord", 7])
def test_what_is_no_stream_is_refused(model, stream):
    with pytest.raises(ValueError, match="`x` must be .*tf.data.Dataset.*received"):
        ka.checked(stream, model)


def test_good_batches_of_tf_data_run_no_python(model, monkeypatch):
    from keras_amid.validation import graph

    def refuse(*args):
        raise AssertionError("Python in the pipeline")

    monkeypatch.setattr(graph, "check_batch", refuse)
    assert_same(list(ka.checked(streams.of_batches("tf_data", BATCHES), model)), BATCHES)
    with pytest.raises(Exception, match="Python in the pipeline"):
        list(ka.checked(streams.of_batches("tf_data", NAN), model))


@pytest.mark.parametrize("kind", [kind for kind in streams.KINDS if kind != "tf_data"])
def test_batches_of_which_only_some_hold_the_auxiliary_modality_are_refused(model, kind):
    """Their losses are different quantities, which have no mean."""
    alone = [({"video": x["video"]}, y) for x, y in BATCHES]
    message = r"`x` of the .* must hold the same modalities in every batch; received \['.*after \['"
    for mixed in ([BATCHES[0], *alone[1:]], [*alone[:2], BATCHES[2]]):
        with pytest.raises(ValueError, match=message):
            model.evaluate(streams.of_batches(kind, mixed), verbose=0)
        with pytest.raises(ValueError, match=message):
            model.represent(streams.of_batches(kind, mixed))
        with pytest.raises(ValueError, match=message):
            model.fit(X, Y, validation_data=streams.of_batches(kind, mixed), verbose=0)
        with pytest.raises(ValueError, match=message):
            windows = [({**x, "index": np.arange(4) + 4 * i}, y) for i, (x, y) in enumerate(mixed)]
            predict_videos(model, streams.of_batches(kind, windows))
    assert model.predict(streams.of_batches(kind, mixed), steps=3, verbose=0).shape == (12, 3)


def test_ragged_values_of_tf_data_are_checked(model):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("other backends take no ragged tensors")
    import tensorflow as tf

    def dataset(last):
        ragged = tf.ragged.constant([[1.0, 2.0], [3.0], [last]])
        return tf.data.Dataset.from_tensors(
            ({"video": ragged, "audio": np.ones((3, 4))}, [0, 1, 2])
        )

    assert len(list(ka.checked(dataset(1.0), model))) == 1
    with pytest.raises(tf.errors.OpError, match=r"x\['video'\].*must be finite.*received \[nan\]"):
        list(ka.checked(dataset(np.nan), model))


def test_an_error_that_a_worker_process_sends_is_known_again():
    error = pickle.loads(pickle.dumps(DataError("`y` must be green; received 7.")))
    assert isinstance(error, DataError) and DataError.recent[-1] == str(error)


def test_checked_py_datasets_can_be_sent_to_processes(model):
    checked = ka.checked(streams.of_batches("py_dataset", NAN), model)
    sent = pickle.loads(pickle.dumps(checked))
    assert_same([sent[0]], [NAN[0]])
    with pytest.raises(DataError, match="must be finite"):
        sent[1]


def test_other_errors_of_a_stream_stay_what_they_are(model):
    with pytest.raises(DataError):
        model.fit(streams.of_batches("py_dataset", NAN), verbose=0)

    def stream():
        yield from BATCHES
        raise OSError("disk full")

    with pytest.raises(Exception, match="disk full") as raised:
        model.fit(stream(), verbose=0)
    assert not isinstance(raised.value, DataError)


# DataLoaders.


class Samples:
    """A torch dataset of single samples; the one at `bad` holds NaN."""

    def __init__(self, bad=None):
        self.bad = bad

    def __len__(self):
        return len(Y)

    def __getitem__(self, i):
        x = {name: np.array(value[i]) for name, value in X.items()}
        if i == self.bad:
            x["audio"][0] = np.nan
        return x, Y[i]


def loader(bad=None, **options):
    import torch

    return torch.utils.data.DataLoader(Samples(bad), batch_size=4, **options)


@TORCH
@pytest.mark.parametrize("options", [{}, {"num_workers": 1, "persistent_workers": True}])
def test_loaders_are_checked_however_often_they_were_looked_into(model, options):
    for bad in (0, 9):
        stream = loader(bad, **options)
        next(iter(stream))
        with pytest.raises(ValueError, match=r"x\['audio'\] of the training data must be finite"):
            model.fit(stream, verbose=0)
        with pytest.raises(ValueError, match=r"x\['audio'\] of the evaluation data must be fini"):
            model.evaluate(stream, verbose=0)
    good = loader(**options)
    next(iter(good))
    history = model.fit(good, validation_data=loader(**options), epochs=2, verbose=0).history
    assert len(history["loss"]) == 2 and np.isfinite(history["val_loss"]).all()


@TORCH
def test_a_checked_loader_leaves_the_workers_with_its_source(model):
    source = loader(num_workers=1, persistent_workers=True)
    first = iter(source)
    next(first)
    checked = ka.checked(source, model)
    assert len(checked) == 3 and checked.num_workers == 0
    for _ in range(2):
        assert_same(list(checked), BATCHES)
    assert iter(source) is first, "the source's own, persistent, iterator"


@TORCH
def test_loaders_of_unknown_length_are_taken(model):
    import torch

    class Endless(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter([Samples()[i] for i in range(12)])

    stream = torch.utils.data.DataLoader(Endless(), batch_size=4)
    assert_same(list(ka.checked(stream, model)), BATCHES)
    with pytest.raises(TypeError):
        len(ka.checked(stream, model))
    model.fit(stream, steps_per_epoch=3, verbose=0)
