"""What is wrong with a table is named before any work: row, column, what is there."""

import numpy as np
import pytest
import recordings as rec

from keras_amid.command.main import main
from keras_amid.data import table
from keras_amid.data.datasets import Table

pytestmark = pytest.mark.any_backend


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return rec.write_recordings(tmp_path_factory.mktemp("recordings"), 4)


def rows():
    return [
        {"id": f"r{n}", "video": f"clip{n}.mkv", "pose": f"pose{n}.npy", "x.a": n, "x.b": 1}
        | {"label": "ab"[n % 2], "split": "train", "start": "", "end": "", "words": f"w {n}"}
        for n in range(4)
    ]


def changed(number, **cells):
    found = rows()
    found[number] |= cells
    return found


@pytest.mark.parametrize(
    ("number", "cells", "message"),
    [
        (1, {"video": "clip9.mkv"}, "row 3, column `video`: no such file: clip9.mkv (looked for"),
        (1, {"video": "/no/x.mkv"}, "row 3, column `video`: no such file: /no/x.mkv"),
        (1, {"video": "../x.mkv"}, "row 3, column `video`: no such file: ../x.mkv"),
        (1, {"video": "."}, "row 3, column `video`: no regular file"),
        (0, {"pose": "pose0"}, "row 2, column `pose`: no such file: pose0"),
        (2, {"id": "r0"}, "row 4, column `id`: 'r0' is the id of row 2 too"),
        (2, {"id": ""}, "row 4, column `id`: empty"),
        (3, {"split": "exam"}, "row 5, column `split`: 'exam' is none of train, validation, test"),
        (0, {"start": 2, "end": 1}, "row 2, column `end`: 1 is not after the start, 2"),
        (0, {"start": "nan"}, "row 2, column `start`: 'nan' is no number of seconds from 0 on"),
        (0, {"start": -1}, "row 2, column `start`: '-1' is no number"),
        (0, {"end": "0:10"}, "row 2, column `end`: '0:10' is no number"),
        (0, {"x.b": ""}, "row 2, column `x.b`: empty, though others of its name are not"),
        (0, {"x.a": "inf"}, "row 2, column `x.a`: 'inf' is no finite number"),
        (0, {"x.a": "NaN"}, "row 2, column `x.a`: 'NaN' is no finite number"),
        (3, {"label": "c", "split": "test"}, "row 5, column `label`: class 'c' is in test but not"),
        (3, {"label": "nan"}, "row 5, column `label`: 'nan' is no class"),
        (3, {"label": "3"}, "labels that are all names or all integers; received 'a' in row 2 and"),
        (
            2,
            dict.fromkeys(["video", "pose", "x.a", "x.b", "words"], ""),
            "row 4, column `video, pose, x.a, words`: empty: there is nothing in the row",
        ),
    ],
)
def test_a_wrong_cell(root, tmp_path, capsys, number, cells, message):
    path = rec.write_csv(root / "wrong.csv", changed(number, **cells))
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as exit:
        main(["prepare", str(path), "--out", str(out)])
    printed = capsys.readouterr().err
    assert exit.value.code == 2 and len(printed.splitlines()) == 1
    assert printed.startswith("keras-amid prepare: error: `table` must have") and message in printed
    assert not out.exists()


def test_many_wrong_rows_are_named_at_once_or_left_out(root, tmp_path):
    found = rows() + [{**rows()[1], "id": f"s{n}", "video": f"gone{n}.mkv"} for n in range(9)]
    found[1]["end"] = "-3"
    path = rec.write_csv(root / "many.csv", found)
    with pytest.raises(ValueError, match="many.csv: row 3, column `end`.*; row 6.*; and 4 more"):
        table.read(path)
    listing = table.read(path, bad_rows="leave-out")
    assert [row["id"] for row in listing.splits["train"]] == ["r0", "r2", "r3"]
    assert len(listing.problems) == 10
    assert listing.problems[1]["id"] == "row 6" and "gone0.mkv" in listing.problems[1]["reason"]


@pytest.mark.parametrize("bad_rows", ["refuse", "leave-out"])
def test_no_row_is_left(root, tmp_path, bad_rows):
    path = rec.write_csv(root / "all.csv", rows())
    with pytest.raises(ValueError, match="all.csv: row 2, column `video`: no such file"):
        table.read(path, tmp_path, bad_rows=bad_rows)
    found = [{**row, ["video", "pose"][n % 2]: ""} for n, row in enumerate(rows())]
    path = rec.write_csv(root / "holes.csv", found)
    with pytest.raises(ValueError, match="holes.csv: row 2 has no video, audio; row 3 has no pose"):
        table.read(path, missing="leave-out", bad_rows=bad_rows)


