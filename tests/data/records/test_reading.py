import json

import numpy as np
import pytest
import tensorflow as tf
import tiny_records

from keras_amid.data import Windows, batches
from keras_amid.data.storage.digests import signed
from keras_amid.data.storage.files import read_json

pytestmark = pytest.mark.any_backend


def read(row):
    """20 frames: the first of two examples of frames holds 16 of them."""
    return {"video": np.full((20, 4, 4, 1), row["label"], np.uint8), "age": np.ones(2)}


@pytest.fixture
def folder(tmp_path):
    return tiny_records.make(tmp_path, 6, read=read, shard_size=3, video="raw")


def edit(folder, change, sign=False):
    index = read_json(folder / "index.json")
    change([shard["samples"] for shard in index["shards"]])
    (folder / "index.json").write_text(json.dumps(signed(index) if sign else index))


@pytest.mark.parametrize("cache", [True, False, "cache"])
def test_missing_or_cut_file_is_named(folder, tmp_path, cache):
    cache = tmp_path / cache if isinstance(cache, str) else cache
    shard = folder / "shard-00001.tfrecord"
    content = shard.read_bytes()
    shard.write_bytes(content[:-7])
    expected = f"`folders`.*shard-00001.tfrecord has {len(content) - 7} bytes, but {len(content)}"
    with pytest.raises(ValueError, match=expected):
        batches(folder, 2, ("age",), cache=cache)
    shard.unlink()
    with pytest.raises(ValueError, match="`folders`.*shard-00001.tfrecord has no bytes"):
        batches(folder, 2, ("age",), cache=cache)
    shard.write_bytes(content)
    assert tiny_records.labels(batches(folder, 2, ("age",), cache=cache)) == list(range(6))


@pytest.mark.parametrize(
    "change",
    [
        lambda shards: shards[0].clear(),
        lambda shards: shards[1].pop(),
        lambda shards: shards[0][1]["sizes"].pop(),
        lambda shards: shards.reverse() or shards[0].extend(shards[1]),
    ],
)
def test_index_without_some_samples_is_refused(folder, change):
    edit(folder, change)
    with pytest.raises(ValueError, match="`folders`.*index.json is damaged, or was edited"):
        batches(folder, 2, ("age",))


def exchanged(samples):
    samples[0], samples[2] = samples[2], samples[0]


@pytest.mark.parametrize("name", ["age", "video"])
def test_sample_in_the_place_of_another_is_an_error(folder, name):
    edit(folder, lambda shards: exchanged(shards[1]), sign=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must belong.*5.*3.*shard-00001"):
        tiny_records.labels(batches(folder, 2, (name,)))


def test_frames_of_another_sample_are_an_error(folder):
    def shift(shards):
        """The second example of the first sample's frames is said to be where the next's are."""
        one, two, three = (sample["sizes"] for sample in shards[0])
        frames, (second, *others), (third, *last) = one[1:], two[:], three[:]
        one[1:] = [sum(frames) + second, others[0]]
        two[:], three[:] = [others[1], third, last[0]], last[1:]

    edit(folder, shift, sign=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must belong.*shard-00000"):
        tiny_records.labels(batches(folder, 1, {"video": Windows(2, 16, 4)}, subset=[0]))


def test_exchanged_shards_are_an_error(folder):
    one, other = (folder / f"shard-0000{i}.tfrecord" for i in range(2))
    for first, second in ((one, folder / "third"), (other, one), (folder / "third", other)):
        first.rename(second)  # which leaves the time of the last change as it was
    with pytest.raises(ValueError, match="shard-00000.tfrecord does not have the sha256.*again"):
        batches(folder, 2, ("age",))


def test_exchanged_while_they_are_read(folder):
    one, other = (folder / f"shard-0000{i}.tfrecord" for i in range(2))
    dataset = batches(folder, 2, ("age",))
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    with pytest.raises(ValueError, match="shard-00000.tfrecord does not have the sha256.*again"):
        tiny_records.labels(dataset)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must belong.*finds what is broken"):
        list(dataset.take(1))  # TensorFlow's own, of what was made of the data set
