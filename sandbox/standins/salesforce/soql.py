"""The part of SOQL that integrations use, parsed and turned into SQL over the books.

SELECT fields FROM object [WHERE ...] [ORDER BY ...] [LIMIT n]: relationship paths, = != < <= > >= LIKE IN, NOT
IN, AND, OR, NOT and parentheses. As in the original, AND and OR mix only with parentheses, text compares
without case, and a literal must fit the type of its field.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from sandbox.standins.salesforce.errors import SalesforceError, malformed_query, no_such_column
from sandbox.standins.salesforce.objects import Field, SObject, Stored, stored
from sandbox.standins.wire import Json, from_json

Item = TypeVar("Item")
TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<datetime>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>[+-]?\d+(?:\.\d+)?)
    | (?P<word>[A-Za-z_][\w.]*)
    | (?P<sign><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE,
)
ESCAPE = re.compile(r"\\(.)")
ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
OPERATORS = {"=", "!=", "<>", "<", "<=", ">", ">=", "LIKE", "IN", "NOT"}
COLLATIONS = {"text": " COLLATE NOCASE", "number": " COLLATE DECIMAL"}
LITERALS = {
    "text": {"text", "id", "reference"},
    "number": {"number"},
    "date": {"date"},
    "datetime": {"datetime"},
    "boolean": {"boolean"},
    "null": {"text", "id", "reference", "number", "date", "datetime", "boolean"},
}


@dataclass(frozen=True)
class Column:
    """One selected field: its path as written in the query, its type, and the column of its relation's id."""

    path: tuple[str, ...]
    field: Field
    objects: tuple[str, ...]


@dataclass
class Query:
    """The SQL selects the value of every column in turn, and after them the id of every relation used."""

    sobject: str
    columns: list[Column]
    relations: list[tuple[str, ...]]
    sql: str
    parameters: list[Stored]


@dataclass
class _Joins:
    """The relations used so far: path -> alias and object."""

    objects: Mapping[str, SObject]
    root: SObject
    clauses: list[str] = field(default_factory=list)
    aliases: dict[tuple[str, ...], tuple[str, SObject]] = field(default_factory=dict)

    def resolve(self, path: str) -> tuple[str, Column]:
        """SQL of a field path, and the column. Raises SalesforceError."""
        *relations, last = path.split(".")
        if relations and relations[0].lower() == self.root.name.lower():
            relations = relations[1:]
        walked: tuple[str, ...] = ()
        alias, sobject = "t0", self.root
        for relation in relations:
            alias, sobject, walked = self._join(alias, sobject, walked, relation)
        name = sobject.field_name(last)
        if name is None:
            raise no_such_column(last, sobject.name)
        own_path = (*walked, name)
        names = tuple(self.aliases[own_path[: i + 1]][1].name for i in range(len(walked)))
        return f'{alias}."{name}"', Column(own_path, sobject.fields[name], names)

    def _join(
        self, alias: str, sobject: SObject, walked: tuple[str, ...], relation: str
    ) -> tuple[str, SObject, tuple[str, ...]]:
        found = sobject.relation(relation)
        if found is None:
            message = f"Didn't understand relationship '{relation}' in field path"
            raise SalesforceError(400, "INVALID_FIELD", message)
        name, reference = found
        path = (*walked, reference.relation)
        if path not in self.aliases:
            joined = f"t{len(self.aliases) + 1}"
            target = self.objects[reference.to]
            self.clauses.append(f'LEFT JOIN "{target.name}" {joined} ON {joined}."Id" = {alias}."{name}"')
            self.aliases[path] = (joined, target)
        return (*self.aliases[path], path)


