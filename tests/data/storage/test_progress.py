import io
import sys
import time

import pytest

from keras_amid.data.storage import progress

pytestmark = pytest.mark.any_backend


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setattr(progress, "SECONDS", 0.1)


def work(bar, steps=60):
    for _ in range(steps):
        time.sleep(0.01)
        bar.update()


def test_a_file_gets_a_line_every_few_seconds(often, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress.progress_bar(total=60, description="train", unit="file") as bar:
        work(bar)
    printed = sys.stderr.getvalue()
    lines = printed.splitlines()
    assert "\r" not in printed and 3 <= len(lines) <= 8
    assert all(line.startswith("train: ") and "/60 [" in line for line in lines)
    counts = [int(line.split("/60")[0].split()[-1]) for line in lines]
    assert counts == sorted(counts) and counts[-1] == 60


def test_work_that_is_soon_done_prints_nothing_to_a_file(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert list(progress.progress_bar(range(5), description="train")) == [0, 1, 2, 3, 4]
    assert sys.stderr.getvalue() == ""


def test_a_terminal_gets_a_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress.progress_bar(total=60, description="train", unit="file") as bar:
        work(bar)
    assert sys.stderr.getvalue().count("\r") > 3 and "60/60" in sys.stderr.getvalue()


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO(), None])
def test_what_is_not_to_be_shown_is_not(often, monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.progress_bar(total=20, show=False) as bar:
        work(bar, 20)
    assert stream is None or stream.getvalue() == ""


def test_without_any_standard_error_the_work_goes_on(often, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with progress.progress_bar(total=20) as bar:
        work(bar, 20)
    assert bar.n == 20
