"""Workspace changes: two definitions of a workspace compared, and the actions from one to the other.

Pure: no SQL and no access to rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from rowkeep.errors.catalogue import (
    InvalidDefinition,
    NameTaken,
    NoSuchApp,
    ProblemList,
    RowkeepError,
    pointer,
    preview,
)
from rowkeep.model.access import Grant, GrantOf, Right
from rowkeep.model.definitions.views import ViewBody
from rowkeep.model.definitions.workspaces import (
    DefinitionGrantBody,
    WorkspaceDefinition,
    WorkspaceDefinitionBody,
)
from rowkeep.model.tables import Table, name_key
from rowkeep.model.views import View
from rowkeep.plan.charts.read import chart_source
from rowkeep.plan.views.read import read_view
from rowkeep.plan.workspace_changes.actions import Action, CreateView, DropView, SetGrant
from rowkeep.plan.workspace_changes.charts import FutureThing, plan_charts
from rowkeep.plan.workspace_changes.order import TableOrder
from rowkeep.plan.workspace_changes.renames import TwoSources, sources
from rowkeep.plan.workspace_changes.tables import (
    WantedTable,
    is_untouched,
    refuse_duplicates,
    renamed,
    unchanged_tables,
    wanted_tables,
)

Holder = tuple[bool, str, str]
"""Identifies a grant: whether it is on a view, the name key of its table or view, and that of its app."""


class _Names(msgspec.Struct, frozen=True):
    """The new names of existing tables and views, by whether it is a view and the key of the current name."""

    new_names: Mapping[tuple[bool, str], str]

    def holder(self, given: GrantOf) -> Holder | None:
        name = self.new_names.get((given.is_on_view, name_key(given.name)))
        return None if name is None else (given.is_on_view, name_key(name), given.app.casefold())


def plan_schema(present: WorkspaceDefinition, body: WorkspaceDefinitionBody) -> list[Action]:
    """The actions from one to the other, in order; none if they are equal. Raises all errors in the body that
    can be found without access to rows."""
    wanted = (
        unchanged_tables(present.tables)
        if body.tables is None
        else wanted_tables(present.tables, body.tables)
    )
    _refuse_shared_names(present, wanted, body)
    stay = {table.id: table for each in wanted if (table := renamed(each)) is not None}
    by_key = {name_key(table.name): table for table in stay.values()}
    touched = (
        [] if body.tables is None else [each.key for each in wanted if not is_untouched(each, stay, by_key)]
    )
    views = _Views(present, body.views, by_key)
    new_names = {
        (False, name_key(each.before.name)): each.body.name for each in wanted if each.before is not None
    }
    names = _Names(new_names | views.new_names)
    things = {**_future_tables(wanted, touched), **views.future(touched)}
    return [
        *views.drop(),
        *TableOrder(present.tables, wanted, touched).actions(),
        *views.create(),
        *_grants(present, body.grants, names, {key: thing.name for key, thing in things.items()}),
        *plan_charts(present.charts, body.charts, things),
    ]


def _future_tables(
    wanted: Sequence[WantedTable], touched: Collection[str]
) -> dict[tuple[bool, str], FutureThing]:
    found = {}
    for each in wanted:
        table = renamed(each)
        source = None if table is None else chart_source(table, {})
        found[False, each.key] = FutureThing(each.body.name, False, source, each.key in touched)
    return found


def _refuse_shared_names(
    present: WorkspaceDefinition, wanted: Sequence[WantedTable], body: WorkspaceDefinitionBody
) -> None:
    """Tables and views share one namespace."""
    problems = ProblemList()
    tables = {each.key for each in wanted}
    views = [view.name for view in (present.views if body.views is None else body.views)]
    for at, name in enumerate(views):
        if name_key(name) in tables:
            where = pointer("views", at, "name") if body.views is not None else "/tables"
            problems.add(
                NameTaken, f"Table and view with the same name {preview(name)}. Rename one of them.", where
            )
    problems.raise_if_any()


class _Views:
    """The views of the new definition. A changed view is dropped before the tables change, because it may use
    what they lose, and created again after that. Its grants, owner, shares and charts stay."""

    def __init__(
        self, present: WorkspaceDefinition, bodies: Sequence[ViewBody] | None, by_key: Mapping[str, Table]
    ) -> None:
        self._present = {name_key(view.name): view for view in present.views}
        self._tables = present.tables_by_id
        self._by_key = by_key
        self._bodies = bodies
        self.recreated: set[str] = set()
        self.new_names: dict[tuple[bool, str], str] = {}
        self._same: set[str] = set()
        self._before: dict[str, View] = {}
        self.names = (
            [view.name for view in present.views] if bodies is None else [body.name for body in bodies]
        )
        if bodies is None:
            self.new_names = {(True, key): view.name for key, view in self._present.items()}
            self._before = {view.name: view for view in present.views}
            return
        for body, before in zip(bodies, self._sources(bodies), strict=True):
            if before is not None:
                self._before[body.name] = before
                self.new_names[True, name_key(before.name)] = body.name
                if _is_same_view(before, body, by_key):
                    self._same.add(name_key(body.name))
                else:
                    self.recreated.add(name_key(body.name))

    def _sources(self, bodies: Sequence[ViewBody]) -> list[View | None]:
        problems = ProblemList()
        refuse_duplicates((body.name for body in bodies), "views", problems)
        problems.raise_if_any()
        try:
            found = sources(self._present.keys(), {body.name: body.renamed_from for body in bodies})
        except TwoSources as both:
            at = [body.name for body in bodies].index(both.name)
            message = f"Cannot rename view {both.former} to {both.name}: both exist. Remove renamedFrom."
            raise NameTaken(message, pointer=pointer("views", at, "renamedFrom")) from None
        keys = [found[body.name] for body in bodies]
        return [None if key is None else self._present[key] for key in keys]

    def drop(self) -> Iterator[Action]:
        if self._bodies is None:
            return
        for key, view in self._present.items():
            name = self.new_names.get((True, key))
            if name is None:
                yield DropView(view.name, f"drop view {view.name}")
            elif name_key(name) in self.recreated:
                yield DropView(view.name, "")

    def future(self, touched: Collection[str]) -> dict[tuple[bool, str], FutureThing]:
        """All views of the new definition. ``touched`` has the keys of the tables that change."""
        unchanged = {table.id for key, table in self._by_key.items() if key not in touched}
        found = {}
        for name in self.names:
            key, before = name_key(name), self._before.get(name)
            found[True, key] = FutureThing(
                name,
                True,
                None if before is None else chart_source(before, self._tables),
                before is None or key in self.recreated or not set(before.table_ids) <= unchanged,
            )
        return found

    def create(self) -> Iterator[Action]:
        for at, body in enumerate(self._bodies or ()):
            key = name_key(body.name)
            if key in self._same:
                continue
            description = f"create view {body.name}"
            before = self._before.get(body.name)
            if before is not None:
                is_renamed = name_key(before.name) != key
                description = (
                    f"rename view {before.name} to {body.name}" if is_renamed else f"change view {body.name}"
                )
            yield CreateView(
                replace(body, renamed_from=None),
                pointer("views", at),
                description,
                None if before is None else before.id,
            )


def _is_same_view(before: View, body: ViewBody, by_key: Mapping[str, Table]) -> bool:
    """Whether a view does not change; it follows tables and columns that are renamed."""
    try:
        return read_view(replace(body, renamed_from=None), before.id, by_key) == before
    except RowkeepError:
        return False


def _grants(
    present: WorkspaceDefinition,
    bodies: Sequence[DefinitionGrantBody] | None,
    names: _Names,
    there: Mapping[tuple[bool, str], str],
) -> Iterator[Action]:
    """The changes of grants, after everything else."""
    given = {holder: each for each in present.grants if (holder := names.holder(each)) is not None}
    apps = {app.name.casefold(): app for app in present.apps}
    wanted: dict[Holder, tuple[Grant, str]] = (
        {holder: (each.grant, "/grants") for holder, each in given.items()}
        if bodies is None
        else _wanted_grants(bodies, apps.keys(), there)
    )
    for holder in sorted(given.keys() | wanted.keys(), key=lambda each: (each[1], each[2], each[0])):
        is_view, key, app_key = holder
        before = given[holder].grant if holder in given else Grant()
        after, where = wanted.get(holder, (Grant(), "/grants"))
        if after != before:
            app, name = apps[app_key], there[is_view, key]
            description = _grant_description(app.name, f"{'view' if is_view else 'table'} {name}", after)
            yield SetGrant(name, is_view, app.client_id, after, where, description)


def _wanted_grants(
    bodies: Sequence[DefinitionGrantBody], apps: Iterable[str], there: Mapping[tuple[bool, str], str]
) -> dict[Holder, tuple[Grant, str]]:
    problems = ProblemList()
    known = set(apps)
    found: dict[Holder, tuple[Grant, str]] = {}
    for at, body in enumerate(bodies):
        where = pointer("grants", at)
        if (body.table is None) is (body.view is None):
            problems.add(InvalidDefinition, 'A grant must have either "table" or "view", not both.', where)
            continue
        is_view = body.view is not None
        name = body.view if body.view is not None else str(body.table)
        kind = "view" if is_view else "table"
        if (is_view, name_key(name)) not in there:
            problems.add(
                InvalidDefinition, f"No such {kind} in this definition: {preview(name)}.", f"{where}/{kind}"
            )
        if is_view and (body.write or body.delete):
            problems.add(InvalidDefinition, "A view can only be read: write and delete must be false.", where)
        if body.app.casefold() not in known:
            message = f"No such app: {preview(body.app)}. Create it first; its secret is shown only then."
            problems.add(NoSuchApp, message, f"{where}/app")
        holder = (is_view, name_key(name), body.app.casefold())
        if holder in found:
            problems.add(
                InvalidDefinition,
                f"Duplicate grant on {kind} {preview(name)} for app {preview(body.app)}.",
                where,
            )
        found[holder] = (body.rights, where)
    problems.raise_if_any()
    return found


def _grant_description(app: str, on: str, grant: Grant) -> str:
    rights = ", ".join(right.value for right in Right if getattr(grant, right.value))
    return (
        f"grant app {preview(app)} {rights} on {on}"
        if rights
        else f"revoke all rights on {on} from app {preview(app)}"
    )
