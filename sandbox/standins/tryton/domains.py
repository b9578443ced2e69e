"""Tryton's search domains as SQL: clauses, AND/OR, dotted names across many2one fields, `child_of`."""

from collections.abc import Sequence

from sandbox.standins.tryton.errors import ServerError
from sandbox.standins.tryton.schema import COMMON, MODELS, Field, Kind, table
from sandbox.standins.tryton.values import Stored, compared
from sandbox.standins.wire import Json

COMPARISONS = {"=", "!=", "<", "<=", ">", ">=", "like", "not like", "ilike"}
CHILDREN = """id IN (WITH RECURSIVE tree(id) AS (SELECT id FROM {table} WHERE id IN ({marks})
    UNION SELECT child.id FROM {table} child JOIN tree ON child."{parent}" = tree.id) SELECT id FROM tree)"""

Condition = tuple[str, list[Stored]]


def condition(model: str, domain: Json) -> Condition:
    """A WHERE condition over the model's table. Raises ServerError for whatever Tryton itself would not
    understand."""
    if not isinstance(domain, list):
        raise ServerError(f"{domain!r} is no domain")
    word, parts = "AND", domain
    if parts and parts[0] in ("AND", "OR"):
        word, parts = parts[0], parts[1:]
    if parts and isinstance(parts[0], str):
        return _clause(model, parts)
    conditions = [condition(model, part) for part in parts]
    if not conditions:
        return "1", []
    sql = f" {word} ".join(f"({each})" for each, _ in conditions)
    return sql, [value for _, values in conditions for value in values]


def find_field(model: str, name: str) -> Field:
    """Raises ServerError."""
    if model not in MODELS:
        raise ServerError(model)
    field = MODELS[model].get(name) or COMMON.get(name)
    if field is None:
        raise ServerError(name)
    return field


def _clause(model: str, clause: Sequence[Json]) -> Condition:
    if len(clause) != 3:  # noqa: PLR2004 - name, operator, value
        raise ServerError(f"{clause!r} is no clause")
    path, operator, value = clause
    name, _, rest = str(path).partition(".")
    field = find_field(model, name)
    if rest:
        if field.kind is Kind.ONE2MANY:
            sql, values = _clause(field.target, [rest, operator, value])
            return f'id IN (SELECT "{field.back}" FROM {table(field.target)} WHERE {sql})', values
        if field.kind is not Kind.MANY2ONE:
            raise ServerError(path)
        sql, values = _clause(field.target, [rest, operator, value])
        return f'"{name}" IN (SELECT id FROM {table(field.target)} WHERE {sql})', values
    if field.kind is Kind.ONE2MANY:
        raise ServerError(path)
    if operator == "child_of":
        ids = compared(field, value)
        marks = ", ".join("?" * len(ids))
        return CHILDREN.format(table=table(model), marks=marks, parent=name), ids
    return _comparison(name, field, str(operator), value)


def _comparison(name: str, field: Field, operator: str, value: Json) -> Condition:
    operand = compared(field, value)
    if operator in ("in", "not in"):
        return f'"{name}" {operator.upper()} ({", ".join("?" * len(operand))})', list(operand)
    if operator not in COMPARISONS:
        raise ServerError(operator)
    if operand is None:
        return f'"{name}" IS {"" if operator == "=" else "NOT "}NULL', []
    return f'"{name}" {operator.replace("ilike", "like").upper()} ?', [operand]
