"""What errors of PostgreSQL mean: those of a server alone, and those that a coordinator passes on."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from rowkeep.errors.catalogue import Busy, InvalidDefinition, StorageFull, StorageReadOnly, StorageUnavailable
from rowkeep.model.tables import Index, Table
from rowkeep.sql.names import index_named
from rowkeep.storage.contract import ReferenceConflict, UniqueConflict
from rowkeep.storage.postgres.driver_errors import constraint_of, translated

TABLE = Table(
    id="80bd2b34f707a775",
    name="people",
    columns=(),
    indexes=tuple(
        Index(name, (), is_unique=True, id=number) for number, name in ((0, "a"), (1, "b"), (10, "c"))
    ),
)


def error(state: str, message: str, **fields: str) -> asyncpg.PostgresError:
    """As the driver makes it of what the server sends."""
    letters = {"detail": "D", "constraint": "n", "context": "W"}
    sent: dict[str, Any] = {"S": "ERROR", "V": "ERROR", "C": state, "M": message}
    return asyncpg.PostgresError.new(sent | {letters[name]: text for name, text in fields.items()})


def meaning(raised: BaseException) -> BaseException:
    with pytest.raises(Exception) as caught, translated():  # noqa: PT011 - which one is the question
        raise raised
    return caught.value


TWICE = 'duplicate key value violates unique constraint "{}"'
MISSING = (
    'insert or update on table "people_102020" violates foreign key constraint '
    '"_fk_80bd2b34f707a775_c1_102020"'
)


@pytest.mark.parametrize(
    ("state", "name", "index"),
    [
        ("23505", "_ix_80bd2b34f707a775_0_102022", "a"),
        ("XX000", "_ix_80bd2b34f707a775_0_102022", "a"),
        ("23505", "_ix_80bd2b34f707a775_1", "b"),
        ("XX000", "_ix_80bd2b34f707a775_1_102008", "b"),
        ("XX000", "_ix_80bd2b34f707a775_10_4294967296", "c"),
        ("XX000", "_ix_80bd2b34f707a775_10", "c"),
        ("XX000", "_pk_80bd2b34f707a775_102022", None),
        ("23505", "_ix_0000000000000000_0_102022", None),
        ("23505", "_rowkeep_apps_name_key_key_102010", None),
    ],
)
def test_a_unique_index_on_another_node(state: str, name: str, index: str | None) -> None:
    raised = error(state, TWICE.format(name), detail='Key ("Code")=(a) already exists.')
    assert isinstance(meaning(raised), UniqueConflict)
    found = index_named(TABLE, constraint_of(raised))
    assert (found.name if found else None) == index


def test_a_unique_index_of_one_server() -> None:
    raised = error("23505", "Schlüsselwert bereits vorhanden", constraint="_ix_80bd2b34f707a775_1")
    assert isinstance(meaning(raised), UniqueConflict)
    assert index_named(TABLE, constraint_of(raised)) is TABLE.indexes[1]


@pytest.mark.parametrize(
    ("state", "message", "kind"),
    [
        ("XX000", MISSING, ReferenceConflict),
        ("23503", MISSING, ReferenceConflict),
        ("58030", "failed to COPY to shard 102022 on 10.0.0.2:5432", StorageUnavailable),
        ("XX000", "failed to COPY to shard 102022 on 10.0.0.2:5432", StorageUnavailable),
        ("58030", "failed to complete COPY on 10.0.0.2:5432", StorageUnavailable),
        ("XX000", "could not commit transaction for shard 102022 on any active node", StorageUnavailable),
        (
            "XX000",
            "could not commit transaction for shard 102022 on at least one active node",
            StorageUnavailable,
        ),
        ("XX000", "could not commit transaction on any active node", StorageUnavailable),
        (
            "08006",
            "connection to the remote node postgres@10.0.0.2:5432 failed with the following error: "
            "Connection refused",
            StorageUnavailable,
        ),
        ("XX000", "failure on connection marked as essential: 10.0.0.2:5432", StorageUnavailable),
        ("XX000", "connection not open", StorageUnavailable),
        ("XX000", "server closed the connection unexpectedly", StorageUnavailable),
        ("XX000", "terminating connection due to administrator command", StorageUnavailable),
        ("XX000", "the database system is in recovery mode", StorageUnavailable),
        ("XX000", "canceling statement due to lock timeout", Busy),
        ("XX000", "canceling statement due to statement timeout", Busy),
        ("XX000", "canceling the transaction since it was involved in a distributed deadlock", Busy),
        ("40P01", "canceling the transaction since it was involved in a distributed deadlock", Busy),
        ("XX000", "deadlock detected", Busy),
        ("XX000", 'could not extend file "base/5/16385": No space left on device', StorageFull),
        ("XX000", "cannot execute COPY FROM in a read-only transaction", StorageReadOnly),
    ],
)
def test_an_error_of_another_node(state: str, message: str, kind: type[Exception]) -> None:
    ours = meaning(error(state, message))
    assert type(ours) is kind
    if isinstance(ours, StorageUnavailable):
        assert ours.status == 503
        assert ours.headers["Retry-After"]


@pytest.mark.parametrize(
    "raised",
    [
        error("XX000", "cache lookup failed for relation 16385"),
        error("XX001", "invalid page in block 0 of relation base/5/16385"),
        error("42601", 'syntax error at or near "SELEC"'),
        KeyError("name"),
    ],
    ids=str,
)
def test_an_error_that_means_nothing_known_stays_as_it_is(raised: BaseException) -> None:
    assert meaning(raised) is raised


def test_triggers_that_a_cluster_refuses() -> None:
    ours = meaning(error("0A000", "triggers are not supported on distributed tables"))
    assert isinstance(ours, InvalidDefinition)
    assert ours.problems[0].pointer == "/history"
