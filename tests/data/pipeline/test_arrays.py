import numpy as np
import pytest
import tiny_records

from keras_amid.data import Array, MaskSpectrogram, batches

pytestmark = pytest.mark.any_backend


def various(row):
    """Arrays of 1 to 5 rows."""
    number = int(row["id"])
    return {"face": np.full((1 + number % 5, 2), 1 + number), "age": np.float64(number)}


def test_arrays_are_filled_up_to_a_length(tmp_path):
    tiny_records.make(tmp_path, 6, read=various)
    data = batches(tmp_path, 4, {"face": Array(3), "age": None})
    assert data.element_spec[0]["face"].shape.as_list() == [None, 3, 2]
    for x, y in data.as_numpy_iterator():
        for face, age, number in zip(x["face"], x["age"], y, strict=True):
            rows = min(1 + number % 5, 3)
            assert age == number and face.dtype == np.float32
            assert face[:, 0].tolist() == [1 + number] * rows + [0] * (3 - rows)


def test_arrays_are_filled_up_to_the_longest_of_the_batch(tmp_path):
    tiny_records.make(tmp_path, 6, read=various)
    first, second = batches(tmp_path, 4, {"face": Array("batch")}).as_numpy_iterator()
    assert first[0]["face"].shape == (4, 4, 2) and second[0]["face"].shape == (2, 5, 2)
    assert first[0]["face"][1, :, 0].tolist() == [2, 2, 0, 0]
    assert second[0]["face"][:, :, 1].tolist() == [[5] * 5, [6, 0, 0, 0, 0]]
    with pytest.raises(ValueError, match=r"one shape.*face.*\[None, 2\].*`pad`"):
        batches(tmp_path, 4, ("face",))
    assert [len(x["face"][0]) for x, _ in batches(tmp_path, 1, ("face",))] == [1, 2, 3, 4, 5, 1]


def test_videos_and_sounds_are_arrays_too(tmp_path):
    def read(row):
        number = 1 + row["label"]
        return {"video": np.full((number, 4, 4, 1), number, np.uint8), "audio": np.ones(2 * number)}

    tiny_records.make(tmp_path, 3, read=read)
    data = batches(tmp_path, 3, {"video": Array(2), "audio": Array("batch")})
    ((x, _),) = data.as_numpy_iterator()
    assert x["video"].dtype == np.uint8 and x["video"].shape == (3, 2, 4, 4, 1)
    assert x["video"][:, :, 0, 0, 0].tolist() == [[1, 0], [2, 2], [3, 3]]
    assert x["audio"].tolist() == [[1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pad": 0}, "`pad` must be a positive integer.*0"),
        ({"pad": True}, "`pad`.*True"),
        ({"pad": 1.5}, "`pad`.*1.5"),
        ({"pad": "longest"}, "`pad`.*'longest'"),
        ({"augment": MaskSpectrogram}, "`augment`.*MaskSpectrogram"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        Array(**options)
