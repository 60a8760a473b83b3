"""An OpenAI-compatible endpoint on loopback whose answers a test decides, and a way to run a command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def rag_command(tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `rag …` in a process of its own, with its own cache folder."""

    def run(*arguments: str | Path, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        settings = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "RAG_"))}
        return subprocess.run(
            [sys.executable, "-m", "rag", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**settings, "RAG_CACHE_DIR": str(tmp_path / "cache"), **environment},
            timeout=100,
            check=False,
        )

    return run


@pytest.fixture
def endpoint() -> Callable[..., Any]:
    """`with endpoint(reply) as url`: each chat completion is answered by what `reply` returns for its body.

    A string is the model's text; a tuple is (status, headers, body).
    """

    @contextmanager
    def serve(reply: Callable[[dict[str, Any]], str | tuple[int, dict[str, str], str]]) -> Iterator[str]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                answer = reply(body)
                status, headers, text = (200, {}, _completion(answer)) if isinstance(answer, str) else answer
                self.send_response(status)
                for name, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Stay quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    return serve


def _completion(text: str) -> str:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return json.dumps(
        {"id": "c1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}
    )
