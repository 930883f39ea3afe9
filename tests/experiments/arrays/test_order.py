import numpy as np
import pytest

from keras_amid.experiments.arrays.order import mixed_order

pytestmark = pytest.mark.any_backend


def test_each_kind_is_drawn_without_replacement_in_its_own_order():
    labelled = np.arange(30) % 5 == 0  # 6 labelled, 24 not
    order = mixed_order(labelled, batch=8, steps=12, seed=3)
    assert order.shape == (12, 8)
    assert (labelled[order].sum(axis=1) == 4).all()
    for kind, count in ((True, 6), (False, 24)):
        drawn = order[labelled[order] == kind]
        for start in range(0, len(drawn), count):
            part = drawn[start : start + count]
            assert sorted(part) == np.flatnonzero(labelled == kind).tolist()
    first, second = (order[labelled[order]][s : s + 6] for s in (0, 6))
    assert first.tolist() != second.tolist()
    np.testing.assert_array_equal(order, mixed_order(labelled, 8, 12, 3))
    assert (order != mixed_order(labelled, 8, 12, 4)).any()


@pytest.mark.parametrize("all_of", [True, False])
def test_one_kind_alone_fills_the_batches(all_of):
    order = mixed_order(np.full(7, all_of), batch=4, steps=7, seed=0)
    assert np.bincount(order.reshape(-1)).tolist() == [4] * 7


def test_the_odd_sample_is_a_labelled_one():
    order = mixed_order(np.arange(10) < 4, batch=5, steps=2, seed=0)
    assert ((order < 4).sum(axis=1) == 3).all()
