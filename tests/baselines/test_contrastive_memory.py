"""The memory banks: their first rows, the draw of negatives, their size, what they refuse."""

import keras
import numpy as np
import pytest
import tiny

from keras_amid.baselines.contrastive_memory import ContrastiveMemory
from keras_amid.distiller.batch import Batch

LABELS = np.random.default_rng(0).integers(0, 3, 40)


def draws(memory, index, times=1):
    index = np.asarray(index)
    z = np.zeros((len(index), memory.embedding_dim), "float32")
    outputs = {"student": z, "student_logits": z}
    batch = Batch(LABELS[index], outputs, training=True, index=index)
    picked = [memory.candidates(batch, z, z).picked for _ in range(times)]
    return np.stack([keras.ops.convert_to_numpy(p) for p in picked])


def test_negatives_are_of_other_classes_and_drawn_without_replacement():
    memory = ContrastiveMemory(4, 3, LABELS, num_negatives=10)
    index = [7, 0, 39, 7]
    picked = draws(memory, index, times=50)
    assert picked.shape == (50, 4, 11)
    assert (picked[:, :, 0] == index).all(), "the positive is the sample itself"
    for row, i in zip(picked.reshape(-1, 11), index * 50, strict=True):
        assert len(set(row)) == 11
        assert (LABELS[row[1:]] != LABELS[i]).all()
    drawn, counts = np.unique(picked[:, 1, 1:], return_counts=True)
    assert set(drawn) == set(np.flatnonzero(LABELS != LABELS[0])), "every other sample has its turn"
    spread = 50 * 10 / len(drawn)
    assert (np.abs(counts - spread) < 5 * np.sqrt(spread)).all(), "uniformly"


def test_the_draw_is_repeated_by_its_seed_and_goes_on_from_its_state():
    pictures = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        memory = ContrastiveMemory(4, 3, LABELS, num_negatives=5)
        pictures.append(draws(memory, [1, 2], times=3))
    np.testing.assert_array_equal(*pictures)
    assert not np.array_equal(pictures[0][0], pictures[0][1])
    other = ContrastiveMemory(4, 3, LABELS, num_negatives=5)
    other.seed_generator.state.assign(memory.seed_generator.state.value)
    np.testing.assert_array_equal(draws(other, [1, 2]), draws(memory, [1, 2]))


def test_the_data_cap_the_number_of_negatives():
    memory = ContrastiveMemory(4, 3, LABELS, num_negatives=16384)
    assert memory.drawn_negatives == 40 - np.bincount(LABELS).max()
    assert ContrastiveMemory(4, 3, [0, 0, 0, 1]).drawn_negatives == 1
    assert ContrastiveMemory(4, 3).drawn_negatives is None


@pytest.mark.parametrize("normalize", [False, True])
def test_first_rows(normalize):
    memory = ContrastiveMemory(4, 128, LABELS, normalize=normalize)
    rows = memory.student_bank.numpy()
    lengths = np.linalg.norm(rows, axis=1)
    if normalize:
        np.testing.assert_allclose(lengths, 1, rtol=1e-5)
    else:  # U(-s, s), s = 1/sqrt(128/3): squares of mean s^2/3 = 1/128
        assert np.abs(rows).max() <= (128 / 3) ** -0.5 and lengths.std() > 0.01
        assert lengths.mean() == pytest.approx(1, abs=0.02)
    assert not np.array_equal(rows, memory.teacher_bank.numpy())


def test_memory_bytes_are_those_of_the_variables():
    memory = ContrastiveMemory(4, 16, LABELS)
    held = (memory.student_bank, memory.teacher_bank, memory.labels)
    assert memory.memory_bytes == sum(v.numpy().nbytes for v in held) == 40 * (8 * 16 + 4)
    assert ContrastiveMemory(4, 16).memory_bytes == 0
    assert not any(v.trainable for v in held)


def test_config():
    memory = ContrastiveMemory(4, 16, LABELS, num_negatives=7, momentum=0.25, normalize=True)
    again = ContrastiveMemory.from_config(memory.get_config())
    assert again.get_config() == memory.get_config()
    assert [v.shape for v in again.variables] == [v.shape for v in memory.variables]


@pytest.mark.parametrize("name", ["CRD", "CRCD"])
@pytest.mark.parametrize(
    "argument, value, message",
    [
        ("train_labels", [0, 1, 3], r"in 0\.\.2 \(num_classes=3\).*\[3\]"),
        ("train_labels", [1, 1], r"at least 2 classes.*\[1\]"),
        ("train_labels", [0.0, 1.0], "integers of shape.*float64"),
        ("train_labels", [[0, 1]], r"integers of shape.*\(1, 2\)"),
        ("temperature", 0, "received 0"),
        ("momentum", 1.5, "received 1.5"),
        ("num_negatives", 0, "received 0"),
        ("embedding_dim", 2.5, "received 2.5"),
        ("contrastive_weight", -1, "received -1"),
    ],
)
def test_arguments_out_of_their_domain_are_refused(name, argument, value, message):
    with pytest.raises(ValueError, match=f"`{argument}`.*{message}"):
        tiny.method(name, **{argument: value})
