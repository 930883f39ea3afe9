"""Files that are damaged after they were opened: named on every road, as those found before are."""

import shutil

import keras
import numpy as np
import pytest
import tiny

import keras_amid as ka
from keras_amid.data import EpochShuffle, batches, cache_features, write_records
from keras_amid.data.pipeline.decoding import SampleDecoder

NAMES, SHARD = ["video", "audio"], "shard-00001.tfrecord"
RECORDS = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-7]),
    "flipped": lambda path: path.write_bytes(path.read_bytes()[:-40] + bytes(40)),
    "empty": lambda path: path.write_bytes(b""),
    "missing": lambda path: path.unlink(),
    "another": lambda path: shutil.copy(path.with_name("shard-00002.tfrecord"), path),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    x, y = tiny.data()
    rows = [{"id": f"{number:02d}", "label": int(label)} for number, label in enumerate(y)]
    made = tmp_path_factory.mktemp("records")
    write_records(rows, made, lambda row: {name: x[name][int(row["id"])] for name in NAMES},
                  encodings=dict.fromkeys(NAMES, "float32"), shard_size=8,
                  progress=False)  # fmt: skip
    return made


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "records")


@pytest.mark.any_backend
@pytest.mark.parametrize("how", RECORDS)
@pytest.mark.parametrize("options", [{"cache": True}, {"cache": False, "shuffle": EpochShuffle(0)}])
def test_a_loop(copy, how, options):
    dataset = batches(copy, 4, NAMES, **options)
    RECORDS[how](copy / SHARD)
    with pytest.raises(ValueError, match=rf"{SHARD}.*Make the call.*again"):
        list(dataset)


@pytest.mark.any_backend
def test_damage_that_the_times_do_not_tell(copy, monkeypatch):
    dataset = batches(copy, 4, NAMES)
    monkeypatch.setattr("keras_amid.data.records.index.may_have_changed", lambda *paths: False)
    RECORDS["flipped"](copy / SHARD)
    with pytest.raises(ValueError, match=f"{SHARD} does not have the sha256"):
        list(dataset)


@pytest.mark.any_backend
def test_decoded_samples_on_the_disk(copy, tmp_path):
    dataset = batches(copy, 4, NAMES, cache=tmp_path / "cache")
    for path in (tmp_path / "cache").rglob("*.snapshot"):
        path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(ValueError, match=r"`cache`.*cache, where.*Delete it"):
        list(dataset)


@pytest.mark.any_backend
def test_a_cache_of_features(copy, tmp_path, monkeypatch):
    extractor = tiny.extractor(tiny.VIDEO, 2, "video", trainable=False)
    check = SampleDecoder.check_files

    def check_then_damage(decoder):
        check(decoder)
        RECORDS["cut"](copy / SHARD)

    monkeypatch.setattr(SampleDecoder, "check_files", check_then_damage)
    with pytest.raises(ValueError, match=f"{SHARD}.*Make the call"):
        cache_features(extractor, copy, tmp_path / "features", "video", progress=False)


def test_fit_evaluate_and_predict(copy):
    model = tiny.amid()
    model.compile(optimizer=tiny.adam(), **tiny.FEW_STEPS)
    dataset = batches(copy, 8, NAMES, cache=False)
    model.fit(dataset, verbose=0)  # a good one, and then none
    RECORDS["flipped"](copy / SHARD)
    for call in (
        lambda: model.fit(dataset, verbose=0),
        lambda: model.fit(dataset.take(2), verbose=0),
        lambda: model.fit(dataset.take(1), validation_data=dataset, verbose=0),
        lambda: model.evaluate(dataset, verbose=0),
        lambda: model.predict(dataset, verbose=0),
        lambda: ka.predict_videos(model, batches_with_index(copy, dataset)),
    ):
        with pytest.raises(ValueError, match=rf"{SHARD}.*Make the call.*again"):
            call()
    assert all(np.isfinite(value).all() for value in tiny.weights(model).values())


def batches_with_index(folder, dataset):
    return dataset.map(lambda x, y: ({**x, "index": y}, y))


def test_any_other_model_and_error_is_as_it_was(folder):
    model = keras.Sequential([keras.Input((tiny.VIDEO,)), keras.layers.Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(True), jit_compile=tiny.JIT)
    dataset = batches(folder, 8, ["video"]).map(lambda x, y: (x["video"], y))
    assert np.isfinite(model.fit(dataset, verbose=0).history["loss"]).all()
    wrong = batches(folder, 8, NAMES).map(lambda x, y: (x, y + 3))
    with pytest.raises(ValueError, match="`y` of the training data must be in 0..2"):
        amid = tiny.amid()
        amid.compile(optimizer=tiny.adam(), **tiny.FEW_STEPS)
        amid.fit(wrong, verbose=0)
