import numpy as np
import pytest

from keras_amid.validation.arguments import (
    check_choice,
    check_int,
    check_number,
    check_pair_normalizer,
    check_positive_int,
)

pytestmark = pytest.mark.any_backend


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3)])
def test_integers_are_returned_as_int(value):
    assert type(check_int("n", value)) is int and check_int("n", value, 3, 3) == 3


@pytest.mark.parametrize(
    "value, bounds, message",
    [
        (True, {}, "`n` must be an integer; received True"),
        (np.True_, {}, "`n` must be an integer; received"),
        (3.0, {}, r"`n` must be an integer; received 3\.0"),
        ("3", {}, "`n` must be an integer; received '3'"),
        (None, {"at_least": 1}, "`n` must be an integer >= 1; received None"),
        (0, {"at_least": 1}, "`n` must be an integer >= 1; received 0"),
        (9, {"at_most": 8}, "`n` must be an integer <= 8; received 9"),
        (-1, {"at_least": 0, "at_most": 8}, "`n` must be an integer >= 0 and <= 8; received -1"),
    ],
)
def test_what_is_no_integer_in_range_is_refused(value, bounds, message):
    with pytest.raises(ValueError, match=message):
        check_int("n", value, **bounds)


def test_positive_integers():
    assert check_positive_int("n", 1) == 1
    with pytest.raises(ValueError, match="`n` must be an integer >= 1; received 0"):
        check_positive_int("n", 0)
    with pytest.raises(ValueError, match="`n` must be an integer >= 2; received 1"):
        check_positive_int("n", 1, at_least=2)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5)])
def test_numbers_are_returned_as_float(value):
    assert type(check_number("rate", value, above=0, at_most=1)) is float


@pytest.mark.parametrize(
    "value, bounds, message",
    [
        (float("nan"), {}, "`rate` must be a finite number; received nan"),
        (float("inf"), {"above": 0}, "`rate` must be a finite number > 0; received inf"),
        (False, {}, "`rate` must be a finite number; received False"),
        ("1", {}, "`rate` must be a finite number; received '1'"),
        (0, {"above": 0}, "`rate` must be a finite number > 0; received 0"),
        (2, {"at_least": 0, "at_most": 1}, "`rate` must be a finite number >= 0 and <= 1; rec"),
    ],
)
def test_what_is_no_number_in_range_is_refused(value, bounds, message):
    with pytest.raises(ValueError, match=message):
        check_number("rate", value, **bounds)


def test_choices_are_returned_as_they_are_listed():
    assert check_choice("depth", np.int64(18), (18, 34)) == 18
    assert type(check_choice("depth", np.int64(18), (18, 34))) is int
    assert check_choice("mode", None, ("mean", None)) is None
    assert check_choice("projection", True, ("auto", True, False)) is True


@pytest.mark.parametrize("value", [1, 0.0, "Auto", None, [True], {}, np.zeros(2)])
def test_what_is_not_listed_is_refused(value):
    message = r"`projection` must be one of \['auto', True, False\]; received"
    with pytest.raises(ValueError, match=message):
        check_choice("projection", value, ("auto", True, False))


def test_pair_normalizer():
    assert check_pair_normalizer("batch") == "batch" and check_pair_normalizer(3) == 3.0
    with pytest.raises(ValueError, match=r"`pair_normalizer` must be one of.*received 'mean'"):
        check_pair_normalizer("mean")
    with pytest.raises(ValueError, match="`pair_normalizer` must be a finite number > 0"):
        check_pair_normalizer(0)
