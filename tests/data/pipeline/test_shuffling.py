import keras
import numpy as np
import pytest

from keras_amid.data import EpochShuffle, batches, write_records

COUNT = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    samples = [{"id": str(i), "label": i} for i in range(COUNT)]

    def read(row):
        return {"audio": np.full(2, float(row["id"]), "float32")}

    write_records(samples, folder, read, audio="float32", shard_size=3, progress=False)
    return folder


def order(dataset):
    return np.concatenate([y for _, y in dataset.as_numpy_iterator()]).tolist()


class Seen(keras.callbacks.Callback):
    """Collects the order of the samples from the running mean of the loss (batches of one)."""

    def __init__(self):
        super().__init__()
        self.epochs = {}

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.total = epoch, 0.0
        self.epochs[epoch] = []

    def on_train_batch_end(self, batch, logs=None):
        total = float(logs["loss"]) * (batch + 1)
        self.epochs[self.epoch].append(round(total - self.total))
        self.total = total


def fit(folder, epochs, initial_epoch=0, seed=5, built=False, cache=True, first=()):
    """Trains a model whose loss is the sample's number, and returns the orders seen."""
    keras.utils.set_random_seed(epochs)  # any global seed: it must not matter
    shuffle, seen = EpochShuffle(seed), Seen()
    data = batches(folder, 1, ("audio",), shuffle=shuffle, cache=cache)
    data = data.map(lambda x, y: (x["audio"], y))
    layers = [keras.Input((2,))] if built else []
    model = keras.Sequential([*layers, keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(
        optimizer=keras.optimizers.SGD(0.0),
        loss=lambda y, p: keras.ops.cast(y, "float32") + 0 * keras.ops.sum(p, axis=-1),
    )
    model.fit(
        data,
        epochs=epochs,
        initial_epoch=initial_epoch,
        verbose=0,
        callbacks=[*first, shuffle, seen],
    )
    return seen.epochs


@pytest.mark.parametrize("cache", [True, False])
def test_resumed_fit_sees_the_order_of_the_uninterrupted_one(folder, cache):
    whole = fit(folder, 4, cache=cache)
    assert all(sorted(epoch) == list(range(COUNT)) for epoch in whole.values())
    assert len({tuple(epoch) for epoch in whole.values()}) == 4
    resumed = fit(folder, 4, initial_epoch=2, cache=cache)
    assert resumed == {2: whole[2], 3: whole[3]}
    # Keras peeks at a batch where the model is not built yet: no difference.
    assert fit(folder, 4, built=True, cache=cache) == whole


def test_fit_and_plain_iteration_agree_on_each_epoch(folder):
    whole = fit(folder, 3)
    dataset = batches(folder, 2, ("audio",), shuffle=EpochShuffle(5))
    assert [order(dataset) for _ in range(3)] == [whole[0], whole[1], whole[2]]


def test_backup_and_restore_goes_on_with_the_same_orders(folder, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise InterruptedError

    whole = fit(folder, 4, built=True)
    backup = tmp_path / "backup"
    with pytest.raises(InterruptedError):
        fit(folder, 4, built=True, first=[keras.callbacks.BackupAndRestore(backup), Stop()])
    resumed = fit(folder, 4, built=True, first=[keras.callbacks.BackupAndRestore(backup)])
    assert resumed == {2: whole[2], 3: whole[3]}


@pytest.mark.any_backend
def test_order_is_a_function_of_the_seed(folder):
    def orders(seed):
        dataset = batches(folder, 3, ("audio",), shuffle=EpochShuffle(seed))
        return [order(dataset) for _ in range(4)]

    first = orders(1)
    keras.utils.set_random_seed(99)
    assert orders(1) == first
    assert orders(2) != first


@pytest.mark.any_backend
def test_pipelines_of_one_shuffle_count_for_themselves(folder):
    shuffle = EpochShuffle(1)
    one, two = (batches(folder, 3, ("audio",), shuffle=shuffle) for _ in range(2))
    first = [order(one) for _ in range(3)]
    assert [order(two) for _ in range(3)] == first


@pytest.mark.any_backend
def test_permutations_are_uniform(folder):
    dataset = batches(folder, COUNT, ("audio",), shuffle=EpochShuffle(0))
    epochs = np.array([order(dataset) for _ in range(210)])
    counts = np.array([[np.sum(epochs[:, k] == i) for k in range(COUNT)] for i in range(COUNT)])
    # 30 expected in each place, standard deviation 5.1.
    assert np.abs(counts - 30).max() < 23


@pytest.mark.any_backend
def test_seed_must_be_an_integer():
    with pytest.raises(ValueError, match="`seed` must be an integer; received 0.5"):
        EpochShuffle(0.5)
