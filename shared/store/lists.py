"""Lists in queries as one parameter: the statement stays the same whatever their length, so it is compiled once.

Building, compiling and preparing a statement costs more than most statements themselves. Those that run for every
complaint are therefore made once (`functools.cache`), with parameters by name.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import orjson
from sqlalchemy import (
    JSON,
    ColumnElement,
    DateTime,
    Dialect,
    Executable,
    Select,
    String,
    Table,
    any_,
    bindparam,
    cast,
    func,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.types import TypeDecorator, TypeEngine

from shared.store.types import UTCDateTime, aware

POSTGRESQL: Final = "postgresql"
UpsertInsert = Any
"""`Insert` of either dialect: both have the same `on_conflict_…` methods, their types share no base."""
Conflict = Callable[[UpsertInsert], UpsertInsert]
"""What an insert does about rows that are there; a function of a module, for the statement is kept by it."""


class _List(TypeDecorator[list[Any]]):
    """A list of plain values: an array on PostgreSQL, JSON on SQLite."""

    impl = String
    cache_ok = True

    def __init__(self, kind: TypeEngine[Any]) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name != POSTGRESQL:
            return dialect.type_descriptor(String())
        if isinstance(self.kind, UTCDateTime):
            return ARRAY(DateTime(timezone=True))
        return ARRAY(String() if isinstance(self.kind, String | JSON) else self.kind)

    def process_bind_param(self, value: list[Any] | None, dialect: Dialect) -> Any:  # noqa: ANN401 - as the driver has it
        if dialect.name != POSTGRESQL or value is None:
            return orjson.dumps(value).decode()
        if isinstance(self.kind, JSON):
            return [orjson.dumps(one).decode() for one in value]
        return (
            [one and aware(one) for one in value] if isinstance(self.kind, UTCDateTime) else value
        )


def among(column: ColumnElement[Any], parameter: str, dialect: str) -> ColumnElement[bool]:
    """Whether a column of texts or whole numbers has one of the values in a list given as `parameter`."""
    values = bindparam(parameter, type_=_List(column.type))
    if dialect == POSTGRESQL:
        return column == any_(values)
    return column.in_(select(func.json_each(values).table_valued("value").c.value))


@cache
def only(query: Select[Any], column: ColumnElement[Any], dialect: str) -> Select[Any]:
    """A query over the rows alone whose `column` has one of the values in the list `values`."""
    return query.where(among(column, "values", dialect))


def each_of(table: Table, *names: str, dialect: str, prefix: str = "") -> Select[*tuple[Any, ...]]:
    """Rows for `insert(table).from_select`, in order; the values of each column are a list, a parameter of its name."""
    lists = [bindparam(prefix + name, type_=_List(table.c[name].type)) for name in names]
    if dialect == POSTGRESQL:
        # In order, as ids are drawn in that order: an unordered SELECT promises none.
        each = func.unnest(*lists).table_valued(*names, with_ordinality="nth").render_derived()
        return select(
            *(
                cast(each.c[name], JSONB) if isinstance(table.c[name].type, JSON) else each.c[name]
                for name in names
            )
        ).order_by(each.c.nth)
    first = func.json_each(lists[0]).table_valued("key", "value")
    place = func.format("$[%d]", first.c.key)
    others = [func.json_extract(one, place) for one in lists[1:]]
    # Without WHERE, SQLite takes ON CONFLICT for a join's ON.
    return select(first.c.value, *others).where(true()).order_by(first.c.key)


@cache
def insert_each(
    table: Table, names: tuple[str, ...], dialect: str, conflict: Conflict | None = None
) -> Executable:
    """Insert many rows: on PostgreSQL given as a list a column, which costs half of as many rows; else row by row."""
    new: UpsertInsert = (postgresql_insert if dialect == POSTGRESQL else sqlite_insert)(table)
    if dialect == POSTGRESQL:
        new = new.from_select(names, each_of(table, *names, dialect=dialect))
    statement: Executable = conflict(new) if conflict else new
    return statement


@cache
def update_each(table: Table, names: tuple[str, ...], dialect: str) -> Executable:
    """Change many rows, each known by the first of the columns, given as for `insert_each`.

    The parameters are called `new_` and the column's name: SQLAlchemy takes one with a column's name for a SET.
    """
    key, *others = names
    if dialect == POSTGRESQL:
        new = each_of(table, *names, dialect=dialect, prefix="new_").subquery()
        values: dict[str, ColumnElement[Any]] = {name: new.c[name] for name in names}
    else:
        values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    mine = update(table).where(table.c[key] == values[key])
    return mine.values({name: values[name] for name in others})


def unless_there(new: UpsertInsert) -> UpsertInsert:
    """The `Conflict` by which what is there stays."""
    return new.on_conflict_do_nothing()
