"""The shapes of `context` as messages of protocol buffers, by which the CEL library checks conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from google.protobuf import timestamp_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from oppsync.domain.policy.context import SHAPES, VARIABLES, Fact, FactType
from oppsync.domain.values.model import plain
from oppsync.domain.values.money import Money

MONEY = "Money"
_DAY = timestamp_pb2.DESCRIPTOR
_TEXT, _MESSAGE = FieldDescriptorProto.TYPE_STRING, FieldDescriptorProto.TYPE_MESSAGE
_SCALARS = {
    FactType.TEXT: _TEXT,
    FactType.TEXTS: _TEXT,
    FactType.NUMBER: FieldDescriptorProto.TYPE_DOUBLE,
    FactType.WHOLE: FieldDescriptorProto.TYPE_INT64,
    FactType.TRUTH: FieldDescriptorProto.TYPE_BOOL,
}
_MESSAGES = {FactType.MONEY: f".{MONEY}", FactType.DAY: ".google.protobuf.Timestamp"}
_MANY = frozenset({FactType.TEXTS, FactType.TEXT_BY_NAME})
# Written in full, a number with a large exponent fills the memory.
_MOST = Decimal(10) ** 30


class BadFact(ValueError):
    """A value that is no fact: `at` are the names on the way to it."""

    def __init__(self, at: Sequence[object], problem: str, fix: str = "") -> None:
        super().__init__(problem)
        self.at, self.problem, self.fix = tuple(at), problem, fix


class Messages(NamedTuple):
    pool: DescriptorPool
    classes: Mapping[str, Any]


@cache
def messages() -> Messages:
    file = FileDescriptorProto(name="facts.proto", syntax="proto2", dependency=[_DAY.name])
    money = file.message_type.add(name=MONEY)
    for number, name in enumerate(("figure", "currency"), 1):
        money.field.add(name=name, number=number, type=_TEXT, label=FieldDescriptorProto.LABEL_OPTIONAL)
    for shape, facts in SHAPES.items():
        message = file.message_type.add(name=shape)
        for number, each in enumerate(facts, 1):
            _declare(message, each, number)
    pool = DescriptorPool()
    pool.AddSerializedFile(_DAY.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    names = (MONEY, *SHAPES)
    return Messages(pool, {name: GetMessageClass(pool.FindMessageTypeByName(name)) for name in names})


def _declare(message: DescriptorProto, each: Fact, number: int) -> None:
    many = FieldDescriptorProto.LABEL_REPEATED if each.type in _MANY else FieldDescriptorProto.LABEL_OPTIONAL
    field = message.field.add(name=each.name, number=number, label=many)
    if each.type in _SCALARS:
        field.type = _SCALARS[each.type]
        return
    field.type = _MESSAGE
    if each.type in _MESSAGES:
        field.type_name = _MESSAGES[each.type]
        return
    entry = message.nested_type.add(name=f"{each.name.capitalize()}Entry")
    entry.options.map_entry = True
    for at, name in enumerate(("key", "value"), 1):
        entry.field.add(name=name, number=at, type=_TEXT, label=FieldDescriptorProto.LABEL_OPTIONAL)
    field.type_name = f".{message.name}.{entry.name}"


def money_message(figure: Decimal, currency: str) -> Any:
    """Equal amounts are equal messages: the figure has no needless zeros."""
    return messages().classes[MONEY](figure=plain(figure), currency=currency)


def figure_of(money: Any) -> Decimal:
    return Decimal(money.figure or "0")


def facts_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of these values as the library takes them. What is None is missing. Raises BadFact."""
    found = {}
    for name, value in values.items():
        variable = VARIABLES[name]
        if variable.many:
            found[name] = [_message(variable.shape, each, (name, at)) for at, each in enumerate(value)]
        else:
            found[name] = _message(variable.shape, value, (name,))
    return found


def _message(shape: str, values: Mapping[str, Any], at: Sequence[object]) -> Any:
    message = messages().classes[shape]()
    for each, value in _stated(shape, values):
        try:
            _put(message, each, value)
        except (ArithmeticError, AttributeError, TypeError, ValueError):
            raise BadFact((*at, each.name), f"{value!r} is no {each.type}") from None
    return message


def _stated(shape: str, values: Mapping[str, Any]) -> Iterator[tuple[Fact, Any]]:
    for each in SHAPES[shape]:
        if values.get(each.name) is not None:
            yield each, values[each.name]


def _put(message: Any, each: Fact, value: Any) -> None:
    match each.type:
        case FactType.MONEY:
            getattr(message, each.name).CopyFrom(_as_money(value))
        case FactType.DAY:
            day = date.fromisoformat(value) if isinstance(value, str) else value
            getattr(message, each.name).FromDatetime(datetime.combine(day, time.min, UTC))
        case FactType.NUMBER:
            setattr(message, each.name, float(_number(value)))
        case FactType.TEXTS:
            getattr(message, each.name).extend(value)
        case FactType.TEXT_BY_NAME:
            getattr(message, each.name).update(value)
        case FactType.TRUTH if not isinstance(value, bool):
            raise TypeError
        case _:
            setattr(message, each.name, value)


def _as_money(value: Any) -> Any:
    """Money, or a number without a currency, or `120000.50 USD`."""
    if isinstance(value, Money):
        return money_message(value.amount, value.currency)
    figure, _, currency = value.partition(" ") if isinstance(value, str) else (value, "", "")
    return money_message(_number(figure), currency.strip())


def _number(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise TypeError
    number = Decimal(value)
    if not number.is_finite() or abs(number) >= _MOST:
        raise ValueError
    return number
