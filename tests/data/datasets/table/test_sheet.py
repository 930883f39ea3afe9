"""Tables as text: every format gives the same cells, and what is wrong is named."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from keras_amid.data.datasets.table.sheet import read_sheet

pytestmark = pytest.mark.any_backend

FRAME = pd.DataFrame(
    {
        "id": ["a", "b", "c"],
        "Label": [1, 0, 2],
        "file": ["a b.mp4", None, "ü.mp4"],
        "x": [0.1, np.nan, 1e-30],
        "note": ['say "hi", or\nnot', "", "; tab\t!"],
    }
)
CELLS = [
    {"id": "a", "label": "1", "file": "a b.mp4", "x": 0.1, "note": 'say "hi", or\nnot'},
    {"id": "b", "label": "0", "file": "", "x": None, "note": ""},
    {"id": "c", "label": "2", "file": "ü.mp4", "x": 1e-30, "note": "; tab\t!"},
]


def write(frame, path):
    if path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True, force_ascii=False, double_precision=15)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, sep="\t" if path.suffix == ".tsv" else ",", index=False)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet", "", ".CSV"])
def test_every_format_has_the_same_cells(tmp_path, suffix):
    if suffix == ".jsonl":  # pandas writes 1e-30 as 0
        lines = [json.dumps({k: c[k] for k in c if c[k] != ""}) for c in CELLS]
        (tmp_path / "t.jsonl").write_text("\n\n".join(lines) + "\n")
        sheet = read_sheet(tmp_path / "t.jsonl")
    else:
        sheet = read_sheet(write(FRAME, tmp_path / f"t{suffix}") if suffix else FRAME)
    assert sheet.columns == ("id", "label", "file", "x", "note")
    numbers = [row.pop("x") for row in sheet.rows]
    wanted = [{**row} for row in CELLS]
    assert [n and float(n) for n in numbers] == [row.pop("x") or "" for row in wanted]
    assert sheet.rows == wanted
    # The header is row 1; a cell of row 2 takes two lines.
    expected = {".csv": [2, 4, 5], ".CSV": [2, 4, 5], ".tsv": [2, 4, 5], ".jsonl": [1, 3, 5]}
    assert sheet.numbers == expected.get(suffix, [0, 1, 2])


@pytest.mark.parametrize(
    ("change", "encoding"),
    [
        (lambda text: text, "utf-8-sig"),
        (lambda text: text.replace("\n", "\r\n"), "utf-8"),
        (lambda text: text.replace(",", ";"), "utf-8"),
        (lambda text: text.replace(",", "\t"), "utf-8"),
        (lambda text: text.replace("\n", "\n\n\n") + "\n  \n", "utf-8"),
        (lambda text: text.replace("a,", " a ,").replace("label", " label "), "utf-8"),
    ],
)
def test_what_editors_do_to_a_csv(tmp_path, change, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes(change("video,label\na,x\nb,y\n").encode(encoding))
    assert read_sheet(path).rows == [{"video": "a", "label": "x"}, {"video": "b", "label": "y"}]


def test_the_index_that_pandas_writes_is_no_column(tmp_path):
    pd.DataFrame({"video": ["a", "b"], "label": [1.0, None]}).to_csv(tmp_path / "t.csv")
    sheet = read_sheet(tmp_path / "t.csv")
    assert sheet.rows == [{"video": "a", "label": "1.0"}, {"video": "b", "label": ""}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "have rows; received t.csv, which is empty"),
        ("\n \n", "which is empty"),
        ("video,label\n", "have rows; received t.csv, which has none"),
        ("video,label,video\na,b,c\n", r"t.csv, with \['video'\] twice"),
        ("video,Label,label\na,b,c\n", r"with \['label'\] twice"),
        ("video,,label\na,b,c\n", "whose column 2 has cells \\('b', ...\\) but no name"),
        ("video,label\na,b\nc\n", "each of its 2 columns; received t.csv, row 3 with 1 cells"),
        ("video,label\na,b,c\n", "row 2 with 3 cells"),
        ('video,label\n"a,b\n', "a whole CSV file; received t.csv, row 2: unexpected end"),
    ],
)
def test_a_csv_that_makes_no_sense(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=f"`table` must .*{message}"):
        read_sheet(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("video,label\na,b\ncaf\xe9,d\n".encode("latin-1"), "whose byte 0xe9 in row 3 is not"),
        ("video,label\na,b\n".encode("utf-16"), "a UTF-16 file"),
    ],
)
def test_other_encodings_are_named(tmp_path, data, message):
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(ValueError, match=f"in UTF-8; received t.csv.*{message}"):
        read_sheet(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "row 2: "),
        ("[1, 2]", r"row 2: \[1, 2\]"),
        ('{"a": 1, "a": 2}', "a name stands twice"),
        ('{"a": [1, 2]}', r"row 2, column `a`: \[1, 2\]"),
        ('{"a": "\\ud800"}', "row 2, column `a`: .text that is not Unicode"),
    ],
)
def test_jsonl_that_makes_no_sense(tmp_path, line, message):
    (tmp_path / "t.jsonl").write_text(f'{{"a": "x"}}\n{line}\n')
    with pytest.raises(ValueError, match=f"received t.jsonl, {message}|t.jsonl, row 2: {message}"):
        read_sheet(tmp_path / "t.jsonl")


def test_files_that_are_no_tables(tmp_path):
    (tmp_path / "t.xlsx").write_text("PK")
    (tmp_path / "t.parquet").write_text("PAR1 no")
    (tmp_path / "f.csv").mkdir()
    for name, message in {
        "t.xlsx": "a file .csv, .tsv, .jsonl",
        "t.parquet": "a whole Parquet file; received t.parquet",
        "f.csv": "which is a folder",
        "no.csv": "which is not there",
    }.items():
        with pytest.raises(ValueError, match=f"`table` must be .*{message}"):
            read_sheet(tmp_path / name)


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    path = write(FRAME, tmp_path / "t.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ValueError, match="pyarrow is not installed; received t.parquet"):
        read_sheet(path)


def test_labels_of_numpy_and_pandas():
    frame = pd.DataFrame(
        {
            "label": pd.array([1, None, 3], dtype="Int64"),
            "b": pd.Categorical(["x", None, "y"]),
            "c": np.array([True, False, True]),
            "d": np.array([1, 2, 3], "float32"),
        }
    )
    assert [list(row.values()) for row in read_sheet(frame).rows] == [
        ["1", "x", "True", "1.0"],
        ["", "", "False", "2.0"],
        ["3", "y", "True", "3.0"],
    ]
    with pytest.raises(ValueError, match="row 1, column `label`: {}"):
        read_sheet(pd.DataFrame({"label": ["a", {}]}))
