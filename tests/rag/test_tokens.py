"""Token counts, which never go to the network."""

import base64
import hashlib
import inspect
import socket

import pytest
import tiktoken
import tiktoken.registry
import tiktoken_ext.openai_public
from hypothesis import given
from hypothesis import strategies as st
from tiktoken.load import load_tiktoken_bpe

from rag import tokens
from rag.protocols import Message

URL = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"

ENGLISH = (
    "The store accepts returns within thirty days of delivery, provided that the packaging is complete;"
    " refrigerators, headphones and other electronics may be opened, but earphones may not."
)
CODE = (
    'def total(orders: list[Order]) -> float:\n    """Sum."""\n'
    "    return sum(o.price * o.count for o in orders if o.paid)\n"
)
CHINESE = "商店接受自送达之日起三十天内的退货,但包装必须完整。冰箱、耳机和其他电子产品可以拆封。"
JAPANESE = "当店は、梱包が完全であることを条件に、配達から三十日以内の返品を受け付けます。イヤホンは開封できません。"
KOREAN = "매장은 포장이 온전한 경우 배송 후 30일 이내의 반품을 받습니다. 이어폰은 개봉할 수 없습니다."
RUSSIAN = "Магазин принимает возврат в течение тридцати дней после доставки, если упаковка цела."
JSON = '{"steps": [{"id": "s1", "source": "orders", "args": {"customer": "C-17", "limit": 3}}]}'


@pytest.fixture
def vocabularies(tmp_path, monkeypatch):
    """An empty folder in which tiktoken keeps its vocabularies, and nothing remembered from before."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    tokens._encoding.cache_clear()
    yield tmp_path
    tokens._encoding.cache_clear()


@pytest.fixture
def opened(monkeypatch):
    """Every socket and every look-up of a name that is tried; none succeeds."""
    tried = []

    def refuse(*args, **_):
        tried.append(args)
        raise OSError("no network here")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    return tried


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-2024-08-06", "gpt-4", "gpt-oss-20b", "gpt2", "my-own", ""])
def test_no_socket_is_opened_when_the_vocabulary_is_absent(vocabularies, opened, model):
    assert tokens.count("hello world", model).estimated
    assert opened == []
    assert list(vocabularies.iterdir()) == []


def test_tiktoken_itself_would_open_one(vocabularies, opened):
    with pytest.raises(OSError, match=r"no network here|Max retries"):
        tiktoken.get_encoding("o200k_base")
    assert opened != []


@pytest.mark.parametrize("content", [b"", b"aGk= 0\n", b"\xff" * 100])
def test_a_vocabulary_that_is_not_whole_is_left_alone(vocabularies, opened, content):
    file = vocabularies / hashlib.sha1(URL.encode()).hexdigest()
    file.write_bytes(content)
    assert tokens.count("hello world", "gpt-4o").estimated
    assert opened == []
    assert file.read_bytes() == content


def test_a_folder_that_is_switched_off_means_an_estimate(vocabularies, opened, monkeypatch):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    assert tokens.count("hello world", "gpt-4o").estimated
    assert opened == []


def test_a_vocabulary_on_disk_is_counted_with(vocabularies, opened, monkeypatch):
    # The real ones are megabytes; this one has each byte and one pair, and goes the same way.
    ranks = [bytes([byte]) for byte in range(256)] + [b"he"]
    content = b"".join(base64.b64encode(token) + f" {rank}\n".encode() for rank, token in enumerate(ranks))
    sha256 = hashlib.sha256(content).hexdigest()
    (vocabularies / hashlib.sha1(URL.encode()).hexdigest()).write_bytes(content)

    def small():
        return {
            "name": "o200k_base",
            "pat_str": r"\w+|\W+",
            "mergeable_ranks": load_tiktoken_bpe(URL, expected_hash=sha256),
            "special_tokens": {"<|endoftext|>": 257},
        }

    monkeypatch.setitem(tokens._VOCABULARIES, "o200k_base", ("o200k_base", sha256))
    monkeypatch.setattr(tiktoken.registry, "ENCODING_CONSTRUCTORS", {"o200k_base": small})
    assert tokens.count("hello", "gpt-4o") == tokens.Count(4, estimated=False)
    assert tokens.count("<|endoftext|>", "gpt-4o").tokens == 13, "a text's special tokens are but text"
    assert opened == []


def test_names_and_hashes_are_those_of_the_library():
    source = inspect.getsource(tiktoken_ext.openai_public)
    for name, sha256 in tokens._VOCABULARIES.values():
        assert tokens._ORIGIN.format(name) in source
        assert sha256 in source


# The larger of the counts by cl100k_base and o200k_base, the vocabularies of GPT-4 and GPT-4o.
@pytest.mark.parametrize(
    ("text", "real"),
    [(ENGLISH, 34), (CODE, 33), (JSON, 34), (CHINESE, 46), (JAPANESE, 57), (KOREAN, 45), (RUSSIAN, 40)],
)
def test_an_estimate_errs_on_the_high_side_but_not_by_far(text, real):
    assert real <= tokens.estimate(text) <= 2 * real


@given(st.text(), st.text())
def test_an_estimate_grows_with_its_text(one, other):
    whole = tokens.estimate(one + other)
    assert max(tokens.estimate(one), tokens.estimate(other)) <= whole + 1
    assert whole <= tokens.estimate(one) + tokens.estimate(other) + 1


@given(st.text(min_size=1))
def test_what_can_be_seen_costs_something(text):
    assert tokens.estimate(text) >= (1 if text.strip() else 0)


def test_long_runs_take_no_longer_than_they_are():
    assert tokens.estimate("a" * 1_000_000) == 250_000
    assert tokens.estimate("\n" * 1_000_000 + " " * 1_000_000) <= 3


def test_a_prompt_counts_its_messages_frames_and_schema():
    messages = [Message("system", ENGLISH), Message("user", "hi")]
    plain = tokens.of_prompt(messages)
    assert plain > tokens.estimate(ENGLISH) + 2
    assert tokens.of_prompt(messages, {"type": "object"}) > plain
