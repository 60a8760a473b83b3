"""`rag memory`: what a memory holds, put in, looked up, listed, summed up, taken out and forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rag.cli import show
from rag.cli.failures import shown
from rag.errors import InputError
from rag.types import Scope, Turn

if TYPE_CHECKING:
    from rag.memory import Memory

__all__ = ["memory"]

_OPTIONS = (
    click.option(
        "--memory", "url", metavar="URL", required=True, help="Where turns are kept, such as sqlite:///chat.db."
    ),
    click.option("--tenant", help="Whose turns: the tenant's."),
    click.option("--user", help="Whose turns: the user's."),
    click.option("--debug", is_flag=True, help="Show the traceback of an error."),
)
_CONVERSATION = click.option("--conversation", help="Only this conversation; without it, all of the user's.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_NOW = click.option("--now", help="The time that words such as yesterday count from, as 2026-05-12T09:00+02:00.")


def _on_memory(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which memory and whose turns; it is called with that memory, and a scope."""

    @wraps(command)
    def opened(*, url: str, tenant: str | None, user: str | None, debug: bool, **asked: Any) -> None:
        from rag.memory import Memory

        with shown(debug=debug):
            scope = _scope(tenant, user)
            with Memory.open(url) as kept:
                command(kept, scope, **asked)

    for option in reversed(_OPTIONS):
        opened = option(opened)
    return opened


def _scope(tenant: str | None, user: str | None) -> Scope:
    """Whose turns are meant.

    Raises:
        InputError: a name is empty, which would name nobody.
    """
    for option, name in (("--tenant", tenant), ("--user", user)):
        if name == "":
            raise InputError(f"{option} '' names nobody: write a name, or leave it out")
    return Scope(tenant=tenant, user=user)


def _time(written: str | None, zone: str | None = None) -> datetime | None:
    """The time that an option gives; where it tells no zone, in the one given, or else this machine's.

    Raises:
        InputError: it is no time, or the zone is not known here.
    """
    from rag.memory.zones import is_zone, local_zone, zone_of

    if zone is not None and not is_zone(zone):
        raise InputError(f"{zone!r} is no time zone that is known here: write one such as Europe/Berlin")
    if written is None:
        return None
    try:
        at = datetime.fromisoformat(written)
    except ValueError as error:
        raise InputError(f"{written!r} is no time: write one such as 2026-05-12T09:00+02:00") from error
    return at if at.utcoffset() is not None else at.replace(tzinfo=zone_of(zone) if zone else local_zone())


@click.group()
def memory() -> None:
    """Add, recall, list, sum up, forget, export and import what was said in conversations."""


@memory.command()
@click.argument("conversation")
@click.argument("text")
@click.option("--role", type=click.Choice(("user", "assistant", "tool")), help="Who said it, as a role.")
@click.option("--speaker", default="", help="Who said it, by name.")
@click.option("--at", help="When it was said, as 2026-05-12T09:00+02:00; now, without it.")
@click.option("--zone", help="Where it was said, such as Europe/Berlin; without it, where --at is told, or here.")
@_on_memory
def add(
    kept: Memory,
    scope: Scope,
    conversation: str,
    text: str,
    *,
    role: Any,
    speaker: str,
    at: str | None,
    zone: str | None,
) -> None:
    """Add what was said, TEXT, to CONVERSATION, and print its id."""
    from rag.memory.zones import here, zone_name

    when = _time(at, zone) or here()
    turn = Turn(role=role, speaker=speaker, text=text, at=when, zone=zone or zone_name(when))
    (added,) = kept.add(conversation, [turn], scope=scope)
    show.write(added.turn_id)


@memory.command()
@click.argument("question")
@_CONVERSATION
@_NOW
@click.option("-k", type=click.IntRange(1), default=10, show_default=True, help="Ranked turns, at most.")
@click.option("--neighbours", type=click.IntRange(0), default=0, help="Turns before and after each, as well.")
@_JSON
@_on_memory
def recall(
    kept: Memory,
    scope: Scope,
    question: str,
    *,
    conversation: str | None,
    now: str | None,
    k: int,
    neighbours: int,
    as_json: bool,
) -> None:
    """Print the turns that QUESTION asks for: "what did we discuss last Tuesday?"."""
    found = kept.recall(question, conversation, now=_time(now), k=k, scope=scope, neighbours=neighbours)
    told = str(found) if found.turns else f"{found}\nnothing".strip()
    show.write(found.model_dump_json() if as_json else told)


