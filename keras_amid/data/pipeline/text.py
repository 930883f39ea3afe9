"""Text as tokens, because JAX and torch take no strings, or as it is.

`Tokens` takes a `Vocabulary` or any other object that has

    tokenizer()    returns a TensorFlow function: string tensor () -> tensor of a fixed shape, or
                   a dict of such tensors (`token_ids`, `padding_mask`, ...): `x["text"]`, batched
    key            JSON value that tells it from others; only what is kept on the disk asks for it

and an object without `tokenizer` that is such a function itself, such as a `BertTokenizer`.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import keras

from keras_amid.data._tensorflow import tensorflow
from keras_amid.data.pipeline.decoder import Decoder, Field

if TYPE_CHECKING:
    import tensorflow as tf

PADDING, UNKNOWN, FIRST_WORD = 0, 1, 2


@dataclasses.dataclass(frozen=True)
class Text(Decoder):
    """Text as string tensors (), for networks that begin with a tokenizer: TensorFlow only."""

    decodes = "text"

    def __post_init__(self):
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                '`backend` must be "tensorflow" for `Text`, as others take no strings; received '
                f'"{keras.backend.backend()}". `Tokens(vocabulary)` serves all of them.'
            )

    def fits(self, encoding: str, shape: tuple[int | None, ...]) -> bool:
        return encoding == "utf-8"

    def decode(self, field: Field) -> tf.Tensor:
        """Gives the text: string ()."""
        return field.value()


@dataclasses.dataclass(frozen=True)
class Tokens(Decoder):
    """Text as tokens.

    Attributes:
        vocabulary: A `Vocabulary` or another tokenizer; see the docstring of this module.
    """

    vocabulary: Any

    decodes = "text"

    def __post_init__(self):
        if not hasattr(self.vocabulary, "tokenizer") and not callable(self.vocabulary):
            raise ValueError(
                "`vocabulary` must be a Vocabulary, or another object with `tokenizer()` or that "
                f"is the tokenizing function itself; received {self.vocabulary!r}."
            )

    @property
    def key(self) -> Any:
        """The vocabulary's `key`.

        Raises:
            ValueError: It has none.
        """
        if not hasattr(self.vocabulary, "key"):
            raise ValueError(
                "`vocabulary` must have a `key` that tells it from others where what is made of "
                f"its tokens is kept on the disk; received {self.vocabulary!r}."
            )
        return ["Tokens", self.vocabulary.key]

    def fits(self, encoding: str, shape: tuple[int | None, ...]) -> bool:
        return encoding == "utf-8"

    @functools.cached_property
    def _tokenize(self):
        vocabulary = self.vocabulary
        # A table that is made while `decode` is traced would belong to that graph alone.
        with tensorflow().init_scope():
            return vocabulary.tokenizer() if hasattr(vocabulary, "tokenizer") else vocabulary

    def decode(self, field: Field) -> tf.Tensor | dict[str, tf.Tensor]:
        """Gives what the tokenizer makes of the text: int32 (length,) with a `Vocabulary`."""
        return self._tokenize(field.value())


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Lower-cased words between white space, as int32 tokens of a fixed length.

    Token 0 is padding, 1 an unknown word, `words[i]` is i + 2. Texts longer than `length` are cut.

    Attributes:
        words: Tuple of different lower-case words.
        length: Tokens a text.
    """

    words: tuple
    length: int

    def __post_init__(self):
        object.__setattr__(self, "words", tuple(self.words))
        if len(set(self.words)) != len(self.words) or not self.words:
            raise ValueError(f"`words` must be different and not empty, received {self.words!r}.")
        if not isinstance(self.length, int) or self.length < 1:
            raise ValueError(f"`length` must be a positive integer, received {self.length!r}.")

    @classmethod
    def of(cls, texts):
        """Builds the vocabulary of texts: their words in alphabetical order, the longest's length.

        Args:
            texts: Iterable of str.
        """
        texts = [text.lower().split() for text in texts]
        words = sorted({word for text in texts for word in text})
        return cls(words, max((len(text) for text in texts), default=0))

    @property
    def size(self):
        """Number of different tokens, padding and unknown included."""
        return FIRST_WORD + len(self.words)

    @property
    def key(self):
        """What the tokens depend on."""
        return [list(self.words), self.length]

    def tokenizer(self):
        """Returns a TensorFlow function: string tensor () -> int32 tensor (length,)."""
        tf = tensorflow()
        table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(self.words),
                tf.range(FIRST_WORD, self.size, dtype=tf.int64),
            ),
            default_value=UNKNOWN,
        )

        def tokenize(text):
            words = tf.strings.split(tf.strings.lower(text, encoding="utf-8"))[: self.length]
            tokens = tf.cast(table.lookup(words), tf.int32)
            padded = tf.pad(tokens, [[0, self.length - tf.shape(tokens)[0]]])
            return tf.ensure_shape(padded, (self.length,))

        return tokenize
