"""What a document holds, and what it refuses."""

import pytest
from pydantic import ValidationError

from rag.ingest import Document


def test_a_document_cannot_be_changed() -> None:
    document = Document(doc_id="docs/a.md", text="text")
    with pytest.raises(ValidationError, match="frozen"):
        document.text = "other"


@pytest.mark.parametrize("field", ["doc_id", "title", "text"])
def test_half_a_surrogate_pair_is_refused_since_no_store_takes_it(field: str) -> None:
    fields = {"doc_id": "docs/a.md", "text": "text", field: "x\ud800"}
    with pytest.raises(ValidationError, match=r"surrogate|unicode"):
        Document.model_validate(fields)


@pytest.mark.parametrize("value", ["\ud800", {"\ud800": 1}, [float("inf")], float("nan")])
def test_metadata_that_json_has_no_form_for_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match=r"surrogate|unicode|not JSON compliant"):
        Document.model_validate({"doc_id": "a", "text": "b", "metadata": {"key": value}})


def test_an_unknown_field_and_an_empty_id_are_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Document.model_validate({"doc_id": "a", "text": "b", "body": "c"})
    with pytest.raises(ValidationError, match="at least 1 character"):
        Document(doc_id="", text="b")
