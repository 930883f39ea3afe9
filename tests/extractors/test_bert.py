"""BERT against Hugging Face's and keras-hub's, on random weights."""

import keras
import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForPreTraining

from keras_amid.extractors import Bert

RNG = np.random.default_rng(0)
TOKENS = RNG.integers(0, 20, (3, 7), dtype="int32")
MASK = (np.arange(7) < np.array([7, 4, 1])[:, None]).astype("int32")
X = {"token_ids": TOKENS, "padding_mask": MASK}
SEGMENTS = RNG.integers(0, 2, (3, 7), dtype="int32")
SIZES = {
    "vocabulary_size": 20,
    "num_layers": 2,
    "num_heads": 3,
    "hidden_dim": 12,
    "intermediate_dim": 16,
    "max_sequence_length": 9,
}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """(Hugging Face's model with heads and random weights, folder with it)."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=20, hidden_size=12, num_hidden_layers=2, num_attention_heads=3,
        intermediate_size=16, max_position_embeddings=9, attn_implementation="eager",
    )  # fmt: skip
    model = BertForPreTraining(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.4 * torch.randn_like(parameter))
    folder = tmp_path_factory.mktemp("bert")
    model.save_pretrained(folder)
    return model, folder


def expected_of(model, pooling, segments=None):
    arguments = [torch.tensor(array.astype("int64")) for array in (TOKENS, MASK)]
    if segments is not None:
        arguments.append(torch.tensor(segments.astype("int64")))
    with torch.no_grad():
        out = model.bert(*arguments)
    if pooling == "pooler":
        return out.pooler_output.numpy()
    hidden = out.last_hidden_state.numpy()
    return (
        hidden[:, 0]
        if pooling == "cls"
        else (hidden * MASK[..., None]).sum(1) / MASK.sum(1)[:, None]
    )


@pytest.mark.parametrize("pooling", ["mean", "cls", "pooler"])
def test_features_equal_the_original(original, pooling):
    model, folder = original
    segments = SEGMENTS if pooling == "mean" else None
    ours = Bert.from_checkpoint(folder, pooling=pooling, segments=segments is not None)
    x = X if segments is None else X | {"segment_ids": segments}
    expected = expected_of(model, pooling, segments)
    assert expected.std() > 0.1
    np.testing.assert_allclose(ours.predict_on_batch(x), expected, atol=1e-4)


@pytest.mark.any_backend
def test_old_names_and_files(original, tmp_path):
    model, folder = original
    state = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): tensor
        for name, tensor in model.state_dict().items()
    }
    assert "bert.encoder.layer.1.output.LayerNorm.gamma" in state
    state["bert.embeddings.position_ids"] = torch.arange(9)[None]
    torch.save(state, tmp_path / "old.bin")
    ours = Bert.from_checkpoint(tmp_path / "old.bin", **SIZES)
    expected = Bert.from_checkpoint(folder)
    assert ours.get_config() == expected.get_config()
    for got, want in zip(ours.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(got, want)
    bare = {
        name.removeprefix("bert."): tensor
        for name, tensor in state.items()
        if "query" not in name and not name.startswith("cls.")
    }
    torch.save(bare, tmp_path / "wrong.pt")
    with pytest.raises(ValueError, match="4 problems") as error:
        Bert.from_checkpoint(tmp_path / "wrong.pt", **SIZES)
    assert "missing: encoder.layer.0.attention.self.query.weight" in str(error.value)


@pytest.mark.any_backend
def test_other_kinds_of_bert_are_refused(original, tmp_path):
    model, folder = original
    config = BertConfig(hidden_act="relu")
    config.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(ValueError, match="`hidden_act` among .*'relu'"):
        Bert.from_checkpoint(tmp_path)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """(keras-hub's backbone with random weights, folder with its preset)."""
    keras_hub = pytest.importorskip("keras_hub")

    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.BertBackbone(**SIZES)
    for variable in backbone.weights:
        variable.assign(variable + 0.4 * keras.random.normal(variable.shape))
    folder = tmp_path_factory.mktemp("preset")
    backbone.save_to_preset(str(folder))
    return backbone, str(folder)


@pytest.mark.any_backend
def test_a_preset_from_a_folder(preset):
    backbone, folder = preset
    out = backbone.predict_on_batch(X | {"segment_ids": np.zeros_like(TOKENS)})
    for pooling, expected in (
        ("cls", out["sequence_output"][:, 0]),
        ("pooler", out["pooled_output"]),
    ):
        ours = Bert.from_preset(folder, pooling=pooling)
        assert ours.get_config()["activation"] == "gelu_approximate"
        np.testing.assert_allclose(ours.predict_on_batch(X), expected, atol=1e-5)


def test_padding_does_not_matter(original):
    _, folder = original
    ours = Bert.from_checkpoint(folder)
    got = ours.predict_on_batch(X)
    longer = {name: np.pad(array, ((0, 0), (0, 2))) for name, array in X.items()}
    longer["token_ids"][:, 7:] = 5
    np.testing.assert_allclose(ours.predict_on_batch(longer), got, atol=1e-6)
    nothing = ours.predict_on_batch({"token_ids": TOKENS, "padding_mask": MASK * 0})
    np.testing.assert_array_equal(nothing, 0)


def test_saved_under_another_policy_and_in_half_precision(original, tmp_path):
    _, folder = original
    full = Bert.from_checkpoint(folder)
    half = Bert.from_checkpoint(folder, dtype="mixed_float16")
    half.trainable = False
    half.save(tmp_path / "half.keras")
    loaded = keras.models.load_model(tmp_path / "half.keras")
    got = loaded.predict_on_batch(X)
    assert got.dtype == "float16" and not loaded.trainable_weights
    np.testing.assert_array_equal(got, half.predict_on_batch(X))
    np.testing.assert_allclose(got.astype("float32"), full.predict_on_batch(X), atol=0.03)


@pytest.mark.any_backend
@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"pooling": "max"}, "`pooling` must be one of .*'max'"),
        ({"activation": "relu"}, "`activation` must be one of .*'relu'"),
        ({"num_heads": 5}, "`num_heads` must divide `hidden_dim`=768.*=5"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Bert(**arguments)
