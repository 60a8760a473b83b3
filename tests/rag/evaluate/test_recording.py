"""Recording and replay of whole assistants: model, sources, time, and what has changed since."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

import prompts
import rag
from rag.errors import SourceError
from rag.evaluate.exchanges import Exchanges, NotRecorded
from rag.evaluate.recording import Recording
from rag.protocols import Message
from rag.run.meter import used
from rag.testing import FakeModel
from rag.types import Usage

PLAN = '{"steps": [{"id": "s1", "source": "reviews", "args": {"product": "kettle"}}]}'
REPLIES = [PLAN, "The kettle is loud [1]."]
QUESTION = "Is the kettle loud?"


class Shop:
    """A source that counts its calls, spends on an embedder, and may fail."""

    def __init__(self, fails=None):
        self.calls, self.fails = 0, fails

    def reviews(self, product: str) -> list[dict]:
        self.calls += 1
        used("embedder", Usage(embedding_tokens=7))
        if self.fails:
            raise self.fails
        return [{"text": f"The {product} is loud.", "at": datetime(2026, 5, 1, tzinfo=UTC)}]


def made(shop, replies=(), clock=None, **options):
    source = rag.source("reviews", shop.reviews, about="reviews of products")
    model = FakeModel(replies, name="real")
    options |= {"clock": clock} if clock else {}
    return rag.Assistant([source], model=model, **options), model


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.jsonl"


@pytest.fixture
def recorded(path):
    """A recording of one question, and its answer."""
    assistant, _ = made(Shop(), REPLIES)
    return path, Recording(path, "record").assistant(assistant).ask(QUESTION)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_replay_gives_the_same_answer_and_asks_nobody(recorded):
    path, answer = recorded
    shop = Shop(fails=RuntimeError("offline"))
    assistant, model = made(shop)
    again = Recording(path).assistant(assistant).ask(QUESTION)
    assert (again.text, again.citations, again.evidence) == (answer.text, answer.citations, answer.evidence)
    assert again.usage.model_copy(update={"seconds": 0}) == answer.usage.model_copy(update={"seconds": 0})
    assert again.usage.embedding_tokens == 7
    assert (shop.calls, len(model.calls)) == (0, 0)


def test_the_file_holds_model_source_and_time_and_names_the_prompts(recorded):
    told = lines(recorded[0])
    assert [line.get("prompt", line.get("source", line["key"])).partition("@")[0] for line in told] == [
        "clock", "plan", "reviews", "answer",
    ]  # fmt: skip


def test_a_replay_on_another_day_has_the_same_prompts(recorded):
    assistant, _ = made(Shop(), clock=lambda: datetime.now(UTC) + timedelta(days=400))
    assert Recording(recorded[0]).assistant(assistant).ask(QUESTION).text == recorded[1].text


def test_what_is_not_recorded_is_no_answer_by_other_means(recorded):
    recording = Recording(recorded[0])
    with pytest.raises(NotRecorded, match="Record again"):
        recording.assistant(made(Shop())[0]).ask("Is the lamp loud?")


def test_a_changed_prompt_is_told_with_the_recordings_that_are_stale(recorded, tmp_path):
    own = tmp_path / "prompts"
    own.mkdir()
    shipped = (Path(prompts.__file__).parent / "plan.md").read_text()
    (own / "plan.md").write_text(shipped.replace("version = ", "version = 9").replace("{{question}}", "{{question}}!"))
    recording = Recording(recorded[0])
    with pytest.raises(NotRecorded, match="stale: 1 exchange of the prompt plan@"):
        recording.assistant(made(Shop(), prompts=own)[0]).ask(QUESTION)
    (line,) = recording.stale()
    assert ", now plan@9" in line


def test_a_source_that_failed_fails_again_and_is_asked_again_by_the_next_recording(path):
    failing = made(Shop(fails=SourceError("closed on Sundays", source="reviews")), [PLAN, "Nothing."])[0]
    notes = Recording(path, "record").assistant(failing).ask(QUESTION).notes
    assert any("closed on Sundays" in note for note in notes)
    again = Recording(path).assistant(made(Shop())[0]).ask(QUESTION)
    assert again.notes == notes
    well = Recording(path, "record").assistant(made(Shop(), REPLIES)[0]).ask(QUESTION)
    assert not any("closed on Sundays" in note for note in well.notes)


def test_recording_goes_on_and_pays_for_nothing_twice(recorded):
    shop = Shop()
    assistant, model = made(shop)
    assert Recording(recorded[0], "record").assistant(assistant).ask(QUESTION).text == recorded[1].text
    assert (shop.calls, len(model.calls)) == (0, 0)


def test_seeds_are_recorded_apart(path):
    for seed, said in ((0, "It is loud [1]."), (1, "It is very loud [1].")):
        assistant, _ = made(Shop(), [PLAN, said])
        Recording(path, "record").assistant(assistant, seed).ask(QUESTION)
    texts = [Recording(path).assistant(made(Shop())[0], seed).ask(QUESTION).text for seed in (0, 1)]
    assert texts == ["It is loud [1].", "It is very loud [1]."]


def test_a_source_that_tells_how_much_it_holds_is_recorded_too(path):
    question, names = "How fast does the kettle boil?", ("pages", "rules")
    with rag.Index.memory() as index:
        index.add([{"doc_id": "kettle", "text": "The kettle boils in two minutes."}])
        full = rag.Assistant([index.source(name, about=f"our {name}") for name in names])
        answer = Recording(path, "record").assistant(full).ask(question)
    with rag.Index.memory() as empty:
        bare = rag.Assistant([empty.source(name, about=f"our {name}") for name in names])
        assert Recording(path).assistant(bare).ask(question).text == answer.text
    assert any("question" in line for line in lines(path))


def test_secrets_are_kept_out_of_the_file(path):
    assistant, _ = made(Shop(), [PLAN, "Call db.internal with sk-very-secret-1 [1]."])
    Recording(path, "record", secrets=["db.internal"]).assistant(assistant).ask(QUESTION)
    written = path.read_text()
    assert "secret" not in written
    assert "internal" not in written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("use AKIAABCDEFGHIJKLMNOP now", "use *** now"),
        ("ghp_abcdefghijklmnop1234", "***"),
        ("xoxb-1234-abcd-5678", "***"),
        ("AIza" + "a1_" * 12, "***"),
        ("https://x.org/?api_key=abc123&q=1", "https://x.org/?api_key=***&q=1"),
        ("OPENAI_API_KEY=abc123", "OPENAI_API_KEY=***"),
        ("postgresql://svc:sekret@db/shop", "postgresql://***@db/shop"),
        ("write to a@b.org, see https://x.org:80/?by=a@b.org", "write to a@b.org, see https://x.org:80/?by=a@b.org"),
        ("at most max_tokens=80", "at most max_tokens=80"),
    ],
)
def test_what_looks_like_a_secret_is_blotted_out(path, text, written):
    assert Exchanges(path, "record").blotted({"rows": [text]}) == {"rows": [written]}


def test_a_recording_is_its_owners_alone(recorded):
    assert recorded[0].stat().st_mode & 0o077 == 0


async def test_of_equal_asks_at_once_the_first_is_recorded_and_given_to_all(path):
    told = iter(range(9))

    async def counter(product: str) -> str:
        await anyio.sleep(0.01)
        return f"{product} {next(told)}"

    async def asked(recording):
        source = recording.source(rag.source("counter", counter, about="counts"))
        found = []

        async def ask():
            found.append(await source.call({"product": "kettle"}, rag.Scope()))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(ask)
        return found

    recorded = await asked(Recording(path, "record"))
    assert recorded == await asked(Recording(path))
    assert len(lines(path)) == 1


async def test_a_model_that_varies_is_asked_once_for_equal_prompts(path):
    class Slow(FakeModel):
        async def complete(self, messages, **options):
            await anyio.sleep(0.01)
            return await super().complete(messages, **options)

    model = Slow([f"reply {n}" for n in range(3)], name="real")
    cassette = Recording(path, "record").model(model)
    found = []

    async def ask():
        found.append((await cassette.complete([Message("user", "hello")])).text)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(ask)
    assert (found, len(model.calls)) == (["reply 0"] * 3, 1)


async def test_a_run_that_records_reads_rows_as_its_replay_will(path):
    def notes() -> str:
        return "Send it with Bearer abcdefgh12345."

    recorded, replayed = [
        await Recording(path, mode).source(rag.source("notes", notes, about="notes")).call({}, rag.Scope())
        for mode in ("record", "replay")
    ]
    assert recorded == replayed


def test_what_nobody_asked_for_is_listed(recorded):
    recording = Recording(recorded[0])
    assert len(recording.unplayed()) == 3
    recording.assistant(made(Shop())[0]).ask(QUESTION)
    assert recording.unplayed() == ()
