"""wav2vec 2.0 against Hugging Face's, on random weights."""

import json

import keras
import numpy as np
import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC, Wav2Vec2Model

from keras_amid.extractors import Wav2Vec2, wav2vec2

SIZES = {
    "conv_dim": (6, 8, 8),
    "conv_kernel": (10, 3, 2),
    "conv_stride": (5, 2, 2),
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
    "hidden_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 16,
}
LAYOUTS = {
    "base": {"feat_extract_norm": "group", "do_stable_layer_norm": False, "conv_bias": False},
    "large-lv60": {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True},
}
RNG = np.random.default_rng(0)
LENGTHS = [600, 391, 80]
MASK = np.arange(600) < np.array(LENGTHS)[:, None]
WAVES = (RNG.normal(size=(3, 600)) * 0.1 + 0.02).astype("float32")
PADDED = np.where(MASK, WAVES, 0)


@pytest.fixture(scope="module", params=LAYOUTS)
def original(request, tmp_path_factory):
    """(layout, Hugging Face's model with random weights, folder with it)."""
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        **SIZES, **LAYOUTS[request.param], attn_implementation="eager", vocab_size=5
    )
    model = Wav2Vec2Model(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    folder = tmp_path_factory.mktemp("wav2vec2")
    model.save_pretrained(folder)
    return request.param, model, folder


def expected_of(model, waves, mask=None, normalize=True):
    """Framewise features, and the mask of the frames, by Hugging Face's code."""
    if normalize:
        waves = Wav2Vec2FeatureExtractor.zero_mean_unit_var_norm(list(waves), mask)
    mask = None if mask is None else torch.tensor(mask.astype("int64"))
    with torch.no_grad():
        out = model(torch.tensor(np.array(waves)), mask).last_hidden_state
        if mask is not None:
            mask = model._get_feature_vector_attention_mask(out.shape[1], mask).numpy()
    return out.numpy(), mask


def test_framewise_features_equal_the_original(original):
    _, model, folder = original
    ours = Wav2Vec2.from_checkpoint(folder, pooling=None)
    expected, _ = expected_of(model, WAVES)
    got = ours.predict_on_batch(WAVES)
    assert got.shape == expected.shape == (3, 29, 12) and expected.std() > 0.1
    np.testing.assert_allclose(got, expected, atol=1e-4)
    pooled = Wav2Vec2.from_checkpoint(folder, normalize=False)
    expected, _ = expected_of(model, WAVES, normalize=False)
    np.testing.assert_allclose(pooled.predict_on_batch(WAVES), expected.mean(1), atol=1e-4)


def test_masked_features_equal_the_original(original):
    layout, model, folder = original
    expected, frames = expected_of(model, PADDED, MASK)
    assert frames.sum(1).tolist() == [29, 19, 3]
    ours = Wav2Vec2.from_checkpoint(folder, pooling=None, masked=True)
    got = ours.predict_on_batch({"waveform": PADDED, "mask": MASK.astype("int32")})
    np.testing.assert_allclose(got[frames], expected[frames], atol=1e-4)
    pooled = Wav2Vec2.from_checkpoint(folder, masked=True)
    got = pooled.predict_on_batch({"waveform": PADDED, "mask": MASK})
    weight = frames[..., None].astype("float32")
    np.testing.assert_allclose(got, (expected * weight).sum(1) / weight.sum(1), atol=1e-4)
    if layout == "large-lv60":  # as the docstring says, padding changes nothing there
        alone = Wav2Vec2.from_checkpoint(folder).predict_on_batch(WAVES[1:2, : LENGTHS[1]])
        np.testing.assert_allclose(got[1:2], alone, atol=1e-4)


def test_what_stands_in_the_padding_does_not_matter(original):
    layout, _, folder = original
    ours = Wav2Vec2.from_checkpoint(folder, masked=True)
    same = [ours.predict_on_batch({"waveform": w, "mask": MASK}) for w in (WAVES, PADDED)]
    np.testing.assert_array_equal(*same)


def test_sounds_shorter_than_a_frame_are_finite(original):
    _, _, folder = original
    ours = Wav2Vec2.from_checkpoint(folder, masked=True)
    got = ours.predict_on_batch({"waveform": WAVES, "mask": np.arange(600) < [[0], [3], [600]]})
    np.testing.assert_array_equal(got[:2], 0)
    assert np.isfinite(got).all() and got[2].std() > 0


@pytest.mark.any_backend
def test_both_names_of_weight_norm_prefixes_and_heads(original, tmp_path):
    layout, model, folder = original
    with_head = Wav2Vec2ForCTC(model.config)
    with_head.wav2vec2.load_state_dict(model.state_dict())
    state = with_head.state_dict()
    assert "lm_head.weight" in state and "wav2vec2.masked_spec_embed" in state
    old = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): tensor
        for name, tensor in state.items()
    }
    assert "wav2vec2.encoder.pos_conv_embed.conv.weight_g" in old
    torch.save(old, tmp_path / "old.bin")
    sizes = {"layout": layout} | SIZES
    ours = Wav2Vec2.from_checkpoint(tmp_path / "old.bin", **sizes)
    expected = Wav2Vec2.from_checkpoint(folder)
    for got, want in zip(ours.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-6)
    old["wav2vec2.adapter.weight"] = old.pop("wav2vec2.encoder.pos_conv_embed.conv.weight_g")
    torch.save(old, tmp_path / "wrong.bin")
    with pytest.raises(ValueError) as error:
        Wav2Vec2.from_checkpoint(tmp_path / "wrong.bin", **sizes)
    for name in ("adapter.weight", "pos_conv_embed.conv.weight_v", "missing: encoder.pos_conv"):
        assert name in str(error.value)


