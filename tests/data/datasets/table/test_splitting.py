"""Splits by group: whole, stratified, seeded, and settled when rows are added."""

import collections

import numpy as np
import pytest

from keras_amid.data.datasets.table.faults import Faults
from keras_amid.data.datasets.table.labels import find_classes
from keras_amid.data.datasets.table.splitting import Place, assign, split_of

pytestmark = pytest.mark.any_backend
SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}


def rows(labels, groups=None):
    groups = [str(n) for n in range(len(labels))] if groups is None else groups
    return [
        Place(f"r{n}", str(g), int(label), None)
        for n, (label, g) in enumerate(zip(labels, groups, strict=True))
    ]


def counts(places, splits):
    return collections.Counter((p.label, splits[p.id]) for p in places)


def test_each_class_is_divided_by_the_shares():
    places = rows(np.repeat([0, 1, 2], [100, 20, 40]))
    found = counts(places, assign(places, SHARES, 0))
    for label, count in enumerate([100, 20, 40]):
        assert [found[label, split] / count for split in SHARES] == pytest.approx(
            list(SHARES.values()), abs=0.5 / count + 1e-9
        )


def test_the_smallest_classes_are_trained_first():
    places = rows([0, 1, 1, 2, 2, 2, 3, 3, 3, 3])
    found = counts(places, assign(places, SHARES, 0))
    assert [found[label, "train"] for label in range(4)] == [1, 2, 2, 2]
    assert {found[3, "validation"], found[3, "test"]} == {1}


def test_many_small_classes_fill_every_split():
    places = rows(np.repeat(np.arange(40), 3))
    found = collections.Counter(assign(places, SHARES, 0).values())
    assert found == {"train": 80, "validation": 20, "test": 20}


def test_groups_stay_whole_and_shares_come_near():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 60, 600)
    places = rows(rng.integers(0, 5, 600), groups)
    splits = assign(places, SHARES, 3)
    homes = collections.defaultdict(set)
    for place in places:
        homes[place.group].add(splits[place.id])
    assert all(len(found) == 1 for found in homes.values())
    found = counts(places, splits)
    for label in range(5):
        total = sum(found[label, split] for split in SHARES)
        for split, share in SHARES.items():
            assert abs(found[label, split] / total - share) < 0.06


def test_the_seed_decides_and_the_order_of_rows_does_not():
    places = rows(np.repeat([0, 1], 50))
    first = assign(places, SHARES, 0)
    assert assign(places[::-1], SHARES, 0) == first
    assert assign(places, SHARES, 1) != first


def test_rows_that_are_added_move_nothing():
    places = rows(np.tile([0, 1, 2], 30))
    before = assign(places, SHARES, 0)
    settled = [Place(p.id, p.group, p.label, before[p.id]) for p in places]
    added = [Place(f"new{n}", f"new{n}", n % 3, None) for n in range(60)]
    same_group = Place("late", places[7].group, 2, None)
    after = assign([*added, *settled, same_group], SHARES, 0)
    assert {name: after[name] for name in before} == before
    assert after["late"] == before[places[7].id]
    found = counts([*added, *settled], after)
    for label in range(3):
        assert [found[label, split] for split in SHARES] == pytest.approx([35, 7.5, 7.5], abs=1)


def test_rows_without_label_are_trained_on_unless_their_group_is_elsewhere():
    places = rows([*[0, 1] * 8, -1, -1])
    splits = assign(places, SHARES, 0)
    assert splits["r16"] == splits["r17"] == "train"
    tested = next(place for place in places if splits[place.id] == "test")
    together = Place("u", tested.group, -1, None)
    assert assign([*places, together], SHARES, 0)["u"] == "test"


def test_no_share_no_rows():
    places = rows(np.tile([0, 1], 50))
    splits = assign(places, {"train": 0.5, "validation": 0.0, "test": 0.5}, 0)
    assert collections.Counter(splits.values()) == {"train": 50, "test": 50}


def test_names_of_splits():
    names = ["train", "Val", "valid", "dev", "TEST", "holdout", ""]
    found = [split_of(name) for name in names]
    assert found == ["train", "validation", "validation", "validation", "test", None, None]


@pytest.mark.parametrize(
    ("cells", "names", "labels"),
    [
        (["b", "a", "", "b"], ("a", "b"), [1, 0, -1, 1]),
        (["2", "0", "1", "-1", ""], ("0", "1", "2"), [2, 0, 1, -1, -1]),
        (["10", "9", "100"], ("9", "10", "100"), [1, 0, 2]),
        (["1.0", "0.0", "1"], ("0", "1"), [1, 0, 1]),
        (["b1", "1a"], ("1a", "b1"), [1, 0]),
    ],
)
def test_classes(cells, names, labels):
    faults = Faults("t")
    found, numbers = find_classes(enumerate(cells), (), faults)
    assert found == names and [numbers[cell] for cell in cells] == labels
    assert not faults.found


def test_known_classes_keep_their_numbers():
    found, numbers = find_classes(enumerate(["a", "z", "m"]), ("z", "b"), Faults("t"))
    assert found == ("z", "b", "a", "m") and numbers["z"] == 0
    with pytest.raises(ValueError, match=r"\(classes z; b\); received 3"):
        find_classes(enumerate(["3"]), ("z", "b"), Faults("t"))


def test_labels_that_are_none():
    with pytest.raises(ValueError, match="received 'cat' in row 1 and '3' in row 0"):
        find_classes(enumerate(["3", "cat"]), (), Faults("t"))
    with pytest.raises(ValueError, match="rows with a label; received none"):
        find_classes(enumerate(["", ""]), (), Faults("t"))
    faults = Faults("t.csv")
    find_classes([(2, "1"), (3, "nan"), (4, "0.5"), (5, "-2"), (6, "inf")], (), faults)
    assert sorted(faults.found) == [3, 4, 5, 6]
    with pytest.raises(ValueError, match="t.csv: row 3, column `label`: 'nan' is no class"):
        faults.refuse()
