"""The assistant behind an OpenAI-compatible API, for any chat window that speaks it (extra `serve`)."""

from __future__ import annotations

import copy
import ipaddress
import logging
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from rag.errors import ConfigError
from rag.serve.app import app, require_extra

if TYPE_CHECKING:
    import uvicorn

    from rag.assistant import Assistant
    from rag.serve.routes import ScopeOf

__all__ = ["serve"]

_PATIENCE: Final = 10  # seconds that questions under way have when the server stops

_log = logging.getLogger("rag.serve")


def serve(
    assistant: Assistant,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    name: str = "rag",
    tokens: Sequence[str] | None = None,
    scope_of: ScopeOf | None = None,
) -> None:
    """Serve the assistant until told to stop (Ctrl-C, SIGTERM), then return; it logs to stderr.

    Questions that are being answered have some seconds to end.

    Port 0 takes a free one. `name`, `tokens` and `scope_of` are told at `rag.serve.app.app`.

    Raises:
        ConfigError: the address cannot be listened on; or other machines could reach it and no key is asked for;
            or the extra `serve` is not installed.
    """
    require_extra()
    import uvicorn
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    application = app(assistant, name=name, tokens=tokens, scope_of=scope_of)
    if tokens is None:
        # A page on the web can point its own name at 127.0.0.1; a browser then lets it read the answers.
        application.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", "[::1]", host])
    with _listening(host, port, guarded=tokens is not None) as listener:
        logging_config = _logging(uvicorn.config.LOGGING_CONFIG)
        config = uvicorn.Config(application, log_config=logging_config, timeout_graceful_shutdown=_PATIENCE)
        shown = f"[{host}]" if ":" in host else host
        _log.info("%s answers at http://%s:%d/v1", name, shown, listener.getsockname()[1])
        server = uvicorn.Server(config)
        with _returning_when_told_to_stop(server):
            server.run(sockets=[listener])


def _listening(host: str, port: int, *, guarded: bool) -> socket.socket:
    try:
        known = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ConfigError(f"the host {host!r} is not known here ({error.strerror}); use 127.0.0.1") from error
    family, _, _, _, address = known[0]
    if not guarded and not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback:
        raise ConfigError(
            f"{host or 'every address'} can be reached from other machines, and no key is asked for;"
            " pass tokens=[…], or listen on 127.0.0.1"
        )
    try:
        return socket.create_server(address, family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port} ({error.strerror}); choose another port") from error


@contextmanager
def _returning_when_told_to_stop(server: uvicorn.Server) -> Iterator[None]:
    """Uvicorn stops at these signals, then raises them again, which would end the process before anything is closed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _logging(uvicorns: dict[str, Any]) -> dict[str, Any]:
    config = copy.deepcopy(uvicorns)
    config["handlers"]["access"]["stream"] = "ext://sys.stderr"
    config["loggers"]["rag.serve"] = {"handlers": ["default"], "level": "INFO", "propagate": False}
    return config