class _Reader:
    """The tokens of one query, read from left to right."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            match = TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise malformed_query(f"unexpected token: '{text[position:].split(maxsplit=1)[0]}'")
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()
        self.at = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "<EOF>")

    def next(self) -> tuple[str, str]:
        token = self.peek()
        self.at += 1
        return token

    def accepts(self, word: str) -> bool:
        if self.peek()[1].upper() == word and self.peek()[0] in ("word", "sign"):
            self.at += 1
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.accepts(word):
            raise malformed_query(f"unexpected token: '{self.peek()[1]}', expecting '{word}'")

    def word(self) -> str:
        kind, text = self.next()
        if kind != "word":
            raise malformed_query(f"unexpected token: '{text}'")
        return text

    def list_of(self, read: Callable[[], Item]) -> list[Item]:
        items = [read()]
        while self.accepts(","):
            items.append(read())
        return items


def compile_query(soql: str, objects: Mapping[str, SObject], created_until: str | None = None) -> Query:
    """`created_until` hides records created later, like a search index that lags. Raises SalesforceError."""
    reader = _Reader(soql)
    reader.expect("SELECT")
    paths = reader.list_of(reader.word)
    reader.expect("FROM")
    root = _object(objects, reader.word())
    joins = _Joins(objects, root)
    columns = [joins.resolve(path) for path in paths]
    parameters: list[Stored] = []
    where = _either(reader, joins, parameters) if reader.accepts("WHERE") else "1"
    if created_until is not None:
        where = f'({where}) AND t0."CreatedDate" <= ?'
        parameters.append(created_until)
    tail = _order(reader, joins) + _limit(reader)
    if reader.peek()[0] != "end":
        raise malformed_query(f"unexpected token: '{reader.peek()[1]}'")
    relations = list(joins.aliases)
    selected = [sql for sql, _ in columns] + [f'{joins.aliases[path][0]}."Id"' for path in relations]
    selected.append('t0."Id"')
    sql = f'SELECT {", ".join(selected)} FROM "{root.name}" t0 {" ".join(joins.clauses)} WHERE {where}{tail}'
    return Query(root.name, [column for _, column in columns], relations, sql, parameters)


def _object(objects: Mapping[str, SObject], name: str) -> SObject:
    for own, sobject in objects.items():
        if own.lower() == name.lower():
            return sobject
    raise SalesforceError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")


def _either(reader: _Reader, joins: _Joins, parameters: list[Stored]) -> str:
    parts = [_condition(reader, joins, parameters)]
    used = ""
    while reader.peek()[1].upper() in ("AND", "OR"):
        word = reader.next()[1].upper()
        if used not in ("", word):
            raise malformed_query(f"unexpected token: '{word}'")
        used = word
        parts.append(_condition(reader, joins, parameters))
    return f" {used} ".join(parts)


def _condition(reader: _Reader, joins: _Joins, parameters: list[Stored]) -> str:
    if reader.accepts("("):
        inner = _either(reader, joins, parameters)
        reader.expect(")")
        return f"({inner})"
    if reader.accepts("NOT"):
        return f"NOT {_condition(reader, joins, parameters)}"
    path = reader.word()
    sql, column = joins.resolve(path)
    operator = reader.next()[1].upper()
    if operator not in OPERATORS:
        raise malformed_query(f"unexpected token: '{operator}'")
    if operator == "NOT":
        reader.expect("IN")
        operator = "NOT IN"
    sql += COLLATIONS.get(column.field.kind, "")
    if operator in ("IN", "NOT IN"):
        return _membership(reader, sql, operator, column, parameters)
    return _comparison(sql, operator, _literal(reader, column), parameters)


def _membership(reader: _Reader, sql: str, operator: str, column: Column, parameters: list[Stored]) -> str:
    reader.expect("(")
    values = reader.list_of(lambda: _literal(reader, column))
    reader.expect(")")
    parameters += values
    return f"{sql} {operator} ({', '.join('?' * len(values))})"


def _comparison(sql: str, operator: str, value: Stored, parameters: list[Stored]) -> str:
    if value is None:
        return f"{sql} IS {'' if operator == '=' else 'NOT '}NULL"
    parameters.append(value)
    if operator in ("!=", "<>"):
        return f"({sql} IS NULL OR {sql} != ?)"
    return f"{sql} {operator} ?"


def _literal(reader: _Reader, column: Column) -> Stored:
    kind, text = reader.next()
    name = column.path[-1]
    value: Json = text
    if kind == "word" and text.lower() in ("true", "false", "null"):
        value = {"true": True, "false": False, "null": None}[text.lower()]
        kind = "null" if value is None else "boolean"
    if kind not in LITERALS:
        raise malformed_query(f"unexpected token: '{text}'")
    if column.field.kind not in LITERALS[kind]:
        message = f"value of filter criterion for field '{name}' must be of type {column.field.kind}"
        raise SalesforceError(400, "INVALID_FIELD", message)
    if kind == "text":
        value = ESCAPE.sub(lambda match: ESCAPED.get(match[1], match[1]), text[1:-1])
    if kind == "number":
        value = from_json(text.removeprefix("+"))
    return _stored_literal(column, name, value)


def _stored_literal(column: Column, name: str, value: Json) -> Stored:
    unlimited = SObject("", "", {name: Field(column.field.kind, length=100_000)})
    try:
        return stored(unlimited, name, value)
    except SalesforceError:
        if column.field.kind in ("id", "reference"):
            raise SalesforceError(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value}") from None
        raise malformed_query(f"unexpected value {value!r} for field '{name}'") from None


def _order(reader: _Reader, joins: _Joins) -> str:
    if not reader.accepts("ORDER"):
        return ""
    reader.expect("BY")
    return " ORDER BY " + ", ".join(reader.list_of(lambda: _sort_key(reader, joins)))


def _sort_key(reader: _Reader, joins: _Joins) -> str:
    sql, column = joins.resolve(reader.word())
    sql += COLLATIONS.get(column.field.kind, "")
    direction = "DESC" if reader.accepts("DESC") else "ASC"
    reader.accepts("ASC")
    nulls = "FIRST"
    if reader.accepts("NULLS") and not reader.accepts("FIRST"):
        reader.expect("LAST")
        nulls = "LAST"
    return f"{sql} {direction} NULLS {nulls}"


def _limit(reader: _Reader) -> str:
    if not reader.accepts("LIMIT"):
        return ""
    kind, text = reader.next()
    if kind != "number" or not text.isdigit():
        raise malformed_query(f"unexpected token: '{text}'")
    return f" LIMIT {text}"
