"""Jobs in parallel processes that live long: imports and compiled steps serve many jobs."""

import multiprocessing
import os
import signal
import threading
import traceback
from multiprocessing import connection

# One thread a process: the processes share the cores. JAX keeps compiled steps on disk.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
}


class Workers:
    """Processes that call one function; to be used in a `with` statement, which ends them.

    Args:
        function: picklable function of a job; what it returns is dropped.
        processes: int; 1: no other process than this one.
        cache: folder for compiled steps.
    """

    def __init__(self, function, processes, cache):
        self.function, self.processes = function, processes
        self.environment = {**_ENVIRONMENT, "JAX_COMPILATION_CACHE_DIR": str(cache)}
        self.workers = []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for worker in self.workers:
            worker.end()

    def run(self, jobs):
        """Calls the function with every job, begun in this order.

        Args:
            jobs: list of picklable objects.

        Yields:
            Tuples of a finished job and None, or the error's text where it failed. A process
            that died (of lack of memory, say) is its job's error; another one takes its place.
        """
        if self.processes == 1:
            for job in jobs:
                yield job, _attempt(self.function, job)
            return
        waiting = list(jobs)
        while waiting or any(worker.job is not None for worker in self.workers):
            for worker in [worker for worker in self.workers if worker.job is None]:
                if waiting:
                    worker.give(waiting.pop(0))
            while waiting and len(self.workers) < self.processes:
                self.workers.append(_Worker(self.function, self.environment))
                self.workers[-1].give(waiting.pop(0))
            busy = {worker.pipe: worker for worker in self.workers if worker.job is not None}
            for pipe in connection.wait(busy):
                worker = busy[pipe]
                job, error, alive = worker.take()
                if not alive:
                    self.workers.remove(worker)
                yield job, error


class _Worker:
    """A process, the job it has (or None), and the pipe to it."""

    def __init__(self, function, environment):
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.job = None
        self.process = context.Process(target=_work, args=(function, other), daemon=True)
        before = dict(os.environ)
        os.environ.update(environment | before)  # the user's own settings win
        try:
            self.process.start()
        finally:
            for name in set(environment) - set(before):
                del os.environ[name]
        other.close()

    def give(self, job):
        """Sends a job; a process that is dead will show when its answer is taken."""
        self.job = job
        try:
            self.pipe.send(job)
        except OSError:
            pass

    def take(self):
        """Returns the job, its error or None, and whether the process lives."""
        job, self.job = self.job, None
        try:
            return job, self.pipe.recv(), True
        except (EOFError, OSError):
            self.process.join()
            return job, f"its process ended with exit code {self.process.exitcode}\n", False

    def end(self):
        """Ends the process: at once where it has a job."""
        if self.job is not None:
            self.process.kill()
        self.pipe.close()
        self.process.join()


def _work(function, pipe):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's affair
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            job = pipe.recv()
        except EOFError:  # no more jobs
            return
        pipe.send(_attempt(function, job))


def _end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)


def _attempt(function, job):
    """Calls the function; returns the error's text, or None."""
    try:
        function(job)
    except Exception:
        return traceback.format_exc()
    return None
