"""The commands: what they take and what they print. What they do lies elsewhere."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, get_args

import click
from click.core import ParameterSource
from pydantic import ValidationError

from rag.cli import show
from rag.cli.eval import evaluate as eval_command
from rag.cli.failures import FAILURE, complain, shown
from rag.cli.memory import memory as memory_group
from rag.cli.wiring import Options, assistant, index_of
from rag.plan import Plan
from rag.protocols import Form
from rag.run.effort import EFFORTS, table
from rag.run.manner import Check
from rag.types import Budget

__all__ = ["app"]

_PATH = click.Path(path_type=Path)
_DEBUG = click.option("--debug", is_flag=True, help="Show the traceback of an error.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_INDEX = click.option("--index", type=_PATH, help="Where the index lies; without it, in the user's cache folder.")
_MEMORY = click.option("--memory", metavar="URL", help="Where turns are kept, such as sqlite:///chat.db.")
_ASKING = (
    click.option(
        "--docs",
        multiple=True,
        type=_PATH,
        help="A folder or file of documents; may be repeated. Each sub-folder is a source of its own.",
    ),
    click.option(
        "--sql",
        multiple=True,
        metavar="NAME=URL",
        help="A database, opened read-only, such as orders=sqlite:///shop.db; may be repeated.",
    ),
    _INDEX,
    click.option("--model", help="A model at an OpenAI-compatible endpoint, or a .gguf file. Without it: no model."),
    click.option("--base-url", metavar="URL", help="The endpoint, such as http://127.0.0.1:8000/v1."),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=120.0,
        show_default=True,
        help="Seconds that one model call may take.",
    ),
    click.option(
        "--effort",
        type=click.Choice(tuple(EFFORTS)),
        default="medium",
        show_default=True,
        help="How much work a question is worth; see below. The next three options change one thing of it.",
    ),
    click.option("--planner", help="reaper, rules, react, direct, iter_retgen, evidence_loop, or yours."),
    click.option(
        "--rounds",
        type=click.IntRange(1, 8),
        help="Rounds of retrieval at most; later ones search for what is missing.",
    ),
    click.option("--replans", type=click.IntRange(0, 8), help="How often what failed of a plan is planned anew."),
    click.option(
        "--cache/--no-cache",
        default=True,
        show_default=True,
        help="Keep plans for exactly the same question of a day, and what sources brought that say it may be kept.",
    ),
    click.option(
        "--form",
        type=click.Choice(get_args(Form)),
        default="answer",
        show_default=True,
        help="A few sentences, a few words, some paragraphs, yes or no, or the verdict on a claim.",
    ),
    click.option(
        "--check",
        type=click.Choice([*get_args(Check), "none"]),
        default="words",
        show_default=True,
        help="What holds each sentence against the passages that it cites; the model takes one call more.",
    ),
    click.option(
        "--drop", is_flag=True, help="Leave out the sentences that do not hold; without it, a note names them."
    ),
    _DEBUG,
)


def _asking(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that make an assistant; they reach it as keyword arguments."""
    # The mark keeps click from running the lines of the table together.
    command.__doc__ = f"{command.__doc__}\n\n    \b\n    Effort:\n{textwrap.indent(table(), '    ')}\n    "
    for option in reversed(_ASKING):
        command = option(command)
    return command


def _budget(_: click.Context, __: click.Parameter, limits: tuple[str, ...]) -> Budget | None:
    """The budget that the limits make.

    Raises:
        click.BadParameter: a limit is none.
    """
    pairs = dict(limit.partition("=")[::2] for limit in limits)
    if len(pairs) < len(limits):
        raise click.BadParameter("a limit is given twice; give each once")
    if unknown := [name for name in pairs if name not in Budget.model_fields]:
        names = ", ".join(Budget.model_fields)
        raise click.BadParameter(f"there is no limit {unknown[0]!r}; a limit is NAME=NUMBER, with {names}")
    try:
        return Budget.model_validate(pairs) if pairs else None
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        number = "a number" if name in ("seconds", "usd") else "a whole number"
        least = "more than 0" if name == "seconds" else "0 or more"
        raise click.BadParameter(f"{name}={pairs[name]} cannot be; give {number}, {least}") from None


_BUDGET = click.option(
    "--budget",
    multiple=True,
    metavar="LIMIT",
    callback=_budget,
    help="What may be spent at most, such as seconds=10, usd=0.01, model_calls=2; may be repeated.",
)
_RETRIEVE = click.option(
    "--retrieve/--no-retrieve", default=None, help="Look things up in any case, or in none; by default as planned."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="planweave-rag", prog_name="rag")
def app() -> None:
    """Ask questions of many sources at once: plan, run, read, cite."""


