"""From files to documents, and from documents to chunks."""

from rag.ingest.chunk import chunk
from rag.ingest.document import Document
from rag.ingest.formats import SUFFIXES
from rag.ingest.load import load
from rag.ingest.sentences import sentences

__all__ = ["SUFFIXES", "Document", "chunk", "load", "sentences"]
