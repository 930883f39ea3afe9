"""An error in the middle of a trainer's loop leaves a model as its last step made it."""

import keras
import numpy as np
import pytest
import streams
import tiny

X, Y = tiny.data(12)
BATCHES = streams.batches(4, X, Y)


def broken(at, kind="py_dataset", batches=BATCHES):
    """A stream whose batch `at` holds NaN."""
    batches = [(dict(x), y) for x, y in batches]
    batches[at][0]["video"] = np.full((4, tiny.VIDEO), np.nan, "float32")
    return streams.of_batches(kind, batches)


@pytest.fixture
def model():
    model = tiny.amid()
    model.compile(optimizer=tiny.adam(), **tiny.FEW_STEPS)
    model.fit(X, Y, batch_size=4, verbose=0)
    return model


def state(model):
    return [*model.variables, *model.optimizer.variables]


def values(model):
    return {v.path: np.array(keras.ops.convert_to_numpy(v.value)) for v in state(model)}


def assert_same(model, expected):
    got = values(model)
    assert set(got) == set(expected)
    for path, value in expected.items():
        np.testing.assert_array_equal(got[path], value, err_msg=path)


@pytest.mark.parametrize("at", [0, 2])
@pytest.mark.parametrize("kind", ["tf_data", "py_dataset"])
@pytest.mark.parametrize("call", ["evaluate", "predict", "represent"])
def test_after_an_error_without_training_all_is_as_before(model, call, kind, at):
    before = tiny.weights(model)
    with pytest.raises(ValueError, match=r"x\['video'\].*must be finite"):
        getattr(model, call)(broken(at, kind), verbose=0)
    after = tiny.weights(model)
    for path in (path for path in before if "components" not in path):
        np.testing.assert_array_equal(after[path], before[path])
    assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"]).all()
    assert np.isfinite(model.evaluate(X, Y, verbose=0)).all()


def test_the_first_batch_of_a_later_epoch_loses_no_epoch(model):
    """Validation lies between two epochs: Keras keeps no copy of the values then."""

    class Disk(keras.utils.PyDataset):
        gone = False

        def __len__(self):
            return 3

        def __getitem__(self, i):
            if self.gone:
                raise OSError("disk gone")
            return BATCHES[i]

    class Removes(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            disk.gone = True
            seen.append(values(self.model))

    disk, seen = Disk(), []
    with pytest.raises(Exception, match="disk gone"):
        model.fit(disk, validation_data=(X, Y), epochs=2, verbose=0, callbacks=[Removes()])
    assert_same(model, seen[0])
    model.fit(X, Y, verbose=0)


def test_old_states_do_not_come_back(model):
    """Keras's JAX trainer keeps the state of the last `train_on_batch`."""
    model.train_on_batch(X, Y)
    tiny.set_weights_from_seed(model)
    loaded = values(model)
    with pytest.raises(ValueError, match="must be finite"):
        model.fit(broken(0, "tf_data"), verbose=0)
    assert_same(model, loaded)
    with pytest.raises(ValueError, match="must be finite"):
        model.evaluate(broken(0, "tf_data"), verbose=0)
    model.fit(X, Y, epochs=1, initial_epoch=1, verbose=0, callbacks=[keras.callbacks.Callback()])
    assert_same(model, loaded)


@pytest.mark.parametrize(
    "hook, at, steps",
    [
        ("on_train_batch_begin", 0, 0), ("on_train_batch_begin", 1, 1),
        ("on_train_batch_end", 0, 1), ("on_train_batch_end", 1, 2),
        ("on_epoch_end", 0, 3), ("on_epoch_end", 1, 6),
    ],
)  # fmt: skip
def test_an_interrupted_run_is_one_of_as_many_steps(model, hook, at, steps):
    def interrupt(number, logs=None):
        if number == at:
            raise KeyboardInterrupt

    start = [(v, np.array(keras.ops.convert_to_numpy(v.value))) for v in state(model)]
    callback = keras.callbacks.Callback()
    setattr(callback, hook, interrupt)
    stream = streams.of_batches("tf_data", BATCHES)
    with pytest.raises(KeyboardInterrupt):
        model.fit(stream, epochs=3, verbose=0, callbacks=[callback])
    interrupted = values(model)
    for variable, value in start:
        variable.assign(value)
    if steps:
        model.fit(stream.repeat().take(steps), verbose=0)
    for path, value in values(model).items():
        if "components" not in path:  # the means of an epoch
            np.testing.assert_array_equal(interrupted[path], value, err_msg=path)


def test_a_moving_average_of_the_weights_hides_no_error():
    """On JAX Keras fails at averaging values that it took away."""
    model = tiny.amid()
    adam = keras.optimizers.Adam(0.01, use_ema=True)
    model.compile(optimizer=adam, **tiny.FEW_STEPS)
    with pytest.raises(ValueError, match=r"x\['video'\].*must be finite"):
        model.fit(broken(0), verbose=0)
    assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"]).all()


def test_a_list_of_callbacks_is_left_as_it_was(model):
    own = keras.callbacks.Callback()
    callbacks = keras.callbacks.CallbackList([own], model=model)
    with pytest.raises(ValueError, match="must be finite"):
        model.evaluate(broken(0), verbose=0, callbacks=callbacks)
    model.evaluate(X, Y, verbose=0, callbacks=callbacks)
    assert callbacks.callbacks == [own]
    plain = [own]
    model.evaluate(X, Y, verbose=0, callbacks=plain)
    model.predict(X, verbose=0, callbacks=own)
    assert plain == [own]
