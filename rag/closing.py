"""What is closed at the end, as a context manager in sync and in async code."""

from __future__ import annotations

from typing import Self

__all__ = ["Closing"]


class Closing:
    """Gives both kinds of `with` to a class that has `aclose`, and `close` where it has none of its own."""

    async def aclose(self) -> None:
        """Let go of connections and files; a model may be used again, and then makes new ones."""

    def close(self) -> None:
        """The sync twin of `aclose`."""
        from rag.run.bridge import run

        run(self.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
