"""Listening: where, with which guard, and until when."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import httpx
import pytest

from rag.errors import ConfigError
from rag.serve import serve
from rag.serve.app import app
from rag.serve.chat import rest
from rag.types import Answer

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_other_machines_are_let_in_only_with_a_key(make_assistant, host):
    with pytest.raises(ConfigError, match="can be reached from other machines, and no key is asked for"):
        serve(make_assistant(), host=host, port=0)


def test_a_taken_port_and_an_unknown_host_are_told(make_assistant):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port} .*choose another port"):
            serve(make_assistant(), port=port)
    with pytest.raises(ConfigError, match="is not known here"):
        serve(make_assistant(), host="not a host", port=0)


@pytest.mark.parametrize("tokens", [[], [""], ["good", " "], "a-key"])
def test_keys_that_would_guard_nothing_are_refused(make_assistant, tokens):
    with pytest.raises(ConfigError, match="tokens"):
        app(make_assistant(), tokens=tokens)


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn"])
def test_a_missing_extra_is_told(make_assistant, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    for start in (app, serve):
        with pytest.raises(ConfigError, match=rf"{missing} is missing.*pip install 'planweave-rag\[serve\]'"):
            start(make_assistant())


SERVER = """
    import sys
    from rag.assistant import Assistant
    from rag.serve import serve

    class Greets:
        def plan(self, task):
            from rag.types import Answer
            return Answer(text="Hello!")
            yield

    serve(Assistant([], planner=Greets()), port=0, **eval(sys.argv[1]))
    print("closed")
"""


@pytest.fixture
def started():
    """Run `serve` in a process of its own, with some options; gives the process and its base URL."""
    processes = []

    def start(options: str) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-c", textwrap.dedent(SERVER), options]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        line = next(line for line in process.stderr if "answers at" in line)
        return process, line.split()[-1].removesuffix("/v1")

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_told_to_stop_prints_nothing_and_returns(started, number):
    process, url = started("{}")
    assert httpx.get(f"{url}/healthz", timeout=30).json() == {"status": "ok"}
    body = {"model": "rag", "messages": [{"role": "user", "content": "Hi"}]}
    got = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=30).json()
    assert got["choices"][0]["message"]["content"] == "Hello!"
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert out == "closed\n"
    assert "Traceback" not in err
    assert process.returncode == 0


def test_a_page_that_points_its_own_name_here_is_refused(started):
    _, url = started("{}")
    assert httpx.get(f"{url}/v1/models", headers={"host": "evil.example"}, timeout=30).status_code == 400
    assert httpx.get(f"{url}/v1/models", headers={"host": "localhost:80"}, timeout=30).status_code == 200


def test_with_a_key_any_host_and_name_will_do(started):
    _, url = started("{'host': '0.0.0.0', 'tokens': ['k']}")
    url = url.replace("0.0.0.0", "127.0.0.1")
    headers = {"host": "rag.example", "authorization": "Bearer k"}
    assert httpx.get(f"{url}/v1/models", headers=headers, timeout=30).status_code == 200
    assert httpx.get(f"{url}/v1/models", timeout=30).status_code == 401


@pytest.mark.parametrize(
    ("written", "still"),
    [
        ("", "Two days [1]."),
        ("Two ", "days [1]."),
        ("Two days [1].", ""),
        ("Two days [1] [7].", ""),
        ("Two days [1].\n", ""),
    ],
)
def test_what_has_gone_out_is_not_written_again(written, still):
    assert rest(written, Answer(text="Two days [1].")) == still


def test_a_text_that_broke_off_is_followed_by_the_answer():
    assert rest("Perhaps th", Answer(text="Two days [1].")).endswith("broke off. The answer:)\n\nTwo days [1].")
