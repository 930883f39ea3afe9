"""Jobs for the test of the worker processes."""

import os
from pathlib import Path


def work(job, folder):
    """Writes a file named by the job; "raise" raises, "die" ends the process."""
    if job == "raise":
        raise ValueError("a job that raises")
    if job == "die":
        os._exit(7)
    Path(folder, job).write_text(f"{os.getpid()} {os.environ['OMP_NUM_THREADS']}")
