"""Lists in queries as one parameter: the statement stays the same whatever their length, so it is compiled once.

Building, compiling and preparing a statement costs more than most statements themselves. Those that run for every
complaint are therefore made once (`functools.cache`), with parameters by name.
"""

from typing import Any, Final

import orjson
from sqlalchemy import (
    ColumnElement,
    Dialect,
    Select,
    String,
    Table,
    any_,
    bindparam,
    func,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeDecorator, TypeEngine

POSTGRESQL: Final = "postgresql"


class _List(TypeDecorator[list[Any]]):
    """A list of plain values: an array on PostgreSQL, JSON on SQLite."""

    impl = String
    cache_ok = True

    def __init__(self, kind: TypeEngine[Any]) -> None:
        super().__init__()
        self.kind = String() if isinstance(kind, String) else kind

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return ARRAY(self.kind) if dialect.name == POSTGRESQL else dialect.type_descriptor(String())

    def process_bind_param(self, value: list[Any] | None, dialect: Dialect) -> Any:  # noqa: ANN401 - as the driver has it
        return value if dialect.name == POSTGRESQL else orjson.dumps(value).decode()


def among(column: ColumnElement[Any], parameter: str, dialect: str) -> ColumnElement[bool]:
    """Whether a column of texts or whole numbers has one of the values in a list given as `parameter`."""
    values = bindparam(parameter, type_=_List(column.type))
    if dialect == POSTGRESQL:
        return column == any_(values)
    return column.in_(select(func.json_each(values).table_valued("value").c.value))


def each_of(table: Table, *names: str, dialect: str) -> Select[*tuple[Any, ...]]:
    """Rows for `insert(table).from_select`, in order; the values of each column are a list, a parameter of its name."""
    lists = [bindparam(name, type_=_List(table.c[name].type)) for name in names]
    if dialect == POSTGRESQL:
        each = func.unnest(*lists).table_valued(*names).render_derived()
        return select(*(each.c[name] for name in names))
    first = func.json_each(lists[0]).table_valued("key", "value")
    place = func.format("$[%d]", first.c.key)
    others = [func.json_extract(one, place) for one in lists[1:]]
    # Without WHERE, SQLite takes ON CONFLICT for a join's ON.
    return select(first.c.value, *others).where(true()).order_by(first.c.key)
