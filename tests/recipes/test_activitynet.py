"""The recipe of ActivityNet, run as a user runs it, on a miniature of the data set."""

import pytest
from recipe_files import run


@pytest.mark.slow
@pytest.mark.any_backend
def test_activitynet_with_sound_cropped_anew_in_every_step(tmp_path):
    done = run(
        "activitynet", "--smoke", "--epochs", "1", "--random-sound", "--rows", "AMID",
        "fixed teacher", "CRD", "--out", tmp_path,
    )  # fmt: skip
    assert "zero_bytes_" in done.stdout and "10024" in done.stdout
    assert "that saves" not in done.stdout  # nothing was cached
    assert "| AMID |" in done.stdout and "| 53.6 |" in done.stdout
