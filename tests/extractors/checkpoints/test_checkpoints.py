"""Checkpoints on disk, good and bad, and what of them reaches a network's variables."""

import os
import pickle
import re

import keras
import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

from keras_amid.extractors.checkpoints.assigning import (
    assign_tensors,
    batch_norm_targets,
    read_checkpoint,
)

pytestmark = pytest.mark.any_backend

RNG = np.random.default_rng(0)
TENSORS = {
    "fc.weight": RNG.normal(size=(2, 3)).astype("float32"),
    "fc.bias": RNG.normal(size=2).astype("float32"),
    "count": np.array(7, "int64"),
}


def state_dict():
    return {name: torch.tensor(value) for name, value in TENSORS.items()}


def assert_read(path):
    read = read_checkpoint(path)
    assert sorted(read) == sorted(TENSORS)
    for name, value in TENSORS.items():
        assert type(read[name]) is np.ndarray and read[name].dtype == value.dtype
        np.testing.assert_array_equal(read[name], value)


def test_safetensors(tmp_path):
    save_file(TENSORS, tmp_path / "model.safetensors")
    assert_read(tmp_path / "model.safetensors")
    assert_read(str(tmp_path / "model.safetensors"))


@pytest.mark.parametrize("ending", [".pth", ".pt", ".bin"])
@pytest.mark.parametrize("wrapper", [None, "model", "state_dict"])
def test_state_dicts_of_pytorch(tmp_path, ending, wrapper):
    state = state_dict() if wrapper is None else {"iteration": 5, wrapper: state_dict()}
    torch.save(state, tmp_path / f"model{ending}")
    assert_read(tmp_path / f"model{ending}")


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_what_pytorchs_wrappers_put_before_the_names_is_left_out(tmp_path, prefix):
    wrapped = {prefix + name: value for name, value in state_dict().items()}
    torch.save({"state_dict": wrapped}, tmp_path / "model.pth")
    assert_read(tmp_path / "model.pth")
    save_file({prefix + name: v for name, v in TENSORS.items()}, tmp_path / "model.safetensors")
    assert_read(tmp_path / "model.safetensors")
    torch.save(wrapped | {"module": torch.ones(1)}, tmp_path / "model.pth")
    assert prefix + "fc.bias" in read_checkpoint(tmp_path / "model.pth"), "only before all names"


def test_the_older_format_of_pytorch(tmp_path):
    """The published weights of torchvision and PANNs are of before PyTorch 1.6."""
    torch.save({"model": state_dict()}, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    assert_read(tmp_path / "a.pth")


def test_parameters_and_bfloat16(tmp_path):
    values = torch.tensor([1.0, 1.5, -3.0])
    state = {"a": torch.nn.Parameter(values), "b": values.bfloat16(), "c": values.half()}
    torch.save(state, tmp_path / "a.pt")
    save_torch_file({k: v.detach() for k, v in state.items()}, tmp_path / "a.safetensors")
    for file in ("a.pt", "a.safetensors"):
        read = read_checkpoint(tmp_path / file)
        assert {name: str(value.dtype) for name, value in read.items()} == {
            "a": "float32", "b": "float32", "c": "float16"
        }  # fmt: skip
        for value in read.values():
            np.testing.assert_array_equal(value, values.numpy())


class Malicious:
    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("write", [torch.save, lambda obj, path: path.write_bytes(dumped(obj))])
def test_code_in_a_file_is_not_run(tmp_path, write):
    write({**state_dict(), "x": Malicious(tmp_path / "ran")}, tmp_path / "bad.pth")
    with pytest.raises(ValueError, match="bad.pth.*refused.*could run code"):
        read_checkpoint(tmp_path / "bad.pth")
    assert not (tmp_path / "ran").exists()


def dumped(obj):
    return pickle.dumps({"x": obj["x"]}, protocol=2)


def test_a_whole_module_is_refused(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(ValueError, match=r"module.pth.*state_dict\(\)"):
        read_checkpoint(tmp_path / "module.pth")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.ones(2)], "a list"),
        (torch.ones(2), "a Tensor"),
        ({"epoch": 3, "weights": state_dict()}, "'epoch' -> int"),
        ({"model": {"b": 2.0}}, "'b' -> float"),
        ({0: torch.ones(2)}, "0 -> Tensor"),
    ],
)
def test_what_is_no_state_dict_is_refused(tmp_path, content, message):
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(ValueError, match=f"odd.pth.*state dict.*received {message}"):
        read_checkpoint(tmp_path / "odd.pth")


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
@pytest.mark.parametrize("keep", [0, 5, 200])
def test_damaged_files_are_named(tmp_path, ending, keep):
    save_file(TENSORS, tmp_path / "whole.safetensors")
    torch.save(state_dict(), tmp_path / "whole.pth")
    path = tmp_path / f"part{ending}"
    path.write_bytes((tmp_path / f"whole{ending}").read_bytes()[:keep])
    with pytest.raises(ValueError, match=re.escape(path.name)):
        read_checkpoint(path)


