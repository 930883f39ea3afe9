"""Text -> BERT's tokens, from a local vocabulary file."""

from __future__ import annotations

import os

import numpy as np

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class BertTokenizer:
    """WordPiece tokens as BERT was trained on, through keras-hub's tokenizer.

    Control characters are removed, text is lower-cased and loses its accents (uncased
    vocabularies), and is split at spaces, punctuation and Chinese characters and then into the
    longest pieces that the vocabulary has. A text becomes [CLS], its pieces, [SEP], [PAD]...;
    pieces that do not fit are left out. A word without pieces, or of more than 100 bytes, is
    [UNK]. "[SEP]" written in a text is punctuation and letters, not the special token.

    Needs keras-hub and tensorflow-text, which are imported when one is built, on every backend.

        tokenizer = BertTokenizer("vocab.txt", length=64)
        x = tokenizer(["A sentence.", "Another."])   # NumPy arrays, for a `Bert`
        dataset = dataset.map(tokenizer)             # in tf.data: tensors, of texts or batches

    Args:
        vocabulary_path: str or path, text file (UTF-8) with a piece on each line, such as the
            `vocab.txt` of Hugging Face's checkpoints.
        length: int, tokens that each text is cut or padded to, [CLS] and [SEP] included.
        lowercase: bool, whether text is lower-cased and loses its accents; False for cased
            vocabularies.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: keras-hub or tensorflow-text is not installed.
        ValueError: the vocabulary lacks a special token; `length` is less than 3.
    """

    def __init__(self, vocabulary_path: str | os.PathLike, length: int, lowercase: bool = True):
        if length < 3:
            raise ValueError(f"`length` must be at least 3; received length={length}.")
        vocabulary = _read(vocabulary_path)
        import keras_hub
        import tensorflow as tf

        self.length = length
        self.lowercase = lowercase
        self.vocabulary_size = len(vocabulary)
        #: All that tokens depend on: features that are kept on the disk are told apart by it.
        self.key = [vocabulary, length, lowercase]
        self._tokenizer = keras_hub.models.BertTokenizer(vocabulary, strip_accents=lowercase)
        self._packer = keras_hub.layers.StartEndPacker(
            length,
            start_value=self._tokenizer.cls_token_id,
            end_value=self._tokenizer.sep_token_id,
            pad_value=self._tokenizer.pad_token_id,
            return_padding_mask=True,
        )
        # In a graph, keras-hub gives TensorFlow's tensors whatever the backend.
        texts = tf.TensorSpec((None,), "string")
        self._in_graph = tf.function(self._tokens, input_signature=[texts])

    def __call__(self, texts):
        """Tokenizes a text or several.

        Args:
            texts: str, sequence of str, or string tensor; (batch,) or a scalar.

        Returns:
            dict with `token_ids` and `padding_mask` (1 for tokens, 0 for padding), each int32
            (batch, length), or (length,) for a scalar: tensors for a tensor in a graph (tf.data),
            else NumPy arrays.
        """
        import tensorflow as tf

        if not tf.executing_eagerly():
            return self._tokens(texts)
        if not isinstance(texts, tf.Tensor):
            texts = tf.constant(np.asarray(texts, dtype=object), dtype="string")
        batch = self._in_graph(tf.reshape(texts, (-1,)))
        shape = (*texts.shape, self.length)
        return {name: tokens.numpy().reshape(shape) for name, tokens in batch.items()}

    def _tokens(self, texts):
        import tensorflow as tf

        token_ids, mask = self._packer(self._tokenizer(self._cleaned(texts)))
        shape = (*texts.shape, self.length)
        return {
            "token_ids": tf.ensure_shape(tf.cast(token_ids, "int32"), shape),
            "padding_mask": tf.ensure_shape(tf.cast(mask, "int32"), shape),
        }

    def _cleaned(self, texts):
        """What BERT does before splitting, where keras-hub does otherwise.

        keras-hub splits at invisible characters (soft hyphens, zero-width spaces) instead of
        removing them, does not split at Unicode's spaces, and folds cases ("ß" to "ss").
        """
        import tensorflow as tf

        texts = tf.strings.regex_replace(texts, r"[\t\n\r\p{Zs}]", " ")
        texts = tf.strings.regex_replace(texts, r"[\p{C}\x{FFFD}]", "")
        return tf.strings.lower(texts, encoding="utf-8") if self.lowercase else texts


def _read(path):
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"`vocabulary_path` must be a text file; received vocabulary_path={path!r}."
        )
    with open(path, encoding="utf-8", newline="\n") as file:
        vocabulary = [line.rstrip("\r\n") for line in file]
    missing = [token for token in _SPECIAL if token not in vocabulary]
    if missing:
        raise ValueError(f"The vocabulary {path!r} must have {list(_SPECIAL)}. Missing: {missing}")
    return vocabulary
