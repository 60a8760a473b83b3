"""What is acknowledged is kept, whoever else writes and however a process ends: with real processes."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rag.memory import Memory
from rag.types import Turn

ROOT = Path(__file__).parents[3]
WRITERS = 8

WRITE_FOR_EVER = """
import itertools, sys
from rag.memory import Memory
from rag.types import Turn
memory = Memory.open(sys.argv[1])
for number in itertools.count():
    memory.add("c1", [Turn(turn_id=f"{number}", text="x" * 200), Turn(turn_id=f"{number} too", text="y")])
    print(number, flush=True)
"""

WRITE_SOME = """
import sys
from rag.memory import Memory
from rag.types import Turn
path, name = sys.argv[1:]
for number in range(5):
    with Memory.open(path) as memory:
        for part in range(10):
            memory.add("c1", [Turn(turn_id=f"{name}/{number}/{part}", text=name)])
"""

OPEN_AT_ONCE = """
import multiprocessing, sys
from rag.memory import Memory
folder, processes = sys.argv[1], int(sys.argv[2])
fork = multiprocessing.get_context("fork")
line = fork.Barrier(processes)
def open_each():
    for number in range(40):
        line.wait()
        try:
            Memory.open(f"{folder}/{number}.db").close()
        except BaseException:
            line.abort()
            raise
workers = [fork.Process(target=open_each) for _ in range(processes)]
[worker.start() for worker in workers]
[worker.join() for worker in workers]
sys.exit(sum(worker.exitcode != 0 for worker in workers))
"""

READ_ONLY = """
import os, sys
from rag.errors import StoreError
from rag.memory import Memory
from rag.types import Turn
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    Memory.open(sys.argv[1]).add("c1", [Turn(text="hi")])
except StoreError as error:
    print(error)
"""

FORK = """
import os, sys
from rag.errors import StoreError
from rag.memory import Memory
from rag.types import Turn
memory = Memory.open(sys.argv[1])
memory.add("c1", [Turn(text="before")])
child = os.fork()
if child == 0:
    try:
        memory.turns("c1")
    except StoreError as error:
        print(error, flush=True)
    memory.close()
    os._exit(0)
os.waitpid(child, 0)
memory.add("c1", [Turn(text="after")])
"""


def started(code, *args):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("acknowledged", [1, 25, 60])
def test_what_was_acknowledged_survives_a_kill(tmp_path, acknowledged):
    path = tmp_path / "chat.db"
    with started(WRITE_FOR_EVER, path) as writer:
        for _ in range(acknowledged):
            seen = int(writer.stdout.readline())
        writer.kill()
        seen = int(([str(seen), *writer.stdout.read().split()])[-1])
    with Memory.open(path) as memory:
        kept = [turn.turn_id for turn in memory.turns("c1")]
    assert kept[: 2 * seen + 2] == [name for n in range(seen + 1) for name in (f"{n}", f"{n} too")]
    assert len(kept) % 2 == 0, "a batch is kept whole or not at all"


def test_eight_writers_that_open_and_close_lose_nothing(tmp_path):
    path = tmp_path / "chat.db"
    writers = [started(WRITE_SOME, path, name) for name in range(WRITERS)]
    failures = [writer.communicate()[1] for writer in writers]
    assert failures == [""] * WRITERS
    with Memory.open(path) as memory:
        kept = [turn.turn_id for turn in memory.turns("c1")]
    assert sorted(kept) == sorted(f"{w}/{n}/{p}" for w in range(WRITERS) for n in range(5) for p in range(10))
    for name in range(WRITERS):
        own = [turn_id for turn_id in kept if turn_id.startswith(f"{name}/")]
        assert own == [f"{name}/{n}/{p}" for n in range(5) for p in range(10)]


def test_eight_processes_may_make_the_file_at_once(tmp_path):
    with started(OPEN_AT_ONCE, tmp_path, WRITERS) as opening:
        _, errors = opening.communicate()
    assert (opening.returncode, errors) == (0, "")


def test_a_reader_sees_what_another_process_has_added(tmp_path):
    path = tmp_path / "chat.db"
    with Memory.open(path) as memory:
        assert memory.turns("c1") == ()
        _, errors = started(WRITE_SOME, path, "other").communicate()
        assert errors == ""
        assert len(memory.turns("c1")) == 50


def test_a_file_that_may_not_be_written_is_told():
    # Outside of pytest's own folder, which another user may not enter.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chat.db"
        with Memory.open(path) as memory:
            memory.add("c1", [Turn(text="kept")])
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        out, errors = started(READ_ONLY, path).communicate()
        Path(folder).chmod(0o755)
        assert errors == ""
        assert "check its permissions" in out


def test_a_forked_process_opens_the_file_itself(tmp_path):
    path = tmp_path / "chat.db"
    out, errors = started(FORK, path).communicate()
    assert errors == ""
    assert "opened before this process was forked" in out
    with Memory.open(path) as memory:
        assert [turn.text for turn in memory.turns("c1")] == ["before", "after"]
