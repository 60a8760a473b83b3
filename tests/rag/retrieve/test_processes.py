"""Several processes over one index, and kills at every point of a write."""

from __future__ import annotations

import os
import signal

import pytest

from rag.errors import StoreBusy
from rag.retrieve import Added, Index, dense
from rag.testing.fakes import FakeEmbedder

SMALL = "dense.EXACT = 20\n"  # so that few documents make a snapshot

# Where a writer of 200 documents dies: during which call, and how many documents it had acknowledged.
POINTS = {
    "while embedding": ("FakeEmbedder.embed = lambda *_: die()", 0),
    "within a transaction": ("old, calls = writer._insert, iter(range(100)); "
                             "writer._insert = lambda *a: die() if next(calls, None) is None else old(*a)", 64),
    "between catalogue and snapshot": ("dense.build = die", 200),
    "before the snapshot is named": ("old = dense.build; dense.build = lambda *a: (old(*a), die())", 200),
    "before older snapshots are swept away": ("dense.Dense._sweep = die", 200),
}  # fmt: skip


def reopened(folder):
    return Index.open(folder, embedder=FakeEmbedder(), create=False)


def test_a_reader_sees_what_another_process_commits(child, index):
    index.add([{"doc_id": "first", "text": "an apple"}])
    reader = child("""
        index = opened()
        for line in sys.stdin: print(*sorted(hit.passage.doc_id for hit in index.search(line)), flush=True)
    """)

    def asked(query):
        reader.stdin.write(query + "\n")
        reader.stdin.flush()
        return reader.stdout.readline().split()

    assert asked("apple pear") == ["first"]
    index.add([{"doc_id": "second", "text": "a pear"}])
    assert asked("apple pear") == ["first", "second"]
    index.remove(["first"])
    assert asked("apple pear") == ["second"]


def test_a_reader_follows_snapshots_of_another_process(child, monkeypatch, folder):
    monkeypatch.setattr(dense, "EXACT", 20)
    writer = child(f"""
        {SMALL}
        index = opened()
        for line in sys.stdin:
            index.add(documents(int(line)))
            print("done", flush=True)
    """)

    def written(number):
        writer.stdin.write(f"{number}\n")
        writer.stdin.flush()
        assert writer.stdout.readline() == "done\n"

    written(30)
    with reopened(folder) as reader:
        for number in (30, 100, 300):
            written(number)
            assert len(reader.dense().search("common", 500)) == number
            assert reader.search(f"word{number - 1}", 1)[0].passage.doc_id == f"d/{number - 1}"


def test_a_second_writer_is_told_who_writes(child, folder):
    other = child("index = opened(); index.add(documents(1)); print(os.getpid(), flush=True); sys.stdin.read()")
    pid = other.stdout.readline().strip()
    with reopened(folder) as index:
        with pytest.raises(StoreBusy, match=rf"being written by process {pid}; close it there"):
            index.add([{"doc_id": "mine", "text": "my text"}])
        with pytest.raises(StoreBusy):
            index.remove(["d/0"])
        assert index.search("common")  # reading needs no lock
        assert index.add([{"doc_id": "d/0", "text": "word0 common"}]) == Added(unchanged=1)  # nor does changing nothing


def test_the_lock_is_free_when_its_holder_is_killed(child, folder):
    other = child("index = opened(); index.add(documents(1)); print('ready', flush=True); sys.stdin.read()")
    assert other.stdout.readline() == "ready\n"
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    with reopened(folder) as index:
        assert index.add([{"doc_id": "mine", "text": "my text"}]).added == 1


def test_the_lock_is_free_when_its_holder_has_closed(index, folder):
    index.add([{"doc_id": "a", "text": "a text"}])
    with reopened(folder) as other, pytest.raises(StoreBusy, match=str(os.getpid())):
        other.add([{"doc_id": "b", "text": "b text"}])
    index.close()
    with reopened(folder) as other:
        assert other.add([{"doc_id": "b", "text": "b text"}]).added == 1


@pytest.mark.parametrize(("patch", "acknowledged"), POINTS.values(), ids=POINTS.keys())
def test_a_kill_loses_nothing_acknowledged_and_leaves_nothing_half(child, folder, monkeypatch, patch, acknowledged):
    monkeypatch.setattr(dense, "EXACT", 20)
    killed = child(f"{SMALL}{patch}\nopened().add(documents(200), progress=lambda n: print(n, flush=True))")
    told, _ = killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert int((told.split() or ["0"])[-1]) == acknowledged
    with reopened(folder) as index:
        assert len(index) == acknowledged
        assert len(index.dense().search("common", 500)) == len(index.lexical().search("common", 500)) == acknowledged
        done = index.add({"doc_id": f"d/{i}", "text": f"word{i} common"} for i in range(200))
        assert done == Added(added=200 - acknowledged, unchanged=acknowledged)
        assert all(index.search(f"word{i}", 1)[0].passage.doc_id == f"d/{i}" for i in range(0, 200, 9))
    with reopened(folder) as index:
        assert len(index.dense().search("common", 500)) == 200


def test_a_kill_during_a_change_keeps_the_old_version(child, folder):
    child("opened().add(documents(3))").communicate()
    patch = "old = writer._insert; writer._insert = lambda *a: (old(*a), die())"
    killed = child(f"{patch}\nopened().add(documents(3, 'changed'))")
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    with reopened(folder) as index:
        texts = sorted(hit.passage.text for hit in index.lexical().search("common"))
        assert texts == ["word0 common", "word1 common", "word2 common"]


def test_two_processes_may_make_the_same_index(child):
    both = [child("index = opened(); print(len(index))") for _ in range(2)]
    assert [process.communicate() for process in both] == [("0\n", ""), ("0\n", "")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_reads_what_its_parent_opened_and_does_not_write(child):
    forked = child(f"""
        {SMALL}
        index = opened()
        index.add(documents(50))
        index.search("word7")
        if os.fork() == 0:
            signal.alarm(30)
            print(index.search("word9", 1)[0].passage.doc_id, flush=True)
            try: index.add(documents(1, "other"))
            except StoreBusy as error: print(str(os.getppid()) in str(error), flush=True)
            index.close()
            os._exit(0)
        print(os.wait()[1], index.search("word9", 1)[0].passage.doc_id, index.add(documents(1, "new")).updated)
    """)
    assert forked.communicate() == ("d/9\nTrue\n0 d/9 1\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_that_is_forked_while_threads_work_does_not_wait_for_them(child):
    forked = child(f"""
        {SMALL}
        import threading
        embedder, parent, inside = FakeEmbedder(), os.getpid(), threading.Event()
        index = Index.open(folder, embedder=embedder)
        index.add(documents(50))
        def hang(texts, embed=embedder.embed):
            if os.getpid() == parent:
                inside.set()
                threading.Event().wait(60)
            return embed(texts)
        embedder.embed = hang
        def hold():
            with index._catalogue._lock, index._dense._lock, index._writer._one_at_a_time:
                index.search("word9", 1)
        threading.Thread(target=hold, daemon=True).start()
        inside.wait(30)
        if os.fork() == 0:
            signal.alarm(20)
            print(index.search("word9", 1)[0].passage.doc_id, flush=True)
            index.close()
            os._exit(0)
        os._exit(os.wait()[1])
    """)
    assert forked.communicate() == ("d/9\n", "")
