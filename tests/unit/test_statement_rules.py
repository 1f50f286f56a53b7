"""The rules for statements notice what they are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import statement_rules as rules
from support.statement_rules import broken_rules, faults_of, transactions

GOOD = [
    'INSERT INTO w1_a.people ("Day", _id) SELECT $1::TIMESTAMP WITH TIME ZONE, $2::VARCHAR '
    "FROM w1_a._rowkeep_workspace WHERE w1_a._rowkeep_workspace.version = $3::BIGINT",
    "INSERT INTO w1_a._rowkeep_workspace (version) VALUES ($1::BIGINT)",
    'INSERT INTO w1_a.people ("Code") SELECT $1::VARCHAR FROM w1_a.t ON CONFLICT ("Code") DO UPDATE SET '
    '"Updated_On" = timezone(\'UTC\', w1_a.people."Updated_On")',
    'WITH changed AS (UPDATE w1_a.people SET "Day"=$1::TIMESTAMP WITH TIME ZONE WHERE w1_a.people._id = '
    '$2::VARCHAR RETURNING w1_a.people."Day", w1_a.people._id) SELECT to_char(changed."Day", \'YYYY\'), '
    "count(*) FROM changed",
    "DELETE FROM w1_a.people WHERE (w1_a.people._id = 'false') IS NOT TRUE",
    "SELECT 1 FROM w1_a.people WHERE false",
    'COPY "w1_a"."people"("Day", "_id") FROM STDIN (FORMAT binary)',
    "UPDATE w1_a.people SET \"Text\"='now() RETURNING lower(x)'",
]

BAD = {
    rules.PLAIN_INSERT_SELECT: [
        'INSERT INTO w1_a.people ("Day") SELECT CAST($1::VARCHAR AS TIMESTAMP WITH TIME ZONE) FROM w1_a.t',
        'INSERT INTO w1_a.people ("Day") SELECT now() FROM w1_a.t',
    ],
    rules.PLAIN_RETURNING: [
        'WITH changed AS (UPDATE w1_a.people SET "A"=$1 RETURNING to_char(w1_a.people."Day", \'YYYY\') AS d) '
        "SELECT * FROM changed",
        'DELETE FROM w1_a.people RETURNING CAST("A" AS TEXT)',
        "UPDATE w1_a.people SET \"A\"=$1 RETURNING 'sys-' || _id",
    ],
    rules.NO_CONSTANT: [
        'WITH changed AS (UPDATE w1_a.people SET "A"=$1 WHERE false RETURNING _id) SELECT * FROM changed',
        'DELETE FROM w1_a.people WHERE w1_a.people."A" = $1 AND false',
    ],
}


@pytest.mark.parametrize("text", GOOD)
def test_a_good_statement(text: str) -> None:
    assert faults_of(text) == []


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in BAD.items() for text in texts])
def test_a_statement_that_breaks_a_rule(rule: str, text: str) -> None:
    assert faults_of(text) == [rule]


def log_of(directory: Path, *statements: str, application: str = "rowkeep") -> Path:
    """A log of PostgreSQL in which one session runs these statements."""
    log = directory / "log"
    with log.open("w", encoding="utf-8") as file:
        file.write("what a program wrote before\n")
        for text in statements:
            message = f"LOG:  execute __asyncpg_stmt_1__: {text}\n".replace("\n", "\n\t").removesuffix("\t")
            file.write(f"{rules.RECORD}{application}{rules.UNIT}s1{rules.UNIT}{message}")
    return log


READ, WRITE = "SELECT version FROM w1_a._rowkeep_workspace", 'COPY "w1_a"."people" FROM STDIN'
RAISE = "UPDATE w1_a._rowkeep_workspace SET version=w1_a._rowkeep_workspace.version + 1"


@pytest.mark.parametrize(
    ("rule", "statements"),
    [
        (None, [WRITE, READ]),
        (None, [READ, READ]),
        (None, [f"{READ}\nWHERE version > 1", f"{READ}\n\tWHERE version > 2"]),
        (None, ["SELECT pg_advisory_xact_lock(1)", WRITE]),
        (None, [RAISE, "LOCK TABLE w1_a.people", READ]),
        (None, [READ, "ALTER TABLE w1_a.people ADD COLUMN a INT"]),
        (rules.WRITE_FIRST, [READ, WRITE]),
        (rules.NO_LOCK, [WRITE, "LOCK TABLE w1_a.people"]),
        (rules.ONE_WORKSPACE, [WRITE, READ.replace("w1_a", "w2_b")]),
    ],
)
def test_a_transaction(tmp_path: Path, rule: str | None, statements: list[str]) -> None:
    log = log_of(tmp_path, "BEGIN; SET LOCAL lock_timeout = 1", *statements, "COMMIT")
    assert set(broken_rules(log)) == ({rule} if rule else set())
    assert [each.statements for each in transactions(log)] == [statements]


def test_statements_of_others_do_not_count(tmp_path: Path) -> None:
    assert list(transactions(log_of(tmp_path, READ, WRITE, application="psql"))) == []
