"""The commands. What they do lies elsewhere; here is what they take and what they print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag.cli import show
from rag.cli.failures import FAILURE, complain, shown
from rag.cli.wiring import Options, assistant, index_of

__all__ = ["app"]

app = typer.Typer(
    name="rag",
    help="Ask questions of many sources at once: plan, run, read, cite.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Question = Annotated[str, typer.Argument(help="What you want to know.", show_default=False)]
Docs = Annotated[list[Path] | None, typer.Option("--docs", help="A folder or file of documents; may be repeated. Each sub-folder is a source of its own.")]
Sql = Annotated[list[str] | None, typer.Option("--sql", metavar="NAME=URL", help="A database, such as orders=sqlite:///shop.db; may be repeated. It is opened read-only.")]
Index = Annotated[Path | None, typer.Option("--index", help="Where the index lies; without it, in the user's cache folder.")]
Model = Annotated[str | None, typer.Option("--model", help="A model at an OpenAI-compatible endpoint, or a .gguf file; without it no model is used.")]
BaseUrl = Annotated[str | None, typer.Option("--base-url", help="The endpoint, such as http://127.0.0.1:8000/v1; without it OPENAI_BASE_URL.")]
Planner = Annotated[str | None, typer.Option("--planner", help="reaper (default with a model), rules (default without), direct, or one of yours.")]
Rounds = Annotated[int, typer.Option("--rounds", min=1, max=8, help="Rounds of retrieving and reading; 2 and more is Iter-RetGen.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def _options(
    docs: list[Path] | None, sql: list[str] | None, index: Path | None, model: str | None, base_url: str | None, planner: str | None, rounds: int = 1
) -> Options:
    return Options(tuple(docs or ()), tuple(sql or ()), index, model, base_url, planner, rounds)


@app.command()
def ask(
    question: Question,
    docs: Docs = None,
    sql: Sql = None,
    index: Index = None,
    model: Model = None,
    base_url: BaseUrl = None,
    planner: Planner = None,
    rounds: Rounds = 1,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Answer a question from folders and databases, with the plan and numbered sources."""
    with shown(debug=debug), assistant(_options(docs, sql, index, model, base_url, planner, rounds)) as asked:
        answer = asked.ask(question)
        show.write(answer.model_dump_json() if json else show.answer_text(answer))
    if failure := show.model_failure(answer):
        complain(f"{failure} (the answer was made without it)")
        raise typer.Exit(FAILURE)


@app.command()
def plan(
    question: Question,
    docs: Docs = None,
    sql: Sql = None,
    index: Index = None,
    model: Model = None,
    base_url: BaseUrl = None,
    planner: Planner = None,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show the plan for a question without running it."""
    with shown(debug=debug), assistant(_options(docs, sql, index, model, base_url, planner)) as asked:
        made = asked.plan(question)
        show.write(made.to_json(indent=2) if json else show.plan_text(made))
        for note in () if json else made.notes:
            show.write(f"  - {note}")


@app.command()
def index(docs: Annotated[list[Path], typer.Argument(help="Folders or files.", show_default=False)], at: Index = None, debug: Debug = False) -> None:
    """Bring the index of some documents up to date; only what changed is read again."""
    from rag.settings import Settings

    with shown(debug=debug), index_of(docs, at, Settings.load()) as built:
        counts = {name: len(built.doc_ids(collection=name)) for name in built.collections()}
        for name, count in counts.items():
            show.write(f"{name}: {count} documents")


@app.command()
def chat(
    docs: Docs = None,
    sql: Sql = None,
    index: Index = None,
    model: Model = None,
    base_url: BaseUrl = None,
    planner: Planner = None,
    rounds: Rounds = 1,
    memory: Annotated[str | None, typer.Option("--memory", help="Where turns are kept, such as sqlite:///chat.db; without it they are forgotten at the end.")] = None,
    conversation: Annotated[str, typer.Option("--conversation", help="Which conversation to go on with.")] = "terminal",
    debug: Debug = False,
) -> None:
    """Talk: one question a line; an empty line or Ctrl-D ends it."""
    from rag.cli.talk import talk
    from rag.memory import Memory

    options = _options(docs, sql, index, model, base_url, planner, rounds)
    with shown(debug=debug), Memory.open(memory or "sqlite://") as kept, assistant(options, kept) as asked:
        talk(asked, conversation)


@app.command()
def serve(
    docs: Docs = None,
    sql: Sql = None,
    index: Index = None,
    model: Model = None,
    base_url: BaseUrl = None,
    planner: Planner = None,
    rounds: Rounds = 1,
    memory: Annotated[str | None, typer.Option("--memory", help="Where turns are kept, such as sqlite:///chat.db.")] = None,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port to listen on.")] = 8080,
    debug: Debug = False,
) -> None:
    """Serve the assistant behind an OpenAI-compatible API."""
    from contextlib import ExitStack

    from rag.memory import Memory
    from rag.serve import serve as run_server

    options = _options(docs, sql, index, model, base_url, planner, rounds)
    with shown(debug=debug), ExitStack() as stack:
        kept = stack.enter_context(Memory.open(memory)) if memory else None
        asked = stack.enter_context(assistant(options, kept))
        run_server(asked, host=host, port=port)


@app.command()
def doctor(base_url: BaseUrl = None, debug: Debug = False) -> None:
    """Check versions, clashing packages, the offline embedder and the model endpoint."""
    from rag.cli.doctor import findings

    with shown(debug=debug):
        wrong = False
        for finding in findings(base_url):
            wrong |= not finding.fine
            show.write(f"{'ok  ' if finding.fine else 'BAD '} {finding.what}: {finding.told}")
    if wrong:
        raise typer.Exit(FAILURE)
