"""Settings of the whole suite: no socket but on loopback, one async backend."""

import pytest
import pytest_socket
from hypothesis import HealthCheck, settings

# Before any module of it is collected: pytest would set the room `rag.evaluate` over the façade's function.
import rag  # noqa: F401

# Shared machines stall: a slow example is no failure.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def pytest_runtest_setup() -> None:
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