@pytest.mark.any_backend
def test_a_config_with_what_is_not_here_is_refused(original, tmp_path):
    _, model, folder = original
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"hidden_act": "relu"}))
    with pytest.raises(FileNotFoundError, match="config.json and model.safetensors or"):
        Wav2Vec2.from_checkpoint(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(ValueError, match=r"must say {'hidden_act': 'gelu'}.*'relu'"):
        Wav2Vec2.from_checkpoint(tmp_path)


@pytest.mark.any_backend
def test_sizes_of_the_layouts():
    defaults = Wav2Vec2Config()  # those of wav2vec2-base
    for name, size in wav2vec2._LAYOUTS["base"].items():
        theirs = getattr(defaults, name)
        assert (tuple(theirs) if isinstance(size, tuple) else theirs) == size, name
    tiny = SIZES | {"num_hidden_layers": 1}
    for layout, config in LAYOUTS.items():
        theirs = Wav2Vec2Model(Wav2Vec2Config(**tiny, **config, mask_time_prob=0.0))
        norms = theirs.encoder.pos_conv_embed.conv.parametrizations.weight.original0
        expected = sum(parameter.numel() for parameter in theirs.parameters()) - norms.numel()
        assert Wav2Vec2(layout, **tiny).count_params() == expected


@pytest.mark.any_backend
@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"layout": "small"}, r"`layout` must be one of \['base'.*'small'"),
        ({"pooling": "max"}, "`pooling` must be .*'max'"),
        ({"hidden": 3}, r"Sizes must be among.*\['hidden'\]"),
        ({"feat_extract_norm": "batch"}, "`feat_extract_norm` must be .*'batch'"),
        ({"conv_dim": (3, 3)}, "one number for each convolution"),
        ({"num_attention_heads": 5}, "`num_attention_heads` must divide .*=5"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Wav2Vec2(**arguments)


def test_saved_under_another_policy_and_in_half_precision(original, tmp_path):
    _, _, folder = original
    full = Wav2Vec2.from_checkpoint(folder, masked=True)
    half = Wav2Vec2.from_checkpoint(folder, masked=True, dtype="mixed_float16")
    x = {"waveform": PADDED, "mask": MASK}
    half.save(tmp_path / "half.keras")
    loaded = keras.models.load_model(tmp_path / "half.keras")
    got = loaded.predict_on_batch(x)
    assert got.dtype == "float16" and loaded.count_params() == full.count_params()
    np.testing.assert_array_equal(got, half.predict_on_batch(x))
    np.testing.assert_allclose(got.astype("float32"), full.predict_on_batch(x), atol=0.03)
