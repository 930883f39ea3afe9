import dataclasses
import re

import numpy as np
import pytest
import tensorflow as tf
import tiny_records

from keras_amid.data import (
    Array,
    CenterCrop,
    Decoder,
    EpochShuffle,
    MaskSpectrogram,
    RandomClip,
    RandomCrop,
    Text,
    Tokens,
    Vocabulary,
    Windows,
    batches,
)
from keras_amid.data.pipeline import decoder as protocol

pytestmark = pytest.mark.any_backend

WORDS = Tokens(Vocabulary(("a",), 3))
MASK = Array(augment=MaskSpectrogram(2, 2))


def values(row):
    number = row["label"]
    return {
        "video": np.full((2, 8, 8, 1), number, np.uint8),
        "audio": np.arange(6, dtype="float32") + number,
        "text": "a b",
        "mel": np.ones((5, 3)),
        "age": np.float64(number),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_records.make(tmp_path_factory.mktemp("records"), 5, read=values)


@pytest.fixture(scope="module")
def index_alone(tmp_path_factory):
    """Records of which nothing can be read but the index."""
    folder = tiny_records.make(tmp_path_factory.mktemp("index"), 2, read=values)
    for shard in folder.glob("*.tfrecord"):
        shard.unlink()
    return folder


@pytest.mark.parametrize(
    ("name", "decoder", "needed"),
    [
        ("audio", RandomClip(), "arrays"),
        ("mel", RandomClip(), "arrays"),
        ("text", RandomClip(), "text"),
        ("audio", Windows(), "arrays"),
        ("text", Windows(), "text"),
        ("video", RandomCrop(3), "videos"),
        ("mel", RandomCrop(3), "arrays"),
        ("text", RandomCrop(3), "text"),
        ("video", CenterCrop(3), "videos"),
        ("mel", CenterCrop(3), "arrays"),
        ("age", CenterCrop(3), "arrays"),
        ("video", WORDS, "videos"),
        ("audio", WORDS, "arrays"),
        ("video", Text, "videos"),
        ("mel", Text, "arrays"),
        ("text", None, "text"),
        ("text", Array(), "text"),
        ("text", Array(3), "text"),
        ("age", Array(3), "arrays"),
        ("age", Array("batch"), "arrays"),
        ("video", MASK, "videos"),
        ("audio", MASK, "arrays"),
    ],
)
def test_decoder_of_another_kind_is_refused_before_anything_is_read(
    index_alone, name, decoder, needed
):
    if decoder is Text:  # made here: it is refused on JAX and PyTorch, which import this file too
        decoder = Text()
    expected = rf"`modalities\['{name}'\]` must be a decoder of {needed}.*received "
    with pytest.raises(ValueError, match=expected + re.escape(repr(decoder))):
        batches(index_alone, 1, {name: decoder}, shuffle=EpochShuffle(0))


@pytest.mark.parametrize("decoder", [RandomClip(2, 4), RandomCrop(3), MASK])
def test_random_decoder_without_shuffle_is_refused(index_alone, decoder):
    name = {RandomClip: "video", RandomCrop: "audio", Array: "mel"}[type(decoder)]
    expected = "`shuffle` must be an EpochShuffle.*received None with.*"
    with pytest.raises(ValueError, match=expected + re.escape(repr(decoder))):
        batches(index_alone, 1, {"age": None, name: decoder})


@dataclasses.dataclass(frozen=True)
class Scaled(Decoder):
    """An array times a factor."""

    factor: float

    def decode(self, field):
        return self.factor * field.value()


@dataclasses.dataclass(frozen=True)
class Halves(Decoder):
    """Both halves of a sound, each an element."""

    length: int
    windowed = True

    def count(self, length):
        return 2

    def starts(self, shape):
        return tf.range(2, dtype=tf.int64) * (shape[0] // 2)

    def decode(self, field):
        return tf.ensure_shape(field.value()[field.start :][: self.length], (self.length,))


def test_decoder_of_ones_own(folder, tmp_path):
    for _ in range(2):
        data = batches(folder, 5, {"audio": Scaled(2.0), "age": Scaled(3.0)}, cache=tmp_path)
        ((x, y),) = data.as_numpy_iterator()
        np.testing.assert_allclose(x["audio"], 2 * (np.arange(6) + y[:, None]))
        np.testing.assert_allclose(x["age"], 3 * y)
    batches(folder, 5, {"audio": Scaled(2.5), "age": Scaled(3.0)}, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_decoder_of_ones_own_with_windows(folder):
    data = batches(folder, 4, {"audio": Halves(3), "age": None}, with_index=True)
    assert int(data.cardinality()) == 3  # 10 halves
    (x, y), *_ = data.as_numpy_iterator()
    assert x["index"].tolist() == x["age"].tolist() == y.tolist() == [0, 0, 1, 1]
    assert x["audio"].tolist() == [[0, 1, 2], [3, 4, 5], [1, 2, 3], [4, 5, 6]]
    with pytest.raises(ValueError, match="at most one windowed decoder.*Halves.*Windows"):
        batches(folder, 4, {"audio": Halves(3), "video": Windows(2, 2, 4)})


def test_documented_decoder_is_drawn_anew_in_each_epoch_and_the_same_in_each_run(folder):
    example = re.search(r"(?s)    (@dataclasses.*?)\n\n    train = ", protocol.__doc__)[1]
    names = {"dataclasses": dataclasses, "Decoder": Decoder, "tf": tf}
    exec(example.replace("\n    ", "\n"), names)

    def epochs(seed):
        decoders = {"audio": names["Louder"](0.5)}
        data = batches(folder, 5, decoders, shuffle=EpochShuffle(seed), with_index=True)
        found = []
        for _ in range(2):
            ((x, _),) = data.as_numpy_iterator()
            found.append(x["audio"][np.argsort(x["index"]), 1:])
        return np.stack(found)

    factors = epochs(0) / (np.arange(1, 6) + np.arange(5)[:, None])
    np.testing.assert_allclose(factors, factors[..., :1].repeat(5, -1), rtol=1e-5)
    assert len(np.unique(factors[..., 0])) == 10
    assert factors.min() >= 0.5 and factors.max() <= 1
    np.testing.assert_array_equal(epochs(0), epochs(0))
    assert np.any(epochs(0) != epochs(1))


def test_decoder_that_cannot_be_told_from_others_is_not_kept_on_the_disk(folder, tmp_path):
    class Negative(Decoder):
        def decode(self, field):
            return -field.value()

    ((x, _),) = batches(folder, 5, {"age": Negative()}).as_numpy_iterator()
    assert x["age"].tolist() == [0, -1, -2, -3, -4]
    with pytest.raises(NotImplementedError, match="Decoder must have a method `decode`"):
        batches(folder, 5, {"age": Decoder()})
    with pytest.raises(ValueError, match="`Negative` must be a dataclass, or have a `key`"):
        batches(folder, 5, {"age": Negative()}, cache=tmp_path)


def test_draws_stay_those_of_the_published_figures(tmp_path):
    """Recorded before decoders were objects: another draw would change every recipe's figures."""

    def read(row):
        video = np.zeros((30, 40, 60, 3), np.uint8)
        video[..., 0] = 3 * np.arange(40)[:, None]
        video[..., 1] = 3 * np.arange(60)
        video[..., 2] = 5 * np.arange(30)[:, None, None]
        return {"video": video, "audio": np.arange(500.0), "mel": np.ones((12, 8))}

    tiny_records.make(tmp_path, 2, read=read, video="raw")
    decoders = {
        "video": RandomClip(4, 24),
        "audio": RandomCrop(10),
        "mel": Array(augment=MaskSpectrogram(6, 5)),
    }
    data = batches(tmp_path, 2, decoders, shuffle=EpochShuffle(7), with_index=True)
    found = []
    for _ in range(2):
        ((x, _),) = data.as_numpy_iterator()
        for i in np.argsort(x["index"]):
            corners = x["video"][i, 0, [0, -1], [0, -1]].tolist()
            masked = [np.flatnonzero(~x["mel"][i].any(axis)).tolist() for axis in (1, 0)]
            found.append((corners, int(x["audio"][i, 0]), *masked))
    assert found == [
        ([[36, 54, 65], [117, 138, 65]], 285, [7, 8, 9, 10, 11], [6, 7]),
        ([[10, 58, 0], [116, 152, 0]], 98, [1], [3, 4, 5]),
        ([[4, 158, 75], [113, 25, 75]], 227, [8, 9, 10], [0, 1]),
        ([[19, 10, 25], [116, 122, 25]], 412, [8, 9], []),
    ]
