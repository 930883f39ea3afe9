import functools
import os

import pytest
import worker_jobs

from keras_amid.experiments.tables.workers import Workers


@pytest.mark.any_backend
def test_jobs_in_processes(tmp_path):
    jobs = ["a", "raise", "b", "die", "c", "d"]
    before = dict(os.environ)
    with Workers(functools.partial(worker_jobs.work, folder=tmp_path), 2, tmp_path) as workers:
        errors = dict(workers.run(jobs))
        assert dict(workers.run(["e"])) == {"e": None}
    assert dict(os.environ) == before
    assert set(errors) == set(jobs)
    assert "ValueError: a job that raises" in errors.pop("raise")
    assert "exit code 7" in errors.pop("die")
    assert set(errors.values()) == {None}
    written = [path.read_text().split() for path in tmp_path.iterdir()]
    assert len(written) == 5 and {threads for _, threads in written} == {"1"}
    for process in {int(process) for process, _ in written}:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