@memory.command()
@_CONVERSATION
@_on_memory
def timeline(kept: Memory, scope: Scope, *, conversation: str | None) -> None:
    """List the sessions: number, conversation, day, and how many turns."""
    from rag.memory.sessions import numbered
    from rag.memory.when.described import day

    sessions = kept.sessions(conversation, scope=scope)
    for session in sessions if conversation else numbered(sessions):
        name = f" {session.name!r}" if session.name else ""
        turns = f"{session.turns} turn{'' if session.turns == 1 else 's'}"
        hours = f"{session.start:%H:%M}–{session.end:%H:%M} ({session.zone})"
        show.write(f"{session.number}. {day(session.start)}, {hours}: {session.conversation}{name}, {turns}")


@memory.command()
@click.option("--refresh", is_flag=True, help="First take in the turns that came since.")
@click.option("--topic", default="", help="What the summary is about; without it, all that is told of the user.")
@click.option("--as-of", help="What was known at this time, as 2026-05-12T09:00+02:00; now, without it.")
@_on_memory
def profile(kept: Memory, scope: Scope, *, refresh: bool, topic: str, as_of: str | None) -> None:
    """Print what turns tell of the user: a summary, and a line for each fact and concept."""
    if refresh:
        kept.profile.refresh(topic, scope=scope)
    known = scope.model_copy(update={"as_of": _time(as_of)})
    summary = kept.profile.summary(topic, scope=known)
    told = [summary, *kept.profile.facts(scope=known), *kept.profile.concepts.all(scope=known)]
    for each in told:
        if str(each or ""):
            show.write(str(each))


@memory.command()
@click.option("--conversation", help="Forget this conversation.")
@click.option("--turn", "turns", multiple=True, metavar="ID", help="Only these turns of it; may be repeated.")
@click.option("--before", help="What was said before this time.")
@click.option("--expired", is_flag=True, help="What is past its time to live.")
@click.option("--whole", type=click.Choice(("user", "tenant")), help="All that the user has, or all of the tenant.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@_on_memory
def forget(
    kept: Memory,
    scope: Scope,
    *,
    conversation: str | None,
    turns: tuple[str, ...],
    before: str | None,
    expired: bool,
    whole: Any,
    yes: bool,
) -> None:
    """Forget turns and all that was made of them, for good, and print the receipt as JSON."""
    if not yes:
        click.confirm("This cannot be undone. Forget?", abort=True, err=True)
    receipt = kept.forget(
        conversation=conversation,
        turns=turns or None,
        before=_time(before),
        expired=expired,
        whole=whole,
        scope=scope,
    )
    show.write(receipt.model_dump_json())


@memory.command()
@_CONVERSATION
@_on_memory
def export(kept: Memory, scope: Scope, *, conversation: str | None) -> None:
    """Print the turns as JSON Lines, which `rag memory import` reads."""
    from rag.memory.exchange import exported

    for line in exported(kept, conversation, scope=scope):
        show.write(line)


@memory.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--from",
    "form",
    type=click.Choice(("lines", "chatgpt", "langchain", "mem0", "zep")),
    help="The format; without it, told by the file's content.",
)
@click.option("--conversation", default="imported", show_default=True, help="For turns that tell no conversation.")
@click.option("--zone", default="UTC", show_default=True, help="Where turns that tell no zone were said.")
@_on_memory
def import_(
    kept: Memory,
    scope: Scope,
    file: Path,
    *,
    form: str | None,
    conversation: str,
    zone: str,
) -> None:
    """Add the turns of FILE: our own export, or one of ChatGPT, LangChain, mem0 or Zep. Twice adds nothing."""
    from rag.memory.exchange import imported, read_export
    from rag.memory.store import Wanted

    said = read_export(_read(file), form, zone=zone, conversation=conversation)
    before = kept.store.tally(Wanted(scope)).count
    count = imported(kept, said, scope=scope)
    added = kept.store.tally(Wanted(scope)).count - before
    there = f", {count - added} were there already" if count > added else ""
    show.write(f"{added} turn{'' if added == 1 else 's'} added{there}")


def _read(file: Path) -> str:
    """The text of a file.

    Raises:
        InputError: it is not in UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not in UTF-8: save it in UTF-8 first ({error})") from error
