"""Connections to PostgreSQL: a few, shared by threads, each transaction of one scope."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from rag.errors import ConfigError, StoreBusy, StoreError
from rag.patience import PATIENCE
from rag.types import Scope

if TYPE_CHECKING:
    from psycopg import Connection, Error

__all__ = ["Connections"]

_AT_ONCE: Final = 8
_SETTINGS: Final = (
    "-c synchronous_commit=on -c timezone=UTC"  # what is acknowledged is on disk, whatever the role's own
)
_Value = TypeVar("_Value")


class Connections:
    """Runs transactions, each on one of a few connections that are made when they are needed.

    A process that was forked makes its own, with a `Connections` of its own.
    """

    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise ConfigError("PostgreSQL needs psycopg: pip install 'planweave-rag[postgres]'") from error
        self._psycopg = psycopg
        self._url = url
        try:
            told = psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.Error as error:
            raise ConfigError("the memory's URL is not one of PostgreSQL's: postgresql://user@host/database") from error
        self.name = f"the memory {told.get('dbname', '')} on {told.get('host', 'this machine')}"
        self._pid = os.getpid()
        self._free: list[Connection] = []
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._closed = False

    def run(self, work: Callable[[Connection], _Value], scope: Scope | None) -> _Value:
        """What the work gives, done in one transaction of the scope; done again where others were in its way.

        Raises:
            StoreBusy: others were in its way each time.
            StoreError: the database refused, or could not be reached.
        """
        locked = self._psycopg.errors.DeadlockDetected, self._psycopg.errors.SerializationFailure
        with self._translated(), self._places:
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                with suppress(*locked), self._connection(scope) as db:
                    return work(db)
        raise StoreBusy(f"{self.name} is held by other writers: try again")

    def close(self) -> None:
        """Close those that are at rest; later work is refused."""
        self._closed = True
        with suppress(IndexError):  # another thread may have taken the last one
            while self._free and self._pid == os.getpid():
                self._free.pop().close()

    @contextmanager
    def _connection(self, scope: Scope | None) -> Iterator[Connection]:
        if self._pid != os.getpid():
            raise StoreError(f"{self.name} was opened before this process was forked: open it in this process")
        if self._closed:
            raise StoreError(f"{self.name} is closed: open it again")
        db = self._begun(scope)
        try:
            yield db
            db.commit()
        except BaseException:
            with suppress(self._psycopg.Error):
                db.rollback()
            raise
        finally:
            self._rest(db)

    def _rest(self, db: Connection) -> None:
        if not db.closed:
            self._free.append(db)
        if self._closed:  # meanwhile, by another thread, which may not have seen this one
            self.close()

    def _begun(self, scope: Scope | None) -> Connection:
        while self._free:
            db = self._free.pop()
            try:
                return _scoped(db, scope)
            except self._psycopg.OperationalError:  # the server went away meanwhile, and may be back
                db.close()
            except BaseException:
                db.close()
                raise
        db = self._psycopg.connect(self._url, options=_SETTINGS)
        try:
            return _scoped(db, scope)
        except BaseException:  # a scope that cannot be sent must not leave a connection open
            db.close()
            raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except self._psycopg.Error as error:
            raise StoreError(f"{self.name} failed: {_line(error)}") from error
        except UnicodeError as error:
            raise StoreError(f"{self.name} cannot keep that; nothing was added: {error}") from error


def _scoped(db: Connection, scope: Scope | None) -> Connection:
    if scope is not None:
        db.execute(
            "SELECT set_config('rag.owner', quote_nullable(%(tenant)s::text) || ',' || quote_nullable(%(user)s::text),"
            " true), set_config('rag.tenant', quote_nullable(%(tenant)s::text), true)",
            {"tenant": scope.tenant, "user": scope.user},
        )
    return db


def _line(error: Error) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
