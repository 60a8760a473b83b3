"""What a memory loses or corrupts when things go wrong: killed writers, a full disk, damaged pages, odd clocks.

    python -m benchmarks.memory_faults
    python -m benchmarks.memory_faults --kills 20

Eight processes write to one file while, again and again, one of them is killed (kill -9) and another takes its place.
A turn is lost when its writer was told that it is kept, and it is not; it is corrupted when it comes back otherwise
than it was said, or a batch comes back in part. A damaged page is written over a copy of the file, each time another
one: what is read then must be what was said, or an error that says that the file is damaged.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.common import ROOT, report
from rag.errors import StoreError
from rag.memory import Memory
from rag.memory.store import Wanted
from rag.types import Turn

Counts: TypeAlias = dict[str, Any]

WRITERS = 8
NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)

WRITER = """
import itertools, os, sys
from rag.memory import Memory
from rag.types import Turn
path, name = sys.argv[1:]
told = os.open(f"{path}.{name}.told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
memory = Memory.open(path)
for number in itertools.count():
    turns = [Turn(turn_id=f"{name}/{number}/{part}", text=f"{name}/{number}/{part} " + "x" * 200) for part in (0, 1)]
    memory.add(f"talk {name}", turns)
    os.write(told, f"{number}\\n".encode())
"""
FULL = """
import resource, signal, sys
from rag.errors import StoreError
from rag.memory import Memory
from rag.types import Turn
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
with Memory.open(sys.argv[1]) as memory:
    number = 0
    try:
        while True:
            memory.add("c", [Turn(turn_id=str(number), text=f"{number} " + "x" * 1000)])
            number += 1
    except StoreError:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        memory.add("c", [Turn(turn_id="after", text="after")])
print(number)
"""
READ_ONLY = """
import os, sys
from rag.errors import StoreError
from rag.memory import Memory
from rag.types import Turn
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    Memory.open(sys.argv[1]).add("c", [Turn(text="hi")])
except StoreError as error:
    print("told")
"""


def writer(path: Path, name: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), str(name)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def killed(folder: Path, kills: int) -> Counts:
    """Kill writers, one after the other, and count what was promised and is not there."""
    path, draw = folder / "killed.db", random.Random(1)
    running = {name: writer(path, name) for name in range(WRITERS)}
    next_name, errors = WRITERS, []
    for _ in range(kills):
        # Only one that is at work can be killed at work.
        at_work = [name for name in running if Path(f"{path}.{name}.told").exists()]
        while not at_work:
            time.sleep(0.05)
            at_work = [name for name in running if Path(f"{path}.{name}.told").exists()]
        time.sleep(draw.uniform(0, 0.3))
        running[next_name] = writer(path, next_name)
        next_name += 1
        errors.append(_ended(running.pop(draw.choice(at_work))))
    errors += [_ended(process) for process in running.values()]
    with Memory.open(path) as memory:
        counts = [_talk(memory, path, name) for name in range(next_name)]
    return {
        "kills": kills,
        "acknowledged": sum(told for told, _, _ in counts),
        "lost": sum(lost for _, lost, _ in counts),
        "corrupted": sum(bad for _, _, bad in counts) + _unsound(path),
        "errors_that_reached_a_writer": sum(bool(error) for error in errors),
    }


def _ended(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGKILL)
    return process.communicate()[1]


def _talk(memory: Memory, path: Path, name: int) -> tuple[int, int, int]:
    told = Path(f"{path}.{name}.told")
    promised = len(told.read_text().split()) if told.exists() else 0
    kept = [kept.turn for kept in memory.store.find(Wanted(conversation=f"talk {name}", order="arrival"))]
    due = [f"{name}/{n // 2}/{n % 2}" for n in range(len(kept))]
    changed = sum(turn.text != f"{name_due} " + "x" * 200 for turn, name_due in zip(kept, due, strict=True))
    return 2 * promised, max(0, 2 * promised - len(kept)), changed + len(kept) % 2


def _unsound(path: Path) -> int:
    db = sqlite3.connect(path)
    found = db.execute("PRAGMA integrity_check").fetchall()
    db.close()
    return 0 if found == [("ok",)] else len(found)


def full_disk(folder: Path) -> Counts:
    """Let the disk be full at different times, by a limit on the size of files, and go on once there is room."""
    totals: Counter[str] = Counter()
    for number, size in enumerate(range(100_000, 6_100_000, 500_000)):
        path = folder / f"full{number}.db"
        command = [sys.executable, "-c", FULL, str(path), str(size)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        with Memory.open(path) as memory:
            texts = {turn.turn_id: turn.text for turn in memory.turns("c")}
        promised = int(done.stdout or 0)
        due = {str(n): f"{n} " + "x" * 1000 for n in range(promised)} | {"after": "after"}
        totals["times"] += 1
        totals["acknowledged"] += len(due)
        totals["lost"] += len(due.keys() - texts.keys())
        totals["corrupted"] += sum(texts[key] != text for key, text in due.items() if key in texts) + _unsound(path)
        totals["not_told"] += done.returncode != 0
    return dict(totals)


def read_only(folder: Path) -> Counts:
    path = folder / "closed" / "chat.db"
    path.parent.mkdir()
    with Memory.open(path) as memory:
        memory.add("c", [Turn(turn_id=str(n), text=str(n)) for n in range(100)])
    before = path.read_bytes()
    path.chmod(0o444)
    path.parent.chmod(0o555)
    folder.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", READ_ONLY, str(path)], cwd=ROOT, capture_output=True, check=False)
    path.parent.chmod(0o755)
    return {"not_told": int(done.stdout != b"told\n"), "corrupted": int(path.read_bytes() != before)}


def damaged(folder: Path, times: int) -> Counts:
    """Overwrite pages, one at a time: what is read is right, or the error is told."""
    path, copy, draw = folder / "whole.db", folder / "damaged.db", random.Random(2)
    said = {str(n): f"{n} " + "x" * draw.choice([10, 300, 9000]) for n in range(3000)}
    with Memory.open(path) as memory:
        memory.add("c", [Turn(turn_id=key, text=text) for key, text in said.items()])
    pages = path.stat().st_size // 4096
    counts: Counter[str] = Counter()
    for number in range(times):
        shutil.copy(path, copy)
        with copy.open("r+b") as file:
            file.seek(4096 * draw.randrange(pages))
            file.write(bytes(4096) if number % 2 else draw.randbytes(4096))
        counts[_read(copy, said)] += 1
    return {"pages": times} | {name: counts[name] for name in ("told", "read_whole", "silently_wrong", "other_errors")}


def _read(path: Path, said: dict[str, str]) -> str:
    try:
        with Memory.open(path) as memory:
            found = {turn.turn_id: turn.text for turn in memory.turns("c")}
        return "read_whole" if found == said else "silently_wrong"
    except StoreError:
        return "told"
    except Exception:  # noqa: BLE001  # whatever else it raises is what is counted
        return "other_errors"


def clocks(folder: Path) -> Counts:
    """Two zones over the days when their clocks change, a clock that goes backwards, turns that come late."""
    draw = random.Random(3)
    times = [datetime(2026, 10, 24, tzinfo=UTC) + timedelta(minutes=7 * n) for n in range(1500)]
    turns = [
        Turn(turn_id=str(n), text=str(n), at=at, zone=draw.choice(["Europe/Berlin", "America/New_York"]))
        for n, at in enumerate(times)
    ]
    late = draw.sample(turns, len(turns))
    with Memory.open(folder / "clocks.db") as memory:
        for start in range(0, len(late), 50):
            memory.add("late", late[start : start + 50])
        memory.add(
            "backwards", [turn.model_copy(update={"at": NOON - timedelta(hours=int(turn.turn_id))}) for turn in turns]
        )
        by_time = [kept.turn for kept in memory.store.find(Wanted(conversation="late"))]
        arrived = memory.turns("late")
        backwards = memory.turns("backwards")
        halves = [len(memory.store.find(Wanted(conversation="late", start=s, end=e))) for s, e in _halves(times)]
    return {
        "turns": 2 * len(turns),
        "lost": 2 * len(turns) - len(by_time) - len(backwards) + len(turns) - sum(halves),
        "misplaced": sum(a != b for a, b in zip(by_time, turns, strict=True))
        + sum(a != b for a, b in zip(arrived, late, strict=True))
        + sum(a.turn_id != b.turn_id for a, b in zip(backwards, turns, strict=True)),
        "told_in_another_zone": sum(_offset(turn) for turn in by_time),
    }


def _halves(times: list[datetime]) -> Iterator[tuple[datetime | None, datetime | None]]:
    middle = times[len(times) // 2]
    yield None, middle
    yield middle, None


def _offset(turn: Turn) -> bool:
    from zoneinfo import ZoneInfo

    return turn.at is None or turn.at.utcoffset() != turn.at.astimezone(ZoneInfo(turn.zone)).utcoffset()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    options = parser.parse_args()
    os.umask(0o022)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result = {
            "kill_9_under_eight_writers": killed(folder, options.kills),
            "full_disk": full_disk(folder),
            "read_only_file": read_only(folder),
            "damaged_page": damaged(folder, options.kills),
            "clocks_and_late_turns": clocks(folder),
        }
    report("memory_faults", {"faults": result})


if __name__ == "__main__":
    main()
