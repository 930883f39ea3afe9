import shutil

import keras
import numpy as np
import pytest

from keras_amid.data import (
    Array,
    Cached,
    CenterCrop,
    EpochShuffle,
    MaskSpectrogram,
    RandomCrop,
    Tokens,
    Vocabulary,
    Windows,
    batches,
    cache_features,
    read_samples,
    write_records,
)
from keras_amid.data.pipeline import feature_cache

COUNT = 7
WORDS = Vocabulary(("one", "two"), 3)


def sound(number, length=8):
    return np.sin(np.arange(length) * (number + 1)).astype("float32")


def make(folder, count=COUNT, read=None, shift=0):
    samples = [{"id": f"s{i + shift}", "label": i, "group": "g"} for i in range(count)]

    def values(row):
        return {"audio": sound(row["label"]), "text": "one two two"[: 4 * row["label"] % 12]}

    options = {"audio": "float32", "shard_size": 3, "progress": False}
    write_records(samples, folder, read or values, **options)
    return folder


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return make(tmp_path_factory.mktemp("records"))


def extractor(seed=1, units=3, length=8):
    """A frozen network whose layers have the names that Keras numbers."""
    init = keras.initializers.RandomNormal(seed=seed)
    inputs = keras.Input((length,))
    model = keras.Model(inputs, keras.layers.Dense(units, kernel_initializer=init)(inputs))
    model.trainable = False
    return model


def expected(model, numbers=range(COUNT)):
    inputs = np.stack([sound(number) for number in numbers])
    return inputs @ keras.ops.convert_to_numpy(model.weights[0])


def cache(model, records, folder, modality="audio", decode=None, **options):
    options = {"progress": False, **options}
    return cache_features(model, records, folder, modality, decode, **options)


