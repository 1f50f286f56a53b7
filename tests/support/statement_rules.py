"""Statements that PostgreSQL ran for Rowkeep, read from its log, and the rules that they must follow.

A Citus cluster, which stores each workspace on one of its nodes, needs these rules (see docs/scale-out.md).
They are checked on every statement of the tests on PostgreSQL, because the tests have no such cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO

from rowkeep.sql.statements import BETWEEN_COMMANDS

RECORD, UNIT = "\x1e", "\x1f"
"""What each record of the log begins with, and what ends each part before its message."""

SETTINGS = (
    "log_destination=stderr",
    f"log_line_prefix={RECORD}%a{UNIT}%c{UNIT}",
    "log_statement=all",
    "log_min_messages=log",
    "log_parameter_max_length=0",
    "log_error_verbosity=terse",
)
"""Of the server whose log is read. Each of its processes appends to one file: one that collects what they log
takes as much time again."""

RAN = re.compile(r"LOG:  (?:statement|execute [^:]+): (.*)", re.DOTALL)
PIECE = 1 << 20
"""How many characters of the log are read at once."""

QUOTED = re.compile(r"'(?:[^']|'')*'")
WORKSPACE = re.compile(r'w(?<=\bw)[0-9]+_[a-z][a-z0-9_]*(?="?\.)')
"""The word boundary is asked after the first letter: so only places with that letter are looked at."""

MUTABLE = frozenset({"now", "timezone", "to_char", "to_json", "to_timestamp", "random", "gen_random_uuid"})
"""Functions of PostgreSQL that depend on settings, on the time, or on chance; :func:`mutable_functions` has
all."""

OF_TRIGGERS = frozenset({"set_config"})
"""Functions in statements for tables with triggers, which such a cluster does not have."""

FUNCTION = re.compile(r"\b([a-z_][a-z0-9_]*)\(")
TEXT_TO_MOMENT = re.compile(r"\bAS TIMESTAMP|::(?:VARCHAR|TEXT)::TIMESTAMP")
RETURNED = re.compile(r"\bRETURNING\b(.*?)(?:\)\s*,|\)\s*SELECT|$)", re.DOTALL)
CALCULATED = re.compile(r"\w\(|::|\|\||\bCASE\b|\bCAST\b")
CHANGE = re.compile(
    r"^DO\b|\b(?:CREATE|ALTER|DROP) (?:TABLE|SCHEMA|INDEX|UNIQUE INDEX|FUNCTION|OR REPLACE)\b"
)
WRITE = re.compile(r"\b(?:INSERT INTO|UPDATE [\"\w]|DELETE FROM)|^COPY\b")
CHANGES_ROWS = re.compile(r"\bUPDATE [\"\w].*\bSET\b|\bDELETE FROM\b", re.DOTALL)
CONSTANT = re.compile(r"\b(?:WHERE|AND|NOT|\() *false\b", re.IGNORECASE)
INSERTED = re.compile(r"\bINSERT INTO\b(.*?)\bSELECT\b", re.DOTALL)

PLAIN_INSERT_SELECT = "function or cast in INSERT ... SELECT that depends on settings"
PLAIN_RETURNING = "RETURNING of more than columns"
NO_LOCK = "LOCK TABLE without a change of definitions"
NO_CONSTANT = "UPDATE or DELETE with a constant condition"
ONE_WORKSPACE = "two workspaces in one statement or transaction"
WRITE_FIRST = "a read before the write of a transaction"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules ask of one statement."""

    faults: tuple[str, ...]
    workspaces: frozenset[str]
    changes: bool
    writes: bool
    locks: bool
    raises_version: bool


class Reader:
    """Looks at each statement once: tests run the same ones thousands of times, in other workspaces."""

    def __init__(self, mutable: frozenset[str] = MUTABLE) -> None:
        self._mutable = mutable - OF_TRIGGERS
        self._facts: dict[str, Facts] = {}
        self._shapes: dict[str, Facts] = {}

    def facts(self, text: str) -> Facts:
        known = self._facts.get(text)
        if known is None:
            plain = QUOTED.sub("''", text)
            workspaces = frozenset(WORKSPACE.findall(plain))
            shape = WORKSPACE.sub("w", plain)
            if shape not in self._shapes:
                self._shapes[shape] = self._of(plain)
            known = self._facts[text] = replace(self._shapes[shape], workspaces=workspaces)
        return known

    def _of(self, plain: str) -> Facts:
        return Facts(
            faults=tuple(faults_of(plain, self._mutable)),
            workspaces=frozenset(),
            changes=_has(CHANGE, plain, "DO", "CREATE", "ALTER", "DROP"),
            writes=_has(WRITE, plain, "INSERT", "UPDATE", "DELETE", "COPY"),
            locks=plain.startswith("LOCK TABLE"),
            raises_version="_rowkeep_workspace SET version" in plain,
        )