def _no_planning(context: click.Context) -> None:
    """See that nothing was said of how to plan, where a plan is given.

    Raises:
        click.UsageError: an option would change nothing.
    """
    for name in ("effort", "planner", "rounds", "replans", "retrieve"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} says how to plan, and --plan gives the plan; leave one of them out")


app.add_command(memory_group)
app.add_command(eval_command)


@app.command()
@click.argument("question")
@_asking
@_BUDGET
@_RETRIEVE
@click.option("--plan", "saved", type=click.File("rb"), help="Run exactly this plan, as `rag plan --json` prints it.")
@_JSON
@click.option("--trace", is_flag=True, help="Show also what ran when, as a tree with a timeline.")
@click.pass_context
def ask(
    context: click.Context,
    /,
    question: str,
    *,
    budget: Budget | None,
    retrieve: bool | None,
    saved: BinaryIO | None,
    as_json: bool,
    trace: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Answer QUESTION from folders and databases, with the plan and numbered sources."""
    if saved is not None:
        _no_planning(context)
    with shown(debug=debug), assistant(Options(**options)) as asked:
        if saved is None:
            answer = asked.ask(question, budget=budget, retrieve=retrieve)
        else:
            answer = asked.run(Plan.from_json(saved.read()), question=question, budget=budget)
        show.write(show.json_text(answer) if as_json else show.answer_text(answer))
        if trace and not as_json:  # the JSON has it
            show.write(show.trace_text(answer.trace))
    if failure := show.model_failure(answer):
        complain(f"{failure} (the answer was made without the model)")
        raise SystemExit(FAILURE)


@app.command()
@click.argument("question")
@_asking
@_BUDGET
@_RETRIEVE
@_JSON
def plan(
    question: str, *, budget: Budget | None, retrieve: bool | None, as_json: bool, debug: bool, **options: Any
) -> None:
    """Show the plan for QUESTION, and what it will cost, without running it."""
    with shown(debug=debug), assistant(Options(**options)) as asked:
        made = asked.plan(question, budget=budget, retrieve=retrieve)
        if as_json:
            show.write(show.json_text(made))
            return
        show.write(show.plan_text(made))
        show.write(f"  = {made.estimate()}")
        for note in made.notes:
            show.write(f"  - {note}")


@app.command()
@click.argument("docs", nargs=-1, required=True, type=_PATH)
@_INDEX
@_DEBUG
def index(docs: tuple[Path, ...], *, index: Path | None, debug: bool) -> None:
    """Bring the index of DOCS, folders or files, up to date; only what changed is read again."""
    with shown(debug=debug), index_of(docs, index) as built:
        for name in built.collections():
            count = len(built.doc_ids(collection=name))
            show.write(f"{name}: {count} document{'' if count == 1 else 's'}")


@app.command()
@click.option("--conversation", default="terminal", show_default=True, help="Which conversation to go on with.")
@_MEMORY
@_asking
def chat(*, conversation: str, memory: str | None, debug: bool, **options: Any) -> None:
    """Talk: one question a line; an empty line or Ctrl-D ends it.

    Without --memory the turns are forgotten at the end.
    """
    from rag.cli.talk import talk
    from rag.memory import Memory

    with shown(debug=debug), Memory.open(memory or "sqlite://") as kept, assistant(Options(**options), kept) as asked:
        talk(asked, conversation)


@app.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="The port to listen on.")
@_MEMORY
@_asking
def serve(*, host: str, port: int, memory: str | None, debug: bool, **options: Any) -> None:
    """Serve the assistant behind an OpenAI-compatible API.

    Clients must send the key in RAG_SERVE_KEY, when one is set; an address that other machines can
    reach needs one.
    """
    from rag.memory import Memory
    from rag.serve import serve as run_server
    from rag.settings import Settings

    with shown(debug=debug), ExitStack() as stack:
        kept = stack.enter_context(Memory.open(memory)) if memory else None
        served = stack.enter_context(assistant(Options(**options), kept))
        key = Settings.load().serve_key
        run_server(served, host=host, port=port, tokens=[key.get_secret_value()] if key else None)


@app.command()
@click.option("--base-url", metavar="URL", help="The endpoint to try; without it OPENAI_BASE_URL.")
@_DEBUG
def doctor(*, base_url: str | None, debug: bool) -> None:
    """Check versions, clashing packages, the offline embedder and the model endpoint."""
    from rag.cli.doctor import findings

    with shown(debug=debug):
        found = list(findings(base_url))
    for finding in found:
        show.write(f"{'ok ' if finding.fine else 'BAD'} {finding.what}: {finding.told}")
    if not all(finding.fine for finding in found):
        raise SystemExit(FAILURE)
