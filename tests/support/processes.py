"""Python processes that start with what the tests have imported: each spares seconds of imports.

They are processes of their own (a signal ends one as it ends a user's), forked by a server that
has done nothing but import. Where another backend, other variables of the start or a bare Python
are the point, `subprocess` is what to use.
"""

import atexit
import dataclasses
import multiprocessing
import os
import resource
import runpy
import shutil
import signal
import sys
import tempfile
import time
import warnings
from multiprocessing import forkserver, util
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["preloaded"])


def _start_server():
    """The server looks for modules where this process does (Python 3.11's own does not)."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    try:
        forkserver.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


@dataclasses.dataclass(frozen=True)
class Done:
    """What a process leaves that has ended."""

    returncode: int
    stdout: str
    stderr: str


class Process:
    """A Python process, with the methods of `subprocess.Popen` that tests want.

    Args:
        *words: What would follow `python` on a command line: a script or `-m`, a module, and
            arguments.
        cwd: Its folder.
        env: Variables to set.
        file_size: Bytes that a file may have at most, as where the disk is full.
    """

    def __init__(self, *words, cwd=None, env=None, file_size=None):
        folder = tempfile.mkdtemp(prefix="process-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self._files = [Path(folder, name) for name in ("stdout", "stderr")]
        for file in self._files:
            file.touch()
        environment = {**os.environ, **{name: str(value) for name, value in (env or {}).items()}}
        _start_server()
        words = [str(word) for word in words]
        given = (words, str(cwd or os.getcwd()), environment, self._files, file_size)
        self._process = _CONTEXT.Process(target=_be_python, args=given)
        self._process.start()

    @property
    def pid(self):
        return self._process.pid

    @property
    def stdout(self):
        """What it has written so far."""
        return self._files[0].read_text()

    @property
    def stderr(self):
        return self._files[1].read_text()

    @property
    def returncode(self):
        return self._process.exitcode

    poll = returncode.fget

    def wait(self, timeout=600):
        self._process.join(timeout)
        assert self.returncode is not None, f"still running after {timeout} s"
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def wait_until(self, condition, seconds=300):
        """Waits until it has come to something, which must be before it ends."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.poll() is None, self.stderr[-3000:]
            assert time.monotonic() < deadline, self.stderr[-3000:]
            time.sleep(0.01)


def run(*words, cwd=None, env=None, timeout=600):
    """Runs a process to its end; returns a `Done`. See `Process`."""
    process = Process(*words, cwd=cwd, env=env)
    try:
        process.wait(timeout)
    finally:
        if process.poll() is None:
            process.kill()
    return Done(process.returncode, process.stdout, process.stderr)


def _be_python(words, cwd, environment, files, file_size):
    """Goes on as `python WORDS` would."""
    if file_size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    for number, file in enumerate(files, start=1):
        opened = os.open(file, os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    # multiprocessing's processes leave without it.
    util.Finalize(None, atexit._run_exitfuncs, exitpriority=0)
    # Of modules that the server has imported already
    warnings.filterwarnings("ignore", category=RuntimeWarning, module="runpy")
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[:] = words, [str(Path(words[0]).resolve().parent), *sys.path]
        runpy.run_path(words[0], run_name="__main__")
