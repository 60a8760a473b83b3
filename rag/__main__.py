"""`python -m rag`: the command line."""

from rag.cli import main

if __name__ == "__main__":
    main()
