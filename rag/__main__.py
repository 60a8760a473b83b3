"""`python -m rag`: the command line."""

from rag.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
