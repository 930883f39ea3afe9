"""BERT's tokens against Hugging Face's tokenizer."""

import numpy as np
import pytest
import tensorflow as tf
import transformers

from keras_amid.extractors import BertTokenizer

pytestmark = pytest.mark.any_backend

WORDS = (
    "the quick brown fox ##es jump ##ed un ##believ ##able cafe naive strasse straße , . ! ? ' - "
    "( ) [ ] $ # @ ^ ` ~ 1 ##2 ##9 i m don t you re caf ##e co ##operate zero ##width 中 文 "
    "laughter sep œ ² …"
).split()
SPECIAL = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SENTENCES = [
    "The quick, brown foxes jumped!",
    "Unbelievable... café NAÏVE",
    "Straße STRASSE",
    "I'm   don't\tyou're\nthe - (fox) [laughter] $1299 #^`~@",
    "xylophone the zyx",
    "the中文fox 中 文",
    "co\u00adoperate zero\u200bwidth the\u00a0fox\u3000jump \x00\ufffd\x07ed",
    "",
    "   ",
    "e\u0301 œ ² … caf\u0065\u0301 İ",
    "the fox 🙂 jumped",
    "the " * 20,
]


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    path = tmp_path_factory.mktemp("bert") / "vocab.txt"
    pieces = dict.fromkeys(SPECIAL + WORDS)
    path.write_text("\n".join(pieces) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("lowercase", [True, False])
def test_tokens_equal_hugging_faces(vocabulary, lowercase):
    theirs = transformers.BertTokenizer(str(vocabulary), do_lower_case=lowercase)
    assert theirs.vocab_size == len(set(SPECIAL + WORDS))
    expected = theirs(SENTENCES, padding="max_length", truncation=True, max_length=12)
    got = BertTokenizer(vocabulary, 12, lowercase)(SENTENCES)
    assert {name: (v.dtype.name, v.shape) for name, v in got.items()} == {
        "token_ids": ("int32", (12, 12)),
        "padding_mask": ("int32", (12, 12)),
    }
    for text, ours, ids in zip(SENTENCES, got["token_ids"], expected["input_ids"], strict=True):
        assert ours.tolist() == ids, text
    np.testing.assert_array_equal(got["padding_mask"], expected["attention_mask"])
    assert len({tuple(row) for row in got["token_ids"]}) == 11  # the empty ones alike


def test_a_text_alone_and_tf_data(vocabulary):
    tokenizer = BertTokenizer(str(vocabulary), 8)
    assert tokenizer.vocabulary_size == len(set(SPECIAL + WORDS))
    batch = tokenizer(SENTENCES)
    alone = tokenizer(SENTENCES[0])
    assert alone["token_ids"].tolist() == batch["token_ids"][0].tolist()
    texts = tf.data.Dataset.from_tensor_slices(SENTENCES)
    each = texts.map(tokenizer)
    batched = texts.batch(5, drop_remainder=True).map(tokenizer)
    assert each.element_spec["token_ids"].shape == (8,)
    assert batched.element_spec["padding_mask"].shape == (5, 8)
    for name, expected in batch.items():
        got = np.stack([element[name].numpy() for element in each])
        np.testing.assert_array_equal(got, expected)
        got = np.concatenate([element[name].numpy() for element in batched])
        np.testing.assert_array_equal(got, expected[:10])


def test_bad_vocabularies_and_lengths(vocabulary, tmp_path):
    with pytest.raises(FileNotFoundError, match="`vocabulary_path` must be a text file.*none"):
        BertTokenizer(tmp_path / "none.txt", 8)
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\nthe\n")
    with pytest.raises(ValueError, match=r"Missing: \['\[CLS\]', '\[SEP\]', '\[MASK\]'\]"):
        BertTokenizer(tmp_path / "vocab.txt", 8)
    with pytest.raises(ValueError, match="`length` must be at least 3.*=2"):
        BertTokenizer(vocabulary, 2)