@dataclass
class Transaction:
    """The statements of one transaction, in their order."""

    statements: list[str] = field(default_factory=list)

    def faults(self, reader: Reader) -> Iterator[tuple[str, str]]:
        """Each rule that is broken, with the statement that breaks it."""
        facts = [reader.facts(text) for text in self.statements]
        for each, text in zip(facts, self.statements, strict=True):
            for rule in each.faults:
                yield rule, text
        changes = any(each.changes for each in facts)
        if not changes and not any(each.raises_version for each in facts):
            yield from (
                (NO_LOCK, text) for each, text in zip(facts, self.statements, strict=True) if each.locks
            )
        if len(frozenset().union(*(each.workspaces for each in facts))) > 1:
            yield ONE_WORKSPACE, "; ".join(self.statements)
        if not changes:
            yield from self._reads_first(facts)

    def _reads_first(self, facts: list[Facts]) -> Iterator[tuple[str, str]]:
        of_rows = [place for place, each in enumerate(facts) if each.workspaces]
        if any(facts[place].writes for place in of_rows) and not facts[of_rows[0]].writes:
            yield WRITE_FIRST, self.statements[of_rows[0]]


def faults_of(statement: str, mutable: frozenset[str] = MUTABLE) -> list[str]:
    """The rules that a statement breaks by itself."""
    text = QUOTED.sub("''", statement)
    faults = []
    inserted = INSERTED.search(text) if "INSERT INTO" in text else None
    if inserted and "VALUES" not in inserted[1]:
        # what ON CONFLICT sets is not selected
        selected = re.split(r"\bON CONFLICT\b", text[inserted.end() :], maxsplit=1)[0]
        if mutable.intersection(FUNCTION.findall(selected)) or TEXT_TO_MOMENT.search(selected):
            faults.append(PLAIN_INSERT_SELECT)
    if "RETURNING" in text and any(CALCULATED.search(returned) for returned in RETURNED.findall(text)):
        faults.append(PLAIN_RETURNING)
    if _has(CHANGES_ROWS, text, "UPDATE", "DELETE") and _has(CONSTANT, text.lower(), "false"):
        faults.append(NO_CONSTANT)
    return faults


def _has(pattern: re.Pattern[str], text: str, *words: str) -> bool:
    """Whether a pattern is found in a text, which it is only where one of these words is. Long texts are
    searched for words much faster."""
    return any(word in text for word in words) and pattern.search(text) is not None


def transactions(log: Path) -> Iterator[Transaction]:
    """What Rowkeep ran, from this log, transaction by transaction."""
    with log.open(encoding="utf-8", errors="replace") as file:
        yield from _transactions(_records(file))


def _records(file: TextIO) -> Iterator[str]:
    """What the processes have logged, without what others wrote before."""
    rest = ""
    while piece := file.read(PIECE):
        *whole, rest = (rest + piece).split(RECORD)
        yield from whole
    yield rest


def _transactions(records: Iterable[str]) -> Iterator[Transaction]:
    open_ones: dict[str, Transaction] = {}
    for record in records:
        application, _, logged = record.partition(UNIT)
        session, _, message = logged.partition(UNIT)
        found = RAN.match(message) if application == "rowkeep" else None
        if found is None:
            continue
        text = found[1].replace("\n\t", "\n").strip()  # PostgreSQL indents all lines but the first
        if text.startswith("BEGIN"):
            open_ones[session] = Transaction()
        elif text.startswith(("COMMIT", "ROLLBACK")):
            ended = open_ones.pop(session, None)
            if ended is not None:
                yield ended
        elif session in open_ones:
            open_ones[session].statements += text.split(BETWEEN_COMMANDS)
        else:
            yield Transaction(text.split(BETWEEN_COMMANDS))
    yield from open_ones.values()


def broken_rules(log: Path, mutable: frozenset[str] = MUTABLE) -> dict[str, set[str]]:
    """The statements that break a rule, by rule."""
    broken: dict[str, set[str]] = {}
    reader = Reader(mutable)
    for transaction in transactions(log):
        for rule, text in transaction.faults(reader):
            broken.setdefault(rule, set()).add(text[:2000])
    return broken


MUTABLE_FUNCTIONS = "SELECT DISTINCT proname FROM pg_catalog.pg_proc WHERE provolatile <> 'i'"
WITHOUT_KEY = """
SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND (n.nspname = 'rowkeep' OR n.nspname ~ '^w[0-9]+_')
AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
"""
"""The tables of ours that have no primary key."""