def test_feature_of_a_sample_comes_with_its_label_after_shuffling(records, tmp_path):
    model = extractor()
    made = cache(model, records, tmp_path, batch_size=3)
    assert made.count == COUNT and made.folder == tmp_path and made.seconds > 0
    assert made.seconds_saved(11) == pytest.approx(10 * made.seconds)
    for options in ({"cache": True}, {"cache": False}, {"host": (1, 2)}):
        data = batches(
            records,
            2,
            {"audio": Cached(tmp_path), "text": Tokens(WORDS)},
            shuffle=EpochShuffle(1),
            with_index=True,
            **options,
        )
        seen = []
        for x, y in data.as_numpy_iterator():
            assert x["audio"].dtype == np.float32
            np.testing.assert_allclose(x["audio"], expected(model, y), rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(x["index"], y)
            seen += y.tolist()
        assert sorted(seen) == (list(range(COUNT)) if "host" not in options else [1, 3, 5])
    listed = read_samples(tmp_path)
    assert [s["id"] for s in listed] == [s["id"] for s in read_samples(records)]
    assert {s["group"] for s in listed} == {"g"}


def test_same_call_again_does_not_run_the_extractor(records, tmp_path, monkeypatch):
    first = cache(extractor(), records, tmp_path)
    monkeypatch.setattr(keras.Model, "predict_on_batch", None)
    # The same network made anew, its layers numbered on.
    assert cache(extractor(), records, tmp_path) == first


def test_another_extractor_or_data_or_setting_is_refused(records, tmp_path):
    cache(extractor(), records, tmp_path / "a")
    other = make(tmp_path / "other", COUNT - 1)
    small = extractor(length=4)
    for call, name in (
        (lambda folder: cache(extractor(seed=2), records, folder), "weights"),
        (lambda folder: cache(extractor(units=4), records, folder), "extractor"),
        (lambda folder: cache(extractor(), other, folder), "records"),
        (lambda folder: cache(small, records, folder, decode=CenterCrop(4)), "decode"),
        (lambda folder: cache(small, records, folder, decode=Array(4)), "decode"),
    ):
        with pytest.raises(ValueError, match=f"other settings.*`{name}`"):
            call(tmp_path / "a")
    with pytest.raises(ValueError, match="`folder`.*audio.*not made from the records"):
        batches(other, 2, {"audio": Cached(tmp_path / "a")})
    with pytest.raises(ValueError, match="`folder`.*not made from the records"):
        batches(records, 2, {"audio": Cached(records)})


def test_stopped_in_the_middle_it_goes_on(records, tmp_path, monkeypatch):
    monkeypatch.setattr(feature_cache, "_SHARD_SIZE", 3)
    whole = cache(extractor(), records, tmp_path / "whole")
    model, calls = extractor(), []

    class PowerCut(Exception):
        pass

    def predict(x):
        if len(calls) == 2:
            raise PowerCut
        calls.append(len(x))
        return type(model).predict_on_batch(model, x)

    monkeypatch.setattr(model, "predict_on_batch", predict)
    with pytest.raises(PowerCut):
        cache(model, records, tmp_path / "cut")
    assert calls == [3, 3]
    with pytest.raises(ValueError, match="not complete"):
        batches(records, 2, {"audio": Cached(tmp_path / "cut")})
    calls[:] = [0, 0, 0]
    assert cache(model, records, tmp_path / "cut").count == whole.count == COUNT
    assert calls == [0, 0, 0, 1]
    for shard in (tmp_path / "whole").glob("*.tfrecord"):
        assert (tmp_path / "cut" / shard.name).read_bytes() == shard.read_bytes()


def test_framewise_features_of_samples_of_different_length(tmp_path):
    make(tmp_path / "r", 4, lambda row: {"face": np.full((2 + row["label"], 3), row["label"])})
    inputs = keras.Input((None, 3))
    model = keras.Model(inputs, keras.layers.Lambda(lambda x: x[..., :2] + 1)(inputs))
    model.trainable = False
    cache(model, tmp_path / "r", tmp_path / "f", "face")
    data = batches(tmp_path / "r", 4, {"face": Cached(tmp_path / "f", pad="batch")})
    ((x, _),) = data.as_numpy_iterator()
    assert x["face"].shape == (4, 5, 2)
    for number, face in enumerate(x["face"]):
        assert face[:, 0].tolist() == [number + 1] * (number + 2) + [0] * (3 - number)


def test_features_of_several_folders_serve_each_of_them(records, tmp_path):
    other = make(tmp_path / "b", 3, lambda row: {"audio": sound(row["label"] + 20)}, shift=50)
    model = extractor()
    cache(model, [records, other], tmp_path / "f")
    for folders, numbers in ((other, [20, 21, 22]), ([other, records], [20, 21, 22, *range(7)])):
        data = batches(folders, 20, {"audio": Cached(tmp_path / "f")})
        ((x, _),) = data.as_numpy_iterator()
        np.testing.assert_allclose(x["audio"], expected(model, numbers), rtol=1e-5, atol=1e-6)
    shutil.copytree(records, tmp_path / "moved")
    decoders = {"audio": Cached(tmp_path / "f")}
    ((x, _),) = batches(tmp_path / "moved", 20, decoders).as_numpy_iterator()
    np.testing.assert_allclose(x["audio"], expected(model), rtol=1e-5, atol=1e-6)


def test_frames_of_cached_spectrograms_are_masked(tmp_path):
    make(tmp_path / "r", 4, lambda row: {"mel": np.full((6, 3), 1 + row["label"])})
    inputs = keras.Input((6, 3))
    model = keras.Model(inputs, keras.layers.Rescaling(2.0)(inputs))
    model.trainable = False
    cache(model, tmp_path / "r", tmp_path / "f", "mel")
    decoder = Cached(tmp_path / "f", pad=7, augment=MaskSpectrogram(7, 1))
    data = batches(tmp_path / "r", 4, {"mel": decoder}, shuffle=EpochShuffle(0))
    lengths = set()
    for _ in range(3):
        ((x, y),) = data.as_numpy_iterator()
        assert x["mel"].shape == (4, 7, 3)
        for mel, label in zip(x["mel"], y, strict=True):
            assert set(np.unique(mel)) <= {0, 2 + 2 * label} and not mel[6].any()
            lengths.add(int(mel.any(axis=1).sum()))
    assert len(lengths) > 3
    with pytest.raises(ValueError, match="`shuffle` must be an EpochShuffle.*Cached"):
        batches(tmp_path / "r", 4, {"mel": decoder})


def test_decoded_features_are_kept_on_the_disk_by_what_they_are(records, tmp_path):
    for name, seed in (("a", 1), ("b", 2)):
        cache(extractor(seed), records, tmp_path / name)
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    decoded = {}
    for name, count in (("a", 1), ("copy", 1), ("b", 2)):
        decoders = {"audio": Cached(tmp_path / name)}
        data = batches(records, COUNT, decoders, cache=tmp_path / "decoded")
        ((x, _),) = data.as_numpy_iterator()
        decoded[name] = x["audio"]
        assert len(list((tmp_path / "decoded").iterdir())) == count
    np.testing.assert_array_equal(decoded["a"], decoded["copy"])
    assert np.any(decoded["a"] != decoded["b"])


def test_features_that_do_not_fit_are_refused(records, tmp_path):
    cache(extractor(), records, tmp_path / "f")
    for options, message in (({"pad": 0}, "`pad`.*0"), ({"augment": 3}, "`augment`.*3")):
        with pytest.raises(ValueError, match=message):
            Cached(tmp_path / "f", **options)
    masked = Cached(tmp_path / "f", augment=MaskSpectrogram(1, 1))
    with pytest.raises(ValueError, match=r"`modalities\['audio'\]` must be a decoder of arrays of"):
        batches(records, 2, {"audio": masked}, shuffle=EpochShuffle(0))
    with pytest.raises(ValueError, match="`modalities`.*'audio'.*'text'"):
        batches(records, 2, {"text": Cached(tmp_path / "f")})
    (tmp_path / "f" / "shard-00000.tfrecord").unlink()
    with pytest.raises(ValueError, match="`folder`.*shard-00000.tfrecord has no bytes"):
        batches(records, 2, {"audio": Cached(tmp_path / "f")})


def test_features_that_are_not_finite_are_refused(tmp_path):
    make(tmp_path / "r", 3, lambda row: {"audio": np.full(8, [0.0, np.nan, 1.0][row["label"]])})
    with pytest.raises(ValueError, match="`extractor` must give finite features.*'s1'"):
        cache(extractor(), tmp_path / "r", tmp_path / "f")


def test_text_is_tokenized(records, tmp_path):
    inputs = keras.Input((3,), dtype="int32")
    model = keras.Model(inputs, keras.layers.Rescaling(1.0)(inputs))
    model.trainable = False
    cache(model, records, tmp_path, "text", Tokens(WORDS))
    ((x, _),) = batches(records, 9, {"text": Cached(tmp_path)}).as_numpy_iterator()
    assert x["text"][:4].tolist() == [[0, 0, 0], [2, 0, 0], [2, 3, 0], [0, 0, 0]]


def test_wrong_arguments_are_named(records, tmp_path):
    trainable = extractor()
    trainable.trainable = True
    inputs = keras.Input((8,))
    two = keras.Model(inputs, [keras.layers.Identity()(inputs), inputs])
    for call, message in (
        (lambda: cache(trainable, records, tmp_path), "`extractor` must be frozen.*kernel"),
        (lambda: cache(keras.layers.ReLU(), records, tmp_path), "`extractor`.*keras.Model"),
        (lambda: cache(two, records, tmp_path / "two"), "`extractor` must have one output"),
        (lambda: cache(extractor(), records, tmp_path, batch_size=0), "`batch_size`.*0"),
        (
            lambda: cache(extractor(), records, tmp_path, "audio", RandomCrop(8)),
            "`decode`.*RandomCrop",
        ),
        (lambda: cache(extractor(), records, tmp_path, decode=Array("batch")), "`decode`.*batch"),
        (lambda: cache(extractor(), records, tmp_path, decode=Windows()), "`decode`.*Windows"),
        (lambda: cache(extractor(), records, tmp_path, decode=8), "`decode` must be a Decoder.*8"),
        (
            lambda: cache(extractor(), records, tmp_path, decode=Tokens(WORDS)),
            "`decode` must be a decoder of arrays.*Tokens",
        ),
        (lambda: cache(extractor(), records, tmp_path, "text"), "`decode` must be a decoder of t"),
        (lambda: cache(extractor(), records, tmp_path, "smell"), "`modality`.*'smell'"),
        (lambda: cache(extractor(), [records] * 2, tmp_path), "unique `id`s.*'s0'"),
        (lambda: cache(extractor(), records, tmp_path, "text", Tokens(len)), "`key`"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