def test_classes_that_only_rows_left_out_had_are_no_classes(root):
    path = rec.write_csv(root / "gone.csv", changed(2, label="z", video="no.mkv"))
    assert table.read(path, bad_rows="leave-out").class_names == ("a", "b")
    path = rec.write_csv(root / "tested.csv", changed(2, label="z", split="test"))
    listing = table.read(path, bad_rows="leave-out")
    assert listing.class_names == ("a", "b") and "test" not in listing.splits


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: row.pop("label"), r"a column `label`.*received wrong.csv with columns"),
        (
            lambda row: row.update({"body weight": "x"}),
            "names of letters, digits and underscores.*'body weight'",
        ),
        (lambda row: row.update(index=1), "modality names other than .*'index'"),
        (lambda row: row.update(x=1), "different names; received wrong.csv, with `x` and `x.a`"),
        (
            lambda row: row.update(video=["clip1.mkv", "pose1.npy"][row["id"] > "r1"]),
            "whose column `video` has 1 arrays, 1 videos or sounds. Say what it is",
        ),
        (lambda row: row.update(video="a.jpg"), "whose column `video` has 1 pictures"),
        (
            lambda row: row.update(video=["clip1.mkv", "a.jpg"][row["id"] > "r1"]),
            "whose column `video` has 1 videos or sounds, 1 pictures. Say what it is",
        ),
        (
            lambda row: [row.pop(name) for name in ("video", "pose", "words", "x.a", "x.b")],
            "columns that are modalities.*received none",
        ),
        (lambda row: row.update(audio="x y"), r"which make \['audio'\] twice"),
    ],
)
def test_columns_that_make_no_sense(root, change, message):
    found = rows()
    for row in found:
        change(row)
    with pytest.raises(ValueError, match=f"`table` must have .*{message}"):
        table.read(rec.write_csv(root / "wrong.csv", found))


def test_what_is_odd_but_kept_is_noted(root):
    found = changed(3, label="c") + [{**rows()[0], "id": "again", "split": "test"}]
    path = rec.write_csv(root / "odd.csv", found)
    settled = Table(path).settled(root, root / "no")
    assert settled.paper_note == (
        "Classes with one sample: b; c. Splits without a sample: validation. Groups or files in "
        "more than one split, as the table has it: r0."
    )
    assert settled.paper_note.split(". ")[0] in settled.summary
    only_tested = [{**row, "split": "test"} for row in rows()]
    settled = Table(rec.write_csv(root / "odd.csv", only_tested)).settled(root, root / "no")
    assert "Classes without a sample to train on: a; b." in settled.paper_note


@pytest.mark.parametrize(
    "options",
    [
        {"missing": "ignore"},
        {"bad_rows": "keep"},
        {"validation": -0.1},
        {"test": 0.6},
        {"seed": 1.5},
        {"sample_rate": 0},
        {"short_side": 0},
        {"fps": 0},
        {"kinds": {"video": "film"}},
    ],
)
def test_wrong_options(root, options):
    with pytest.raises(ValueError, match=f"`{next(iter(options))}` must be"):
        Table(root / "t.csv", **options)


@pytest.mark.parametrize("wrong", [None, 3, "", np.zeros(3)])
def test_what_is_no_table(wrong):
    with pytest.raises(ValueError, match="`table` must be a path or a pandas DataFrame; received"):
        Table(wrong)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--kind", "video"], "argument --kind: must be COLUMN=KIND; received 'video'"),
        (["--kind", "video=film"], "`kinds` must be a dict, column -> one of"),
        (["--shard", "2/2"], "argument --shard: must be I/N with 0 <= I < N; received '2/2'"),
        (["--fps", "-1"], "`fps` must be a finite number > 0"),
        (["--missing", "guess"], "argument --missing: invalid choice"),
        (["--root", "/no/such"], "no such file: clip0.mkv (looked for '/no/such/clip0.mkv')"),
    ],
)
def test_wrong_words_of_the_command(root, tmp_path, capsys, words, message):
    path = rec.write_csv(root / "right.csv", rows())
    with pytest.raises(SystemExit) as exit:
        main(["prepare", str(path), "--out", str(tmp_path / "out"), *words])
    printed = capsys.readouterr().err
    assert exit.value.code == 2 and message in printed and len(printed.splitlines()) == 1
    assert not (tmp_path / "out").exists()
