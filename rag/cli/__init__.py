"""The command line: `rag ask`, `rag plan`, `rag chat`, `rag index`, `rag serve`, `rag eval`, `rag doctor`.

Exit codes: 0 for an answer, 1 for a failure, 2 for misuse.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    from rag.cli.app import app

    app(prog_name="rag")
