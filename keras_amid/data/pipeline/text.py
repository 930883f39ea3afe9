"""Text as tokens, because JAX and PyTorch take no strings, or as it is.

`Tokens` takes a `Vocabulary` or any other object that has

    tokenizer()    returns a TensorFlow function: string tensor () -> tensor of a fixed shape, or
                   a dict of such tensors (`token_ids`, `padding_mask`, ...): `x["text"]`, batched
    key            JSON value that tells it from others; only what is kept on the disk asks for it

and an object without `tokenizer` that is such a function itself, such as a `BertTokenizer`.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import keras

from keras_amid.data._tensorflow import tensorflow
from keras_amid.data.pipeline.decoder import Decoder, Field
from keras_amid.validation.arguments import check_positive_int

if TYPE_CHECKING:
    import tensorflow as tf

FIRST_WORD = 2  # token 0 is padding, 1 an unknown word


@dataclasses.dataclass(frozen=True)
class Text(Decoder):
    """Text as string tensors (), for networks that begin with a tokenizer: TensorFlow only.

    Raises:
        ValueError: The backend is another.
    """

    decodes = "text"

    def __post_init__(self):
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                "`KERAS_BACKEND` must be tensorflow for `Text`, because the others take no "
                f"strings; received {keras.backend.backend()}. Use `Tokens(vocabulary)`."
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
        # A table that was made while `decode` is traced would belong to that graph alone.
        with tensorflow().init_scope():
            return getattr(self.vocabulary, "tokenizer", lambda: self.vocabulary)()

    def decode(self, field: Field) -> tf.Tensor | dict[str, tf.Tensor]:
        """Gives what the tokenizer makes of the text: int32 (length,) with a `Vocabulary`."""
        return self._tokenize(field.value())


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Lower-cased words between white space, as int32 tokens of a fixed length.

    Token 0 is padding, 1 an unknown word, `words[i]` is i + 2. Texts longer than `length` are cut.

    Attributes:
        words: Different lower-case words.
        length: Tokens per text.
    """

    words: tuple[str, ...]
    length: int

    def __post_init__(self):
        object.__setattr__(self, "words", tuple(self.words))
        if len(set(self.words)) != len(self.words) or not self.words:
            raise ValueError(f"`words` must be different and not empty; received {self.words!r}.")
        check_positive_int("length", self.length)

    @classmethod
    def of(cls, texts: Iterable[str]) -> Vocabulary:
        """Builds the vocabulary of texts: their words in alphabetical order, the longest's length.

        Args:
            texts: Iterable of str.
        """
        split = [text.lower().split() for text in texts]
        words = sorted({word for text in split for word in text})
        return cls(tuple(words), max((len(text) for text in split), default=0))

    @property
    def size(self) -> int:
        """Number of different tokens, padding and unknown included."""
        return FIRST_WORD + len(self.words)

    @property
    def key(self) -> Any:
        """What the tokens depend on."""
        return [list(self.words), self.length]

    def tokenizer(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Returns a TensorFlow function: string tensor () -> int32 tensor (length,)."""
        tf = tensorflow()
        layer = keras.layers.TextVectorization(
            standardize=None,  # its own lower-casing is ASCII's
            split="whitespace",
            output_sequence_length=self.length,
            vocabulary=list(self.words),
        )

        def tokenize(text):
            text = tf.strings.lower(text, encoding="utf-8")
            tokens = layer(tf.expand_dims(text, 0))[0]  # alone, an empty text is not filled up
            return tf.ensure_shape(tf.cast(tokens, tf.int32), (self.length,))

        return tokenize
