import keras
import numpy as np
import pytest

from keras_amid.evaluation.accuracy import per_class_accuracy, weighted_and_unweighted_accuracy


def reference(labels, ids, num_classes):
    accuracy = []
    for c in range(num_classes):
        right = [p == c for y, p in zip(labels, ids, strict=True) if y == c]
        accuracy.append(sum(right) / len(right) if right else float("nan"))
    return accuracy


@pytest.fixture
def labels_and_scores():
    rng = np.random.default_rng(3)
    labels = rng.choice([0, 1, 3, 4], size=60)
    scores = rng.random((60, 6)) + 0.6 * np.eye(6)[labels]
    return labels, scores


def test_equals_a_loop_and_is_nan_for_absent_classes(labels_and_scores):
    labels, scores = labels_and_scores
    ids = scores.argmax(axis=1)
    assert 2 in ids or 5 in ids  # an absent class is predicted, and must stay NaN
    result = per_class_accuracy(labels, ids, 6)
    assert result.shape == (6,) and result.dtype == np.float64
    np.testing.assert_allclose(result, reference(labels, ids, 6), rtol=1e-12)
    assert list(np.isnan(result)) == [False, False, True, False, False, True]


def test_weighted_and_unweighted_accuracy_by_hand():
    labels = [0, 0, 0, 1, 1, 3]
    predictions = [0, 0, 1, 1, 0, 2]  # class recalls 2/3, 1/2, -, 0
    figures = weighted_and_unweighted_accuracy(labels, predictions, 5)
    assert figures["WA"] == pytest.approx(3 / 6)
    assert figures["UA"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    scores = np.eye(5)[predictions] * 3.0
    assert weighted_and_unweighted_accuracy(labels, scores, 5) == figures


def test_takes_probabilities_and_backend_tensors(labels_and_scores):
    labels, scores = labels_and_scores
    expected = per_class_accuracy(labels, scores.argmax(axis=1), 6)
    np.testing.assert_array_equal(per_class_accuracy(labels, scores, 6), expected)
    as_tensors = per_class_accuracy(
        keras.ops.convert_to_tensor(labels), keras.ops.convert_to_tensor(scores), 6
    )
    np.testing.assert_array_equal(as_tensors, expected)
    half = keras.ops.cast(keras.ops.convert_to_tensor(np.eye(6)[labels]), "bfloat16")
    assert np.nanmin(per_class_accuracy(labels, half, 6)) == 1.0
    np.testing.assert_array_equal(per_class_accuracy(list(labels), scores.tolist(), 6), expected)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": [0, 1, 3]}, r"`labels` must be in 0\.\.2; received 0\.\.3"),
        ({"labels": [0.0, 1.0, 2.0]}, "`labels` must be integers; received float64"),
        ({"labels": [[0], [1], [2]]}, r"`labels` must have shape \(samples,\)"),
        ({"labels": []}, "`labels`"),
        ({"predictions": [0, 1]}, r"`predictions` must have shape \(3,\); received shape \(2,\)"),
        ({"predictions": [0, 1, -1]}, r"`predictions` must be in 0\.\.2; received -1\.\.1"),
        ({"predictions": [0.1, 0.2, 0.3]}, "`predictions` must be integers"),
        ({"predictions": np.ones((3, 4))}, r"\(3,\) or \(3, 3\); received shape \(3, 4\)"),
        ({"predictions": np.full((3, 3), np.nan)}, "`predictions` must not hold NaN"),
        ({"num_classes": 0}, "`num_classes` must be an integer >= 1; received 0"),
    ],
)
def test_bad_arguments_are_named(changed, message):
    good = {"labels": [0, 1, 2], "predictions": [0, 1, 1], "num_classes": 3}
    np.testing.assert_array_equal(per_class_accuracy(**good), [1, 1, 0])
    with pytest.raises(ValueError, match=message):
        per_class_accuracy(**{**good, **changed})
