"""Databases opened so that they can only be read, for a limited time."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rag.errors import ConfigError, SourceError, SourceTimeout

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Database", "open_database"]

_MAX_CELL: Final = 10_000_000  # bytes that one value may have in SQLite
_CHECK_EVERY: Final = 10_000  # instructions of SQLite's machine between two looks at the clock
_PRAGMAS: Final = frozenset({"table_info", "table_xinfo", "table_list", "foreign_key_list", "index_list", "index_info"})
_FUNCTIONS_REFUSED: Final = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"})
_IS_POWERFUL: Final = """
    SELECT bool_or(
        r.rolsuper OR r.rolbypassrls
        OR pg_has_role(r.oid, 'pg_execute_server_program', 'MEMBER')
        OR pg_has_role(r.oid, 'pg_read_server_files', 'MEMBER')
        OR pg_has_role(r.oid, 'pg_write_server_files', 'MEMBER')
    ) FROM pg_roles r WHERE r.rolname IN (current_user, session_user)
"""
_LOCK_WORDS: Final = ("locked", "busy")


class Database:
    """A database that is only read; safe to use from many threads.

    Attributes:
        dialect: "sqlite", "postgresql", or another of SQLAlchemy's names.
        timeout: seconds that one use may take.
        readable: the tables that SQLite may read, or None for all; when set, nothing tells of others.
        views: those of them that may be views, and then read what they are made of.
    """

    def __init__(self, name: str, url: sa.URL, *, timeout: float, connections: int) -> None:
        self.name = name
        self.dialect = url.get_backend_name()
        self.timeout = timeout
        self.readable: frozenset[str] | None = None
        self.views: frozenset[str] = frozenset()
        self._place = url.render_as_string(hide_password=True).split("?")[0]
        self._secrets = [s for s in (url.password, *_values(url, "password", "sslpassword")) if s]
        self._closed = False
        with self._translated():
            self._engine = self._make(url, connections)
        self._process = os.getpid()

    def _make(self, url: sa.URL, connections: int) -> sa.Engine:
        import sqlalchemy as sa
        from sqlalchemy.pool import QueuePool

        options: dict[str, Any] = {
            "poolclass": QueuePool,
            "pool_size": connections,
            "max_overflow": 0,
            "pool_timeout": self.timeout,
            "hide_parameters": True,
        }
        if self.dialect == "sqlite":
            path = _existing_file(self.name, url)
            return sa.create_engine("sqlite+pysqlite://", creator=lambda: self._connect_sqlite(path), **options)
        if self.dialect == "postgresql":
            options["execution_options"] = {"postgresql_readonly": True}
            options["connect_args"] = {"connect_timeout": max(2, round(self.timeout))}
        engine = sa.create_engine(url, pool_pre_ping=True, **options)
        if engine.dialect.is_async:
            raise ConfigError(f"source {self.name!r}: {url.drivername} is an async driver; name a plain one in the URL")
        return engine

    def _connect_sqlite(self, path: Path) -> sqlite3.Connection:
        # mode=ro never makes a file, query_only refuses writes, and the authorizer refuses what both
        # let through: ATTACH and VACUUM INTO, which write to other files.
        uri = f"{path.resolve().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, timeout=self.timeout, check_same_thread=False)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_CELL)
        connection.execute("PRAGMA query_only=ON")
        connection.set_authorizer(self._allows)
        return connection

    def _allows(self, action: int, one: str | None, two: str | None, _schema: str | None, view: str | None) -> int:
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION):
            allowed = True
        elif action == sqlite3.SQLITE_READ:
            allowed = self.readable is None or one in self.readable or view in self.views
        elif action == sqlite3.SQLITE_FUNCTION:
            allowed = (two or "").lower() not in _FUNCTIONS_REFUSED
        else:
            # SQLAlchemy asks for read_uncommitted, without setting it, when it first connects.
            asked = (one in _PRAGMAS and self.readable is None) or (one == "read_uncommitted" and two is None)
            allowed = action == sqlite3.SQLITE_PRAGMA and asked
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    @contextmanager
    def reading(self, stopped: threading.Event | None = None) -> Iterator[sa.Connection]:
        """A connection in a read-only transaction that ends in time, and early when `stopped` is set.

        Raises:
            SourceTimeout: the time was up.
            SourceError: the database could not be reached, or refused.
        """
        if self._closed:
            raise SourceError(f"source {self.name!r} is closed", source=self.name)
        if os.getpid() != self._process:
            # Connections do not survive a fork; they stay open for the parent, which still uses them.
            self._engine.dispose(close=False)
            self._process = os.getpid()
        with self._translated(), self._engine.connect() as connection, self._limited(connection, stopped):
            yield connection

    def refuse_powerful_role(self) -> None:
        """See to it that PostgreSQL's role is not one that reaches files and programs from within a SELECT.

        Raises:
            ConfigError: the role is a superuser, or may read or write the server's files.
        """
        import sqlalchemy as sa

        if self.dialect != "postgresql":
            return
        with self.reading() as connection:
            powerful = connection.execute(sa.text(_IS_POWERFUL)).scalar_one()
        if powerful:
            raise ConfigError(
                f"source {self.name!r}: free_sql needs a role that is no superuser and cannot reach the server's"
                " files; make one with CREATE ROLE … LOGIN, and grant it SELECT"
            )

    @contextmanager
    def _limited(self, connection: sa.Connection, stopped: threading.Event | None) -> Iterator[None]:
        import sqlalchemy as sa

        if self.dialect == "postgresql":
            # A query, so that the transaction's mode is fixed: it can be changed before the first one.
            limit = sa.func.set_config("statement_timeout", str(max(1, int(self.timeout * 1000))), True)
            connection.execute(sa.select(limit))
        if self.dialect != "sqlite":
            yield
            return
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(_out_of_time(self.timeout, stopped), _CHECK_EVERY)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from sqlalchemy import exc

        try:
            yield
        except exc.TimeoutError as error:
            raise self._timeout("all its connections are busy", retryable=True) from error
        except exc.DBAPIError as error:
            raise self._read_error(error) from error
        except (exc.ArgumentError, exc.InvalidRequestError, ImportError) as error:
            raise ConfigError(
                f"source {self.name!r}: {self._place} cannot be opened: {self._line(error)};"
                " check the URL, and that its driver is installed (for PostgreSQL: pip install 'psycopg[binary]')"
            ) from error
        except (exc.SQLAlchemyError, OverflowError, UnicodeError) as error:
            raise SourceError(f"source {self.name!r}: {self._line(error)}", source=self.name) from error

    def _read_error(self, error: Any) -> Exception:
        line = self._line(error.orig)
        if getattr(error.orig, "sqlite_errorname", "") == "SQLITE_INTERRUPT" or _sqlstate(error) == "57014":
            return self._timeout("the query was stopped")
        if "file is not a database" in line:
            return ConfigError(f"source {self.name!r}: {self._place} is not a SQLite database; check the path")
        locked = any(word in line for word in _LOCK_WORDS)
        retryable = locked or error.connection_invalidated
        if self._is_connecting(error):
            line = f"{self._place} cannot be reached: {line}"
            retryable = True
        hint = "; another process is writing to it, try again later" if locked else ""
        return SourceError(f"source {self.name!r}: {line}{hint}", source=self.name, retryable=retryable)

    def _is_connecting(self, error: Any) -> bool:
        return error.statement is None and type(error).__name__ == "OperationalError"

    def _timeout(self, what: str, *, retryable: bool = False) -> SourceTimeout:
        text = f"source {self.name!r}: {what} after {self.timeout:g} s; ask for less, or raise timeout="
        return SourceTimeout(text, source=self.name, retryable=retryable)

    def _line(self, error: object) -> str:
        text = re.sub(r"\s+", " ", str(error)).strip()
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def close(self) -> None:
        """Let go of the connections; reading is an error from then on."""
        self._closed = True
        self._engine.dispose()


def open_database(name: str, url: str, *, timeout: float, connections: int) -> Database:
    """The database at the URL.

    Raises:
        ConfigError: the URL cannot be read, names no file that there is, or needs a driver that is not installed.
    """
    from sqlalchemy import exc, make_url

    try:
        parsed = make_url(re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url))
    except (exc.ArgumentError, ValueError):
        # Not chained: the parser's message quotes parts of the URL, and a password may be among them.
        raise ConfigError(
            f"source {name!r}: the database URL cannot be read; write sqlite:///shop.db"
            " or postgresql://user:password@host/database, with special characters percent-encoded"
        ) from None
    return Database(name, parsed, timeout=timeout, connections=connections)


def _existing_file(name: str, url: sa.URL) -> Path:
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise ConfigError(f"source {name!r}: {url.drivername} is not supported; write sqlite:///shop.db")
    path = Path((url.database or ":memory:").removeprefix("file:"))
    if str(path) == ":memory:" or url.query.get("mode") == "memory":
        raise ConfigError(f"source {name!r}: a database in memory is empty for a new connection; write it to a file")
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "is not there"
        forms = "sqlite:///relative.db or sqlite:////absolute.db"
        raise ConfigError(f"source {name!r}: the SQLite file {str(path)!r} {kind}; check the path ({forms})")
    return path


def _out_of_time(seconds: float, stopped: threading.Event | None) -> Callable[[], bool]:
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() > deadline or (stopped is not None and stopped.is_set())


def _values(url: sa.URL, *names: str) -> list[str]:
    return [value for name in names for value in url.normalized_query.get(name, ())]


def _sqlstate(error: Any) -> str | None:
    return getattr(error.orig, "sqlstate", None)
