"""What a transaction does to the rows that PostgreSQL shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, LiteralString

from rag.memory.store.rows import conflict, digest, forgotten, named, row
from rag.memory.store.values import Derived, Wanted, Which
from rag.types import Scope, Turn

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = [
    "append", "conditions", "derive", "digests", "enter", "own", "owners", "placed", "read", "remove", "stands",
    "written",
]  # fmt: skip

_ESCAPE: Final = "\x10"  # the control character that is called "data link escape", which hardly any text has
_SINCE: Final = "at >= greatest(:start ::timestamptz, (SELECT now() - lasts FROM rag_lifetimes))"
_EXPIRED: Final = "at < (SELECT now() - lasts FROM rag_lifetimes)"


def placed(query: str) -> LiteralString:
    """The query with its places as psycopg writes them: `:name` is `%(name)s`."""
    # It is made of this package's constants alone; what people say comes in values.
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", query)


def conditions(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """What is wanted, beyond its owner."""
    numbers = ["arrival = ANY(:numbers ::bigint[])"] if wanted.numbers is not None else []
    values = {
        "start": wanted.start or "-infinity",
        "end": wanted.end,
        "as_of": wanted.scope.as_of,
        "conversation": wanted.conversation,
        "speaker": wanted.speaker,
        "role": wanted.role,
        "numbers": None if wanted.numbers is None else list(wanted.numbers),
        "after": wanted.after,
        "last": wanted.last,
    }
    return " AND ".join([_SINCE, *named(wanted), *numbers]), values


def enter(db: Connection, conversation: str) -> None:
    """Wait for others who add to the conversation, and hold off those who forget its owner."""
    # Batches with the same ids in other orders would lock each other out.
    lock = "SELECT pg_advisory_xact_lock(hashtextextended(current_setting('rag.owner') || %s, 7224817))"
    db.execute(lock, (conversation,))
    own(db)


def own(db: Connection) -> None:
    """Have the owner known, by whom all of a tenant is found; who forgets it waits for this transaction."""
    known = "SELECT 1 FROM rag_owners WHERE owner = current_setting('rag.owner') FOR KEY SHARE"
    while not db.execute(known).fetchone():
        db.execute("INSERT INTO rag_owners DEFAULT VALUES ON CONFLICT DO NOTHING")


def append(db: Connection, owner: dict[str, Any], turn: Turn) -> Turn:
    """Add the turn, unless it is there.

    Raises:
        TurnConflict: it is there with another text.
    """
    values = owner | row(turn) | {"text": written(turn.text)}
    names, places = ", ".join(f'"{name}"' for name in values), ", ".join(f":{name}" for name in values)
    query = f"INSERT INTO rag_turns ({names}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608
    added = db.execute(placed(query), values)
    if not added.rowcount:
        found = db.execute(
            "SELECT text FROM rag_turns WHERE conversation = %(conversation)s AND turn_id = %(turn_id)s", values
        ).fetchone()
        if found != (values["text"],):
            raise conflict(turn, owner["conversation"])
    return turn


def written(text: str) -> str:
    r"""A text as PostgreSQL can keep it, which has no place for NUL; `read` makes the text of it again.

    Example:
        >>> read(written("a\0b\x10@")) == "a\0b\x10@", "\0" in written("a\0b")
        (True, False)
    """
    return text.replace(_ESCAPE, _ESCAPE * 2).replace("\0", f"{_ESCAPE}@")


def read(text: str) -> str:
    """The text that `written` was given."""
    if _ESCAPE not in text:
        return text
    return re.sub(f"{_ESCAPE}(.)", lambda found: "\0" if found[1] == "@" else found[1], text)


def stands(db: Connection, made: Derived) -> bool:
    """Whether each turn that it was made from is there, and stays until the transaction ends."""
    query = "SELECT arrival FROM rag_turns WHERE arrival = ANY(%s::bigint[]) FOR KEY SHARE"
    return len(db.execute(query, (list(made.numbers),)).fetchall()) == len(set(made.numbers))


def derive(db: Connection, made: Derived) -> Derived:
    """Keep what was made under a number of its own."""
    own(db)
    recorded = made.recorded or datetime.now(UTC)
    numbers = tuple(sorted(set(made.numbers)))
    ((number,),) = db.execute(
        "INSERT INTO rag_derived (kind, key, body, recorded) VALUES (%s, %s, %s, %s) RETURNING number",
        (made.kind, made.key, made.body, recorded),
    ).fetchall()
    db.cursor().executemany(
        "INSERT INTO rag_derived_from (turn, derived) VALUES (%s, %s)", [(turn, number) for turn in numbers]
    )
    return replace(made, number=number, recorded=recorded, numbers=numbers)


def owners(db: Connection, *, tenant_wide: bool) -> Iterator[None]:
    """Once for the scope's owner, or for each of its tenant's in turn, whose rows the transaction then sees."""
    if not tenant_wide:
        yield
        return
    for (owner,) in db.execute("SELECT owner FROM rag_owners ORDER BY owner").fetchall():
        db.execute("SELECT set_config('rag.owner', %s, true)", (owner,))
        yield


def digests(db: Connection, key: str, where: str = "true", values: dict[str, Any] | None = None) -> Iterator[str]:
    """The digest of each of the current owner's turns that meets the conditions."""
    query = f'SELECT tenant, "user", conversation, turn_id, text FROM rag_turns WHERE {where} ORDER BY arrival'  # noqa: S608
    for tenant, user, *told in db.execute(placed(query), values or {}):
        yield digest(key, Scope(tenant=tenant, user=user), *told)


def remove(db: Connection, which: Which, key: str) -> tuple[list[str], dict[str, int]]:
    """Remove what is meant of the current owner's: digests of the turns, and counts of rows."""
    where, values = _meant(which)
    whole = which.whole and which.before is None and not which.expired
    if whole:  # first, since it waits for those who are adding
        db.execute("DELETE FROM rag_owners WHERE owner = current_setting('rag.owner')")
        db.execute("DELETE FROM rag_lifetimes")
    went = list(digests(db, key, where, values))
    turns = f"(SELECT arrival FROM rag_turns WHERE {where})"  # noqa: S608
    made = f"number IN (SELECT derived FROM rag_derived_from WHERE turn IN {turns})"  # noqa: S608
    if whole:
        made = "true"  # what a user edited by hand comes from no turn, and goes with the user
    queries = {
        "vectors": f"DELETE FROM rag_vectors WHERE number IN {turns}",  # noqa: S608
        "derived": f"DELETE FROM rag_derived WHERE {made}",  # noqa: S608
        "turns": f"DELETE FROM rag_turns WHERE {where}",  # noqa: S608
    }
    return went, {name: db.execute(placed(query), values).rowcount for name, query in queries.items()}


def _meant(which: Which) -> tuple[str, dict[str, Any]]:
    conditions = ["true", *forgotten(which)]
    if which.turn_ids is not None:
        conditions.append("turn_id = ANY(:turn_ids ::text[])")
    if which.session is not None:
        conditions.append("session IS NOT DISTINCT FROM :session ::text")
    if which.expired:
        conditions.append(_EXPIRED)
    session = which.session
    values = {
        "conversation": which.conversation,
        "turn_ids": None if which.turn_ids is None else list(which.turn_ids),
        "before": which.before,
        "conversation2": session.conversation if session else None,
        "session": session.name if session else None,
        "start": session.start if session else None,
        "end": session.end if session else None,
    }
    return " AND ".join(conditions), values
