import math

import keras
import numpy as np
import pytest
import sklearn

from keras_amid.evaluation import retrieval
from keras_amid.evaluation.retrieval import recall_at_k


def cosine(u, v):
    dot = sum(a * b for a, b in zip(u, v, strict=True))
    return dot / math.sqrt(sum(a * a for a in u) * sum(b * b for b in v))


def reference(queries, query_labels, gallery, gallery_labels, k):
    hits = 0
    for query, label in zip(queries, query_labels, strict=True):
        order = sorted(range(len(gallery)), key=lambda j: -cosine(query, gallery[j]))
        hits += any(gallery_labels[j] == label for j in order[:k])
    return hits / len(queries)


@pytest.fixture
def data():
    rng = np.random.default_rng(5)
    queries, gallery = rng.normal(size=(17, 6)), rng.normal(size=(29, 6))
    # Lengths that differ: Euclidean neighbours or dot products would give other figures.
    gallery *= rng.uniform(0.1, 10, size=(29, 1))
    return queries, rng.integers(0, 6, 17), gallery, rng.integers(0, 6, 29)


def test_equals_a_loop(data):
    result = recall_at_k(*data, k=(1, 2, 5, 29))
    assert result == {k: pytest.approx(reference(*data, k)) for k in (1, 2, 5, 29)}
    assert 0 < result[1] < result[5] < 1
    assert all(type(k) is int and type(v) is float for k, v in result.items())


def test_k_is_one_and_five_by_default_and_may_be_an_int(data):
    assert set(recall_at_k(*data)) == {1, 5}
    assert recall_at_k(*data, k=5) == recall_at_k(*data, k=np.array([5]))
    assert recall_at_k(*data, k=5)[5] == recall_at_k(*data)[5]


def test_takes_backend_tensors_of_low_precision(data):
    queries, query_labels, gallery, gallery_labels = data
    tensors = [keras.ops.convert_to_tensor(part) for part in data]
    assert recall_at_k(*tensors) == recall_at_k(*data)
    half = keras.ops.cast(tensors[0], "bfloat16")
    rounded = np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(half, "float32")))
    assert recall_at_k(half, query_labels, gallery, gallery_labels) == recall_at_k(
        rounded, query_labels, gallery, gallery_labels
    )


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_length_does_not_count_in_float32(data, scale):
    queries, query_labels, gallery, gallery_labels = data
    scaled = (gallery * scale).astype("float32")
    result = recall_at_k(queries.astype("float32"), query_labels, scaled, gallery_labels)
    assert result == recall_at_k(*data)


def test_a_big_gallery_is_searched_in_chunks(monkeypatch):
    rng = np.random.default_rng(0)
    sizes = []
    original = sklearn.metrics.pairwise.cosine_distances

    def recorded(x, y=None):
        distances = original(x, y)
        sizes.append(distances.nbytes)
        return distances

    monkeypatch.setitem(sklearn.metrics.pairwise.PAIRWISE_DISTANCE_FUNCTIONS, "cosine", recorded)
    monkeypatch.setattr(retrieval, "_WORKING_MEMORY", 1)
    queries, gallery = rng.normal(size=(2000, 4)), rng.normal(size=(1500, 4))
    labels = rng.integers(0, 3, 2000)
    result = recall_at_k(queries, labels, gallery, labels[:1500], k=1)
    assert len(sizes) > 5 and max(sizes) <= 2**20
    part = recall_at_k(queries[:40], labels[:40], gallery, labels[:1500], k=1)
    assert part[1] == pytest.approx(reference(queries[:40], labels[:40], gallery, labels[:1500], 1))
    assert 0 < result[1] < 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"queries": np.ones(3)}, r"`queries` must have shape \(samples, features\).*\(3,\)"),
        ({"queries": np.ones((0, 3))}, "`queries`"),
        ({"queries": [["a", "b", "c"]] * 2}, "`queries` must hold numbers"),
        ({"queries": [[1.0], [1.0, 2.0]]}, "`queries` must be an array; received list"),
        ({"queries": np.full((2, 3), np.nan)}, "`queries` must be finite"),
        ({"gallery": np.full((4, 3), np.inf)}, "`gallery` must be finite"),
        ({"gallery": np.ones((4, 2))}, r"same number of features.*\(2, 3\) and \(4, 2\)"),
        ({"query_labels": [0.0, 1.0]}, "`query_labels` must be integers; received float64"),
        ({"query_labels": [0]}, r"`query_labels` must have shape \(2,\); received shape \(1,\)"),
        ({"gallery_labels": np.zeros((4, 1), int)}, r"`gallery_labels` must have shape \(4,\)"),
        ({"k": 0}, "`k` must be an integer >= 1; received 0"),
        ({"k": (1, 2.0)}, "`k` must be an integer >= 1; received 2.0"),
        ({"k": True}, "`k` must be an integer >= 1; received True"),
        ({"k": ()}, "`k` must hold at least one"),
        ({"k": (1, 5)}, r"`k` must be at most the gallery's size 4; received \(1, 5\)"),
    ],
)
def test_bad_arguments_are_named(changed, message):
    good = {
        "queries": np.eye(3)[:2],
        "query_labels": [0, 1],
        "gallery": np.eye(3)[[0, 1, 2, 1]],
        "gallery_labels": [0, 1, 2, 1],
        "k": 1,
    }
    assert recall_at_k(**good) == {1: 1.0}
    with pytest.raises(ValueError, match=message):
        recall_at_k(**{**good, **changed})
