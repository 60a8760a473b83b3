"""The contract of stores catches stores that break it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rag.memory.store import Wanted
from rag.memory.store.rows import micros
from rag.memory.store.sqlite import SqliteStore
from rag.testing.memory import check_forgetting, check_isolation, check_store
from rag.types import Scope


class ForgetsTheUser(SqliteStore):
    def find(self, wanted):
        return super().find(wanted) or super().find(replace(wanted, scope=Scope(tenant=wanted.scope.tenant)))


class MatchesPrefixes(SqliteStore):
    def conversations(self, scope):
        with self._held() as db:
            query = "SELECT conversation FROM turns WHERE tenant LIKE ? || '%' AND user IS ?"
            return tuple(name for (name,) in db.execute(query, (scope.tenant, scope.user)))


class SharesVectors(SqliteStore):
    def vectors(self, numbers, embedder, scope):
        with self._held() as db:
            found = dict(db.execute("SELECT number, vector FROM vectors WHERE embedder = ?", (embedder,)))
        return {number: found[number] for number in numbers if number in found}


class SharesWhatIsDerived(SqliteStore):
    def derived(self, scope, kind, key=None):
        with self._held() as db:
            owners = db.execute("SELECT DISTINCT tenant, user FROM derived").fetchall()
        return [
            one
            for tenant, user in owners
            for one in super(type(self), self).derived(Scope(tenant=tenant, user=user), kind)
        ]


class Reorders(SqliteStore):
    def find(self, wanted):
        return sorted(super().find(wanted), key=lambda kept: kept.turn.at)


class LosesTheEnd(SqliteStore):
    def find(self, wanted):
        end = wanted.end and wanted.end - timedelta(minutes=1)
        return super().find(replace(wanted, end=end))


class LeavesVectors(SqliteStore):
    def forget(self, which, scope):
        with self._held() as db:
            db.execute("CREATE TABLE IF NOT EXISTS gone AS SELECT * FROM vectors")
        return super().forget(which, scope).model_copy(update={"removed": {"turns": 0, "vectors": 0, "derived": 0}})


class BelievesReceipts(SqliteStore):
    def verify(self, receipt):
        return True


class KeepsTheOld(SqliteStore):
    def lifetime(self, scope, lasts):
        pass


class TellsUtc(SqliteStore):
    def find(self, wanted):
        found = super().find(wanted)
        return [replace(kept, turn=kept.turn.model_copy(update={"at": _utc(kept.turn.at)})) for kept in found]


def _utc(at):
    from rag.memory.store.rows import moment

    return moment(micros(at))


@pytest.mark.parametrize(
    ("check", "store", "said"),
    [
        (check_isolation, ForgetsTheUser, "reads what"),
        (check_isolation, MatchesPrefixes, "by conversations"),
        (check_isolation, SharesVectors, "reads the vectors"),
        (check_isolation, SharesWhatIsDerived, "by derived"),
        (check_store, Reorders, "grow with arrival"),
        (check_store, LosesTheEnd, "'end'"),
        (check_store, TellsUtc, "own zone"),
        (check_forgetting, LeavesVectors, "receipt"),
        (check_forgetting, BelievesReceipts, "borne out"),
        (check_forgetting, KeepsTheOld, "time to live"),
    ],
)
def test_a_store_that_breaks_the_contract_is_caught(tmp_path, check, store, said):
    with pytest.raises(AssertionError, match=said):
        check(lambda: store.open(tmp_path / "chat.db"))


def test_a_store_that_lacks_methods_is_told():
    class Half:
        def find(self, wanted: Wanted) -> list:
            return []

    with pytest.raises(AssertionError, match="lacks methods"):
        check_store(Half)
