"""Extractors with several inputs and frozen weights of other projects, inside AMID."""

import keras
import numpy as np
import tiny

import keras_amid as ka
from keras_amid import extractors

RNG = np.random.default_rng(0)
MASK = np.arange(200) < np.array([200, 150, 90, 200])[:, None]
X = {
    "face": RNG.normal(size=(4, 3, 6)).astype("float32"),
    "sound": {"waveform": RNG.normal(size=(4, 200)).astype("float32"), "mask": MASK},
    "text": {
        "token_ids": RNG.integers(0, 9, (4, 3), dtype="int32"),
        "padding_mask": np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [1, 1, 1]], "int32"),
    },
    "video": RNG.integers(0, 256, (4, 2, 32, 32, 3), dtype="uint8"),
}
Y = np.array([0, 1, 0, 1])


def model():
    return ka.AMID(
        target={"face": extractors.RecurrentEncoder(6, 5)},
        auxiliary={
            "sound": extractors.Wav2Vec2(
                masked=True,
                conv_dim=(4, 4),
                conv_kernel=(10, 3),
                conv_stride=(5, 2),
                num_conv_pos_embeddings=3,
                num_conv_pos_embedding_groups=2,
                hidden_size=4,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=4,
            ),
            "text": extractors.Bert(9, 1, 2, 4, 4, 3),
            "video": extractors.DenseNet((1, 1), 2),
        },
        num_classes=2,
        representation_dim=5,
    )


def test_a_step_of_amid_and_the_saved_model(tmp_path):
    amid = model()
    amid.compile(optimizer=tiny.sgd(), **tiny.FEW_STEPS)
    auxiliary = amid.auxiliary_extractors
    before = [layer.get_weights() for layer in auxiliary.values()]
    encoder = amid.target_extractors["face"].get_weights()
    logs = amid.fit(X, Y, batch_size=4, verbose=0).history
    assert np.isfinite(logs["loss"]).all()
    for weights, layer in zip(before, auxiliary.values(), strict=True):
        for old, new in zip(weights, layer.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)
    moved = zip(encoder, amid.target_extractors["face"].get_weights(), strict=True)
    assert all((old != new).any() for old, new in moved)
    amid.save(tmp_path / "amid.keras")
    loaded = keras.models.load_model(tmp_path / "amid.keras")
    for got, want in zip(loaded.get_weights(), amid.get_weights(), strict=True):
        np.testing.assert_array_equal(got, want)
