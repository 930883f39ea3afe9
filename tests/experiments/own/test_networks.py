"""Extractors by name: what each takes, the defaults, checkpoints of other networks."""

import keras
import numpy as np
import pytest

from keras_amid.data import Vocabulary
from keras_amid.experiments.own.inputs import Input
from keras_amid.experiments.own.networks import (
    NETWORKS,
    default_name,
    find_network,
    make_network,
)

WORDS = Vocabulary(("a", "b", "c"), 5)
INPUTS = {
    "video": Input("film", "video", (4, 32, 32, 3)),
    "audio": Input("sound", "audio", (16000,), 16000),
    "array": Input("pose", "array", (6, 3)),
    "text": Input("words", "text", (5,), tokenizer=WORDS),
}
SMALL = {
    "video": ("r2plus1d_small", "clip_mlp"),
    "audio": ("log_mel",),
    "array": ("mlp", "recurrent"),
    "text": ("recurrent", "text_mlp"),
}


def values(data, batch=2):
    rng = np.random.default_rng(0)
    if data.kind == "video":
        return rng.integers(0, 255, (batch, *data.shape)).astype("uint8")
    if data.kind == "text":
        return rng.integers(0, 5, (batch, *data.shape)).astype("int32")
    return rng.uniform(-1, 1, (batch, *data.shape)).astype("float32")


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, names in SMALL.items() for n in names])
def test_small_ones_give_features(kind, name):
    model = make_network(find_network(name, kind, "m"), INPUTS[kind], None, 0.2)
    features = keras.ops.convert_to_numpy(model(values(INPUTS[kind])))
    assert features.ndim == 2 and len(features) == 2 and np.isfinite(features).all()
    assert bool(model.trainable_weights) == (name != "log_mel")


@pytest.mark.any_backend
def test_the_defaults():
    assert default_name("video", (8, 64, 64, 3)) == "r2plus1d_small"
    assert default_name("audio", (None,)) == "log_mel"
    assert default_name("array", (9,)) == "mlp" and default_name("array", (None, 9)) == "recurrent"
    assert default_name("text", ()) == "recurrent"


@pytest.mark.any_backend
def test_what_does_not_fit_is_named():
    with pytest.raises(
        ValueError, match=r"`extractor` of 'film', video, must be one of .*'resnet'"
    ):
        find_network("resnet", "video", "film")
    with pytest.raises(ValueError, match="`extractor` of 'film', video.*received 'log_mel'"):
        find_network("log_mel", "video", "film")
    with pytest.raises(ValueError, match="module:function that can be imported; received 'no:f'"):
        find_network("no:f", "video", "film")
    with pytest.raises(ValueError, match="whose extractor has weights to load.*'sound': 'x.pth'"):
        make_network(NETWORKS["log_mel"], INPUTS["audio"], "x.pth", 0.2)
    with pytest.raises(ValueError, match="`checkpoint` of 'sound' must fit its extractor.*no.pth"):
        make_network(NETWORKS["cnn14"], INPUTS["audio"], "no.pth", 0.2)
    gray = Input("film", "video", (4, 32, 32, 1))
    with pytest.raises(ValueError, match="`extractor` of 'film' needs colour; received 1"):
        make_network(NETWORKS["densenet"], gray, None, 0.2)
    rate = Input("sound", "audio", (8000,), 8000)
    with pytest.raises(ValueError, match="needs sound at 16000 Hz; received 8000 Hz"):
        make_network(NETWORKS["wav2vec2"], rate, None, 0.2)
    flat = Input("pose", "array", (6,))
    with pytest.raises(ValueError, match=r"'pose' needs arrays \(steps, features\)"):
        make_network(NETWORKS["recurrent"], flat, None, 0.2)


@pytest.mark.any_backend
def test_a_checkpoint_of_another_network(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "other.safetensors"
    save_file({"fc.weight": np.zeros((2, 2), "float32")}, path)
    with pytest.raises(ValueError, match="(?s)`checkpoint` of 'sound' must fit .*missing.* more"):
        make_network(NETWORKS["cnn14"], INPUTS["audio"], str(path), 0.2)


@pytest.mark.any_backend
def test_a_preset_folder_of_keras_hub(tmp_path):
    """Its weights and its words; that of another network is refused by name."""
    keras_hub = pytest.importorskip("keras_hub")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]
    sizes = dict(num_layers=1, num_heads=2, hidden_dim=8, intermediate_dim=16)
    backbone = keras_hub.models.BertBackbone(len(words), **sizes)
    folder, other = tmp_path / "bert", tmp_path / "dense"
    backbone.save_to_preset(str(folder))
    keras_hub.models.BertTokenizer(words).save_to_preset(str(folder))
    tokenizer = NETWORKS["bert"].tokenizer(str(folder), 5)
    data = Input("words", "text", (5,), tokenizer=tokenizer)
    model = make_network(NETWORKS["bert"], data, str(folder), 0.2)
    tokens = tokenizer(["a b"])
    inputs = {**tokens, "segment_ids": np.zeros((1, 5), "int32")}
    expected = keras.ops.convert_to_numpy(backbone(inputs)["sequence_output"])[:, :4].mean(axis=1)
    np.testing.assert_allclose(model(tokens), expected, atol=1e-5)

    blocks = dict(stackwise_num_repeats=[1, 1], growth_rate=4)
    keras_hub.models.DenseNetBackbone(**blocks).save_to_preset(str(other))
    with pytest.raises(ValueError, match="`checkpoint` of 'words' must fit its extractor.*dense"):
        make_network(NETWORKS["bert"], data, str(other), 0.2)


def test_a_function_of_ones_own(monkeypatch):
    def mine(data):
        frames = keras.Input(data.shape, dtype="uint8")
        return keras.Model(frames, keras.layers.Flatten()(frames))

    def wrong(data):
        frames = keras.Input(data.shape, dtype="uint8")
        return keras.Model(frames, keras.layers.Identity()(frames))

    monkeypatch.setattr("keras_amid.experiments.own.networks.mine", mine, raising=False)
    monkeypatch.setattr("keras_amid.experiments.own.networks.wrong", wrong, raising=False)
    module = "keras_amid.experiments.own.networks"
    model = make_network(find_network(f"{module}:mine", "video", "m"), INPUTS["video"], None, 0.2)
    assert model.output_shape == (None, 4 * 32 * 32 * 3)
    with pytest.raises(ValueError, match=r"must give a keras.Model with an output \(batch, feat"):
        make_network(find_network(f"{module}:wrong", "video", "m"), INPUTS["video"], None, 0.2)


@pytest.mark.any_backend
def test_padding_stays_padding_when_standardised():
    model = make_network(NETWORKS["recurrent"], INPUTS["array"], None, 0.2)
    model.get_layer("standardized").adapt(np.random.default_rng(0).normal(5, 2, (50, 3)))
    x = values(INPUTS["array"], 1)
    x[:, 4:] = 0
    again = np.concatenate([x[:, :4], np.zeros((1, 2, 3), "float32")], axis=1)
    short = make_network(NETWORKS["recurrent"], Input("pose", "array", (4, 3)), None, 0.2)
    short.set_weights(model.get_weights())
    np.testing.assert_allclose(model(again), short(x[:, :4]), atol=1e-6)
