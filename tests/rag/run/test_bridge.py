from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from rag.errors import RagError
from rag.run import bridge

WHO = contextvars.ContextVar("who", default="nobody")


async def double(number, *, plus=0):
    await asyncio.sleep(0)
    return 2 * number + plus


def test_a_coroutine_function_is_run_from_sync_code():
    assert bridge.run(double, 4, plus=1) == 9


async def test_it_works_where_a_loop_runs_already():
    assert bridge.run(double, 4) == 8


def test_the_callers_context_variables_are_seen():
    async def who():
        return WHO.get()

    WHO.set("ann")
    assert bridge.run(who) == "ann"


def test_errors_come_out_as_they_were_raised():
    async def fail():
        raise RagError("no")

    with pytest.raises(RagError, match="no"):
        bridge.run(fail)


def test_a_sync_call_from_the_background_loop_itself_is_an_error_that_says_so():
    async def outer():
        return bridge.run(double, 4)

    with pytest.raises(RagError, match=r"would wait for itself; await its async twin"):
        bridge.run(outer)


def test_many_threads_share_the_loop():
    results = []
    threads = [threading.Thread(target=lambda n=n: results.append(bridge.run(double, n))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0, 2, 4, 6, 8, 10, 12, 14]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_gets_a_loop_of_its_own():
    assert bridge.run(double, 4) == 8
    child = os.fork()
    if child == 0:
        try:
            os._exit(bridge.run(double, 5))
        finally:
            os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 10


@pytest.fixture
def script():
    """Starts Python scripts, and ends them with the test."""
    with contextlib.ExitStack() as stack:

        def start(text):
            command = [sys.executable, "-W", "error", "-c", text]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


INTERRUPTED = """
import asyncio
from rag.run import bridge
async def endless():
    print("started", flush=True)
    try:
        await asyncio.sleep(60)
    finally:
        print("stopped", flush=True)
try:
    bridge.run(endless)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_an_interrupt_cancels_the_work(script):
    process = script(INTERRUPTED)
    assert process.stdout.readline() == "started\n"
    time.sleep(0.1)  # the main thread has to be waiting for the result
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == ("stopped\ninterrupted\n", "")


ENDED = """
import anyio, asyncio, threading
from rag.run import bridge
from rag.run.perloop import PerLoop
async def close(value): print("closed")
client = PerLoop(object, close)
async def use():
    client.get()
    await anyio.to_thread.run_sync(lambda: None)
bridge.run(use)
async def slow():
    await asyncio.sleep(0.2)
    print("thread's work done")
threading.Thread(target=lambda: bridge.run(slow)).start()
"""


def test_the_process_ends_by_itself_without_a_warning_after_all_work_is_done(script):
    assert script(ENDED).communicate(timeout=20) == ("thread's work done\nclosed\n", "")
