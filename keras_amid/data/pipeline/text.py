"""Words to integers, because JAX and torch take no strings.

`batches` takes a `Vocabulary` or any other object that has

    tokenizer()    returns a TensorFlow function: string tensor () -> tensor of a fixed shape, or
                   a dict of such tensors (`token_ids`, `padding_mask`, ...): `x["text"]`, batched
    key            JSON value that tells it from others; only what is kept on the disk asks for it

and an object without `tokenizer` that is such a function itself, such as a `BertTokenizer`.
"""

import dataclasses

from keras_amid.data._tensorflow import tensorflow

PADDING, UNKNOWN, FIRST_WORD = 0, 1, 2


def tokenizer_of(vocabulary):
    """Returns the TensorFlow function string tensor () -> tokens of a vocabulary."""
    function = vocabulary.tokenizer() if hasattr(vocabulary, "tokenizer") else vocabulary
    if not callable(function):
        raise ValueError(
            "`vocabulary` must be a Vocabulary, or another object with `tokenizer()` or that is "
            f"the tokenizing function itself, received {vocabulary!r}."
        )
    return function


def vocabulary_key(vocabulary):
    """Returns the `key` of a vocabulary, which what is kept on the disk is named after."""
    if not hasattr(vocabulary, "key"):
        raise ValueError(
            "`vocabulary` must have a `key` that tells it from others where what is made of its "
            f"tokens is kept on the disk, received {vocabulary!r}."
        )
    return vocabulary.key


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
