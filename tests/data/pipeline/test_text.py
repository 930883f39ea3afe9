import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_records

from keras_amid.data import Text, Tokens, Vocabulary, batches

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="other backends take no strings"
)
WORDS = Vocabulary(("a", "cork", "dropped", "pebble"), 3)


def test_text_as_tokens(tmp_path):
    tiny_records.make(tmp_path, 5)
    (x, _) = next(batches(tmp_path, 5, {"text": Tokens(WORDS)}).as_numpy_iterator())
    assert x["text"].dtype == np.int32
    assert x["text"].tolist() == [[2, 5, 4], [2, 3, 0], [1, 3, 0], [0, 0, 0], [2, 2, 2]]


@on_tensorflow
def test_text_as_strings(tmp_path):
    tiny_records.make(tmp_path, 5)
    (x, _) = next(batches(tmp_path, 5, {"text": Text()}).as_numpy_iterator())
    assert [text.decode() for text in x["text"]] == tiny_records.CAPTIONS


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow takes strings")
def test_text_as_strings_is_refused_where_the_backend_takes_none():
    with pytest.raises(ValueError, match=f"`Text`.*{keras.backend.backend()}.*Tokens"):
        Text()


def test_one_tokens_object_serves_several_pipelines(tmp_path):
    tiny_records.make(tmp_path, 5)
    tokens = Tokens(WORDS)
    first = next(batches(tmp_path, 5, {"text": tokens}).as_numpy_iterator())[0]["text"]
    again = next(batches(tmp_path, 5, {"text": tokens}).as_numpy_iterator())[0]["text"]
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [0, 0, 0]),
        (" \t\n", [0, 0, 0]),
        ("\tA\nCork  pebble", [2, 3, 5]),
        ("É pebble.", [1, 1, 0]),
        ("dropped dropped dropped a", [4, 4, 4]),
    ],
)
def test_tokens_of_awkward_texts(text, expected):
    assert WORDS.tokenizer()(tf.constant(text)).numpy().tolist() == expected


def test_letters_beyond_ascii_are_lower_cased():
    tokenize = Vocabulary.of(["ÉTÉ straße"]).tokenizer()
    assert tokenize(tf.constant("été STRAßE")).numpy().tolist() == [3, 2]


def test_vocabulary_of_texts():
    words = Vocabulary.of(["The cork", "a PEBBLE  dropped", "the pebble"])
    assert words.words == ("a", "cork", "dropped", "pebble", "the")
    assert words.length == 3 and words.size == 7
    with pytest.raises(ValueError, match="`words`.*different"):
        Vocabulary(("a", "a"), 2)
    with pytest.raises(ValueError, match="`length`.*0"):
        Vocabulary(("a",), 0)


class Letters:
    """A tokenizer of dicts: the first letter, and whether there is one."""

    key = "letters"

    def __call__(self, text):
        codes = tf.strings.unicode_decode(text, "UTF-8")[:1]
        there = tf.reshape(tf.shape(codes)[0], (1,))
        return {"ids": tf.reshape(tf.pad(codes, [[0, 1]])[:1], (1,)), "there": there}


@pytest.mark.parametrize("cache", [True, "folder"])
def test_tokens_may_be_dicts(tmp_path, cache):
    tiny_records.make(tmp_path / "a", 5)
    cache = cache if cache is True else tmp_path / "cache"
    data = batches(tmp_path / "a", 5, {"text": Tokens(Letters()), "audio": None}, cache=cache)
    (x, _) = next(data.as_numpy_iterator())
    assert x["text"]["ids"].tolist() == [[65], [97], [122], [0], [97]]
    assert x["text"]["there"].tolist() == [[1], [1], [1], [0], [1]]
    assert x["audio"].shape == (5, 6)
    with pytest.raises(ValueError, match="`vocabulary` must have a `key`"):
        batches(tmp_path / "a", 5, {"text": Tokens(lambda text: text)}, cache=tmp_path)
    with pytest.raises(ValueError, match="`vocabulary`.*tokenizing function.*3"):
        Tokens(3)