def test_text_in_place_of_a_checkpoint(tmp_path):
    """What an unfinished `git lfs` download leaves."""
    for name in ("lfs.bin", "lfs.safetensors"):
        (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
        with pytest.raises(ValueError, match=name):
            read_checkpoint(tmp_path / name)


def test_paths_that_cannot_be_read(tmp_path):
    with pytest.raises(ValueError, match=r"\.safetensors.*received .*model\.h5"):
        read_checkpoint(tmp_path / "model.h5")
    with pytest.raises(FileNotFoundError, match="none.pth"):
        read_checkpoint(tmp_path / "none.pth")


@pytest.fixture
def dense():
    layer = keras.layers.Dense(2, name="dense")
    layer.build((None, 3))
    return layer


def targets(layer):
    return {"fc.weight": (layer.kernel, np.transpose), "fc.bias": (layer.bias, None)}


def test_tensors_reach_their_variables(dense):
    assign_tensors(TENSORS, targets(dense), unused=("cou.t", "absent"))
    kernel, bias = dense.get_weights()
    np.testing.assert_array_equal(kernel, TENSORS["fc.weight"].T)
    np.testing.assert_array_equal(bias, TENSORS["fc.bias"])


def test_every_problem_is_named_and_nothing_is_assigned(dense):
    before = dense.get_weights()
    wanted = targets(dense) | {
        "absent.weight": (dense.bias, None),
        "also.absent": (dense.bias, None),
    }
    given = TENSORS | {"fc.bias": np.zeros(5, "float32"), "extra": np.zeros((4, 1)), "counter": 0}
    with pytest.raises(ValueError) as caught:
        # A pattern must match the whole name: "coun" alone leaves `count` and `counter`.
        assign_tensors(given | {"counter": np.zeros(())}, wanted, unused=("coun", "fc.weigh"))
    message = str(caught.value)
    for part in (
        "missing: absent.weight", "missing: also.absent", "extra (4, 1)", "network: count ()",
        "network: counter", "misshapen: fc.bias is (5,)", "dense/bias is (2,)", "6 problems",
    ):  # fmt: skip
        assert part in message
    assert "fc.weight" not in message
    for new, old in zip(dense.get_weights(), before, strict=True):
        np.testing.assert_array_equal(new, old)


def test_what_lies_beside_the_tensors_does_not_matter(tmp_path, dense):
    beside = {"epoch": 3, "best": 0.5, "history": [1, 2], "unused": torch.full((2,), torch.nan)}
    state = {name: torch.tensor(value) for name, value in TENSORS.items()}
    for content in ({**state, **beside}, {"state_dict": {**state, **beside}, "epoch": 9}):
        torch.save(content, tmp_path / "a.pth")
        read = read_checkpoint(tmp_path / "a.pth")
        assert set(read) == {*state, "unused"}
        assign_tensors(read, targets(dense), unused=("count", "unused"))
        np.testing.assert_array_equal(dense.get_weights()[1], TENSORS["fc.bias"])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_tensors_that_are_not_finite_are_refused(dense, value):
    before = dense.get_weights()
    bias = np.array([1.0, value], "float32")
    with pytest.raises(ValueError, match="'net.pth' does not fit.*\n.*not finite: fc.bias"):
        assign_tensors(TENSORS | {"fc.bias": bias}, targets(dense), ("count",), path="net.pth")
    np.testing.assert_array_equal(dense.get_weights()[0], before[0])


def test_negative_variances_are_refused():
    layer = keras.layers.BatchNormalization()
    layer.build((None, 2))
    given = {f"n.{part}": np.ones(2, "float32") for part in ("weight", "bias", "running_mean")}
    given["n.running_var"] = np.array([1.0, -0.5], "float32")
    with pytest.raises(ValueError, match=r"negative: n.running_var .* -0\.5"):
        assign_tensors(given, batch_norm_targets("n", layer))


@pytest.mark.parametrize(("shape", "keras_shape"), [((3, 2), "(2, 3) in Keras"), ((2, 3, 1), "")])
def test_both_shapes_of_a_misshapen_tensor_are_named(dense, shape, keras_shape):
    given = {"fc.weight": np.zeros(shape), "fc.bias": np.zeros(2)}
    wanted = targets(dense) | {"fc.weight": (dense.kernel, lambda x: np.transpose(x, (1, 0)))}
    with pytest.raises(ValueError, match="misshapen: fc.weight") as caught:
        assign_tensors(given, wanted)
    message = str(caught.value)
    assert f"is {shape} in the checkpoint" in message and "dense/kernel is (3, 2)" in message
    assert keras_shape in message


def test_constants_must_agree(dense):
    window = np.hanning(8)
    given = TENSORS | {"window": window.astype("float16")}
    arguments = {"unused": ("count",), "constants": {"window": window}}
    assign_tensors(given, targets(dense), **arguments)
    for wrong, message in [
        (window + 0.01, "another constant: window differs by up to 0.01"),
        (window * np.nan, "another constant: window"),
        (np.hanning(9), r"misshapen: window is \(9,\).*\(8,\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            assign_tensors(TENSORS | {"window": wrong}, targets(dense), **arguments)
    with pytest.raises(ValueError, match="missing: window"):
        assign_tensors(TENSORS, targets(dense), **arguments)
