"""Every error of the openai library has its place in the tree."""

import httpx2
import openai
import pytest

from rag.errors import BadModelOutput, ModelError, ModelTimeout, RateLimited
from rag.models.errors import place, translate

REQUEST = httpx2.Request(
    "POST", "http://user:pw@host:1/v1/chat/completions?key=k", headers={"authorization": "Bearer k9"}
)
NEVER_RAISED_HERE = {
    "SubjectTokenProviderError",  # signing in by another identity than a key
    "WebSocketConnectionClosedError",  # the realtime API
    "WebSocketQueueFullError",
    "APIRemovedInV1",  # misuse of the library itself
    "MutuallyExclusiveAuthError",
    "StreamAlreadyConsumed",
    "_AmbiguousModuleClientUsageError",
}


def subclasses(kind):
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def made(kind):
    """An error of the class, as the library would raise it."""
    if issubclass(kind, openai.APIStatusError):
        status = getattr(kind, "status_code", None) or 500
        return kind(**kwargs(kind, response=httpx2.Response(status, request=REQUEST), body=None))
    if issubclass(kind, openai.APIResponseValidationError):
        return kind(httpx2.Response(200, request=REQUEST), None)
    if issubclass(kind, openai.APIConnectionError):
        return kind(request=REQUEST)
    if kind is openai.APIError:
        return kind("boom", REQUEST, body=None)
    if kind is openai.LengthFinishReasonError:
        return kind(completion=openai.types.chat.ChatCompletion.construct())
    return kind()


def kwargs(kind, **common):
    return common if kind is openai.OAuthError else {"message": "boom", **common}


LIBRARY = sorted(
    {kind for kind in subclasses(openai.OpenAIError) if kind.__module__.startswith("openai")},
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize(
    "kind", [kind for kind in LIBRARY if kind.__name__ not in NEVER_RAISED_HERE], ids=lambda kind: kind.__name__
)
def test_each_class_is_translated_on_purpose(kind):
    error = translate(made(kind), "tiny")
    assert isinstance(error, ModelError)
    assert error.model == "tiny"
    assert "could not be called" not in str(error), "the catch-all has no advice to give"


def test_what_is_never_raised_here_is_still_of_the_tree():
    error = translate(openai.WebSocketQueueFullError("full"), "tiny")
    assert "WebSocketQueueFullError: full" in str(error)


def test_errors_of_the_tree_stay_as_they_are():
    error = RateLimited("wait")
    assert translate(error, "tiny") is error


@pytest.mark.parametrize("error", [TimeoutError("late"), openai.APITimeoutError(REQUEST)])
def test_a_bare_timeout_of_a_transport_is_one(error):
    if isinstance(error, openai.APITimeoutError):
        error.__cause__ = TimeoutError()
    assert isinstance(translate(error, "tiny"), ModelTimeout)


def test_what_the_client_could_not_parse_is_bad_output():
    assert isinstance(translate(ValueError("Expecting value"), "tiny"), BadModelOutput)


def test_messages_name_the_place_without_credentials_and_query():
    message = str(translate(openai.APIConnectionError(request=REQUEST), "tiny"))
    assert "http://host:1/v1/chat/completions" in message
    assert "pw" not in message
    assert "key=k" not in message
    assert place("http://[::1]:8000/v1#top") == "http://[::1]:8000/v1"


def test_a_retry_date_becomes_seconds():
    response = httpx2.Response(
        503, request=REQUEST, headers={"retry-after": "Wed, 21 Oct 2099 07:28:00 GMT"}, json={"error": {}}
    )
    error = translate(openai.InternalServerError("busy", response=response, body=None), "tiny")
    assert error.retry_after > 1e9


def test_long_words_of_an_endpoint_are_cut():
    response = httpx2.Response(500, request=REQUEST)
    error = translate(openai.InternalServerError("boom", response=response, body="<p>" + "x" * 9000), "tiny")
    assert len(str(error)) < 500
