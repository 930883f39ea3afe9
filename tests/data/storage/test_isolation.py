import functools
import os
import signal
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor

import decoders
import numpy as np
import processes
import pytest

import keras_amid
from keras_amid.data.media.limits import Limits, current_limits, limit, within
from keras_amid.data.storage.isolation import LostWorker, isolated
from keras_amid.data.storage.parallel import ordered_map

pytestmark = pytest.mark.any_backend


def square(number):
    return number * number


def twice_the_first(array):
    array[0] *= 2  # what arrives may be written to
    return array


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_function_runs_elsewhere_without_keras():
    with isolated(decoders.look_around, 60) as call:
        found = [call({}) for _ in range(2)]
        assert is_running(found[0]["process"])
    assert found[0]["process"] == found[1]["process"] != os.getpid()
    assert found[0]["heavy"] == [] and found[0]["limits"] == Limits()
    assert not is_running(found[0]["process"])


def test_limits_go_with_it():
    with limit(seconds=7):
        function = functools.partial(within, current_limits(), decoders.look_around)
    with isolated(function, 60) as call:
        assert call({})["limits"] == Limits(seconds=7)


def test_arrays_arrive_as_they_were_sent():
    array = np.arange(2_000_000, dtype=np.float32).reshape(2, 1000, 1000)
    with isolated(twice_the_first, 60) as call:
        returned = call(array)
        np.testing.assert_array_equal(returned[0], 2 * array[0])
        np.testing.assert_array_equal(returned[1], array[1])
        returned[0] = 0
        np.testing.assert_array_equal(call(array[:, ::2, 1])[0], 2 * array[0, ::2, 1])


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("crash", r"the decoder crashed \(SIGSEGV\)"),
        ("exit", r"the decoder ended its process \(exit code 3\)"),
        ("hang", "not read within 1.5 s"),
        ("spin", "not read within 1.5 s"),
    ],
)
def test_what_ends_or_stops_a_process_does_so_to_one_call(what, reason):
    rows = decoders.rows(2)
    with isolated(decoders.read, 1.5) as call:
        for _ in range(2):
            started = time.monotonic()
            with pytest.raises(LostWorker, match=reason):
                call({**rows[0], "does": what})
            assert time.monotonic() - started < 15
            assert call(rows[1])["video"].shape == (3, 8, 10, 3)


def test_errors_are_raised_with_the_place_they_come_from():
    with isolated(decoders.read, 60) as call:
        with pytest.raises(KeyError, match="no such feature") as caught:
            call({**decoders.rows(1)[0], "does": "fail"})
        assert "decoders.py" in caught.value.__notes__[0]
        with pytest.raises(keras_amid.data.MediaError, match="clip-0.avi: no sound"):
            call({**decoders.rows(1)[0], "does": "refuse"})


def test_what_cannot_be_pickled_runs_here():
    seen = []
    with isolated(lambda item: seen.append(item), 60) as call:
        call("by a closure")
    with open(os.devnull, "w") as file, isolated(functools.partial(print, file=file), 60) as call:
        seen.append(call("by an open file"))
    assert seen == ["by a closure", None]
    with isolated(decoders.unsendable, 60) as call:
        assert list(call({})) == list(call({})) == [0, 1, 2]


def test_functions_of_modules_that_a_worker_cannot_import():
    """Such as this one: pytest does not import tests by name."""
    with isolated(functools.partial(square), 60) as call:
        assert call(7) == 49
    with isolated(decoders.use_package, 120) as call:
        assert call({}) == [Limits().pixels, keras_amid.__version__, "AMID"]


def test_several_threads_have_a_worker_each():
    with isolated(decoders.read, 60) as call, ThreadPoolExecutor(3) as threads:
        rows = [{**row, "does": "crash" if n % 5 == 2 else None} for n, row in
                enumerate(decoders.rows(20))]  # fmt: skip

        def one(row):
            try:
                return call(row)["audio"].sum()
            except LostWorker:
                return None

        found = list(threads.map(one, rows))
    expected = [decoders.read(row)["audio"].sum() for row in decoders.rows(20)]
    assert [number for number, value in enumerate(found) if value is None] == [2, 7, 12, 17]
    assert all(a is None or a == b for a, b in zip(found, expected, strict=True))


def test_giving_up_ends_what_runs():
    rows = [{**row, "does": "hang" if n else None} for n, row in enumerate(decoders.rows(4))]
    with isolated(decoders.read, 600) as call:
        results = ordered_map(call, rows, 2, call.close)
        next(results)
        started = time.monotonic()
        results.close()
        assert time.monotonic() - started < 10
        with pytest.raises(LostWorker, match="given up"):
            call(rows[0])


SCRIPT = """
    import os, signal, sys, time
    from keras_amid.data.storage.isolation import isolated

    GREETING = "hello"

    def function(item):
        print("printed")
        if item == "wait":
            time.sleep(600)
        return GREETING, os.getpid(), __name__

    # No `if __name__ == "__main__":` here, as in many a script.
    with isolated(function, 600) as call:
        greeting, process, name = call("go")
        print(greeting, process != os.getpid(), process, flush=True)
        {then}
"""


def run_script(folder, then):
    path = folder / "script.py"
    path.write_text(textwrap.dedent(SCRIPT.format(then=then)))
    return processes.Process(path)


def test_functions_of_a_script_that_is_not_run_again(tmp_path):
    script = run_script(tmp_path, "pass")
    assert script.wait(120) == 0, script.stderr
    assert script.stdout.split()[:2] == ["hello", "True"] and len(script.stdout.splitlines()) == 1
    assert script.stderr.splitlines()[-1] == "printed"


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_workers_end_with_the_process_that_started_them(tmp_path, end):
    script = run_script(tmp_path, 'call("wait")')
    script.wait_until(lambda: script.stdout.endswith("\n"), seconds=120)
    worker = int(script.stdout.split()[2])
    time.sleep(0.5)
    assert is_running(worker)
    started = time.monotonic()
    script.send_signal(end)
    script.wait(timeout=60)
    while is_running(worker) and time.monotonic() - started < 20:
        time.sleep(0.1)
    assert not is_running(worker)
