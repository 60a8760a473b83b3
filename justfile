fmt:
    ruff format .
    ruff check --fix .

lint:
    ruff format --check .
    ruff check .

type:
    mypy

test *args:
    python -m pytest {{args}}

docs:
    python -m benchmarks.table --write README.md

lock:
    uv pip compile pyproject.toml --all-extras --generate-hashes --no-emit-index-url --quiet -o requirements-dev.lock
    python -m prompts.lock
