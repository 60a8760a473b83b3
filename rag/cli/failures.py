"""Errors as a person at a terminal should see them: one line, and an exit code that means something."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rag.cli.show import one_line
from rag.errors import ConfigError, IndexNotFound, InputError, LoadError, RagError

__all__ = ["FAILURE", "MISUSE", "complain", "shown"]

FAILURE: Final = 1
MISUSE: Final = 2
_MISUSES: Final = (ConfigError, InputError, LoadError, IndexNotFound)


@contextmanager
def shown(*, debug: bool) -> Iterator[None]:
    """Turn an error into one line on stderr and an exit code; with `debug`, let its traceback through.

    Raises:
        SystemExit: with the exit code, where an error was shown.
    """
    try:
        yield
    except RagError as error:
        if debug:
            raise
        complain(str(error))
        raise SystemExit(MISUSE if isinstance(error, _MISUSES) else FAILURE) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        # The reader of our output went away, as `head` does: nothing is left to be said.
        sys.stderr.close()
        raise SystemExit(FAILURE) from None
    except Exception as error:  # the last stop before a person: no traceback unless asked for
        if debug:
            raise
        complain(f"unexpected {type(error).__name__}: {error} (run again with --debug for the traceback)")
        raise SystemExit(FAILURE) from None


def complain(message: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"error: {one_line(message)}\n")
