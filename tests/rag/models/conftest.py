"""A small real HTTP server on loopback that answers as an OpenAI-compatible endpoint, or misbehaves."""

import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

USAGE = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15, "prompt_tokens_details": {"cached_tokens": 5}}


class Server(ThreadingHTTPServer):
    request_queue_size = 64


class Endpoint:
    """Answers each request by the next of `answers`, the last one again and again."""

    def __init__(self):
        self.answers = []
        self.requests = []
        self.headers = []
        self.ended = threading.Event()
        self._server = Server(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def host(self):
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self):
        return f"http://{self.host}/v1"

    def close(self):
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()

    def then(self, answer):
        self.answers.append(answer)
        return self

    def says(self, text="hello", *, finish="stop", usage=USAGE, **message):
        choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
        return self.sends(json.dumps({"id": "c", "object": "chat.completion", "choices": [choice], "usage": usage}))

    def sends(self, body, *, status=200, kind="application/json", **headers):
        def answer(handler):
            data = body if isinstance(body, bytes) else body.encode()
            handler.send_response(status)
            handler.send_header("content-type", kind)
            handler.send_header("content-length", str(len(data)))
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(data)

        return self.then(answer)

    def refuses(self, status, message="no", **more):
        headers = more.pop("headers", {})
        return self.sends(json.dumps({"error": {"message": message, **more}}), status=status, **headers)

    def streams(self, *texts, usage=USAGE, breaks_off=False, last=None):
        chunks = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
        if not breaks_off:
            chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            chunks += [{"choices": [], "usage": usage}] if usage else []
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        lines += [last] if last else []
        lines += [] if breaks_off else ["data: [DONE]\n\n"]

        def answer(handler):
            handler.send_response(200)
            handler.send_header("content-type", "text/event-stream")
            handler.send_header("transfer-encoding", "chunked")
            handler.end_headers()
            for line in lines:
                handler.wfile.write(f"{len(line.encode()):x}\r\n{line}\r\n".encode())
                handler.wfile.flush()
            if breaks_off:
                hang_up(handler)
            else:
                handler.wfile.write(b"0\r\n\r\n")

        return self.then(answer)

    def drops(self):
        return self.then(hang_up)

    def hangs(self):
        def answer(handler):
            self.ended.wait(30)
            handler.close_connection = True

        return self.then(answer)

    def drips(self):
        def answer(handler):
            handler.send_response(200)
            handler.send_header("content-type", "application/json")
            handler.send_header("content-length", "100000")
            handler.end_headers()
            handler.close_connection = True
            with suppress(OSError):
                while not self.ended.wait(0.02):
                    handler.wfile.write(b" ")

        return self.then(answer)

    def _handler(self):
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                endpoint.requests.append(json.loads(body))
                endpoint.headers.append(self.headers)
                answers = endpoint.answers
                (answers.pop(0) if len(answers) > 1 else answers[0])(self)

            def log_message(self, *_):
                pass

        return Handler


def hang_up(handler):
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def endpoint():
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


@pytest.fixture
def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
