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

_DAY = timestamp_pb2.DESCRIPTOR
_TEXT, _MESSAGE = FieldDescriptorProto.TYPE_STRING, FieldDescriptorProto.TYPE_MESSAGE
_SCALARS = {
    FactType.TEXT: _TEXT,
    FactType.TEXTS: _TEXT,
    FactType.NUMBER: FieldDescriptorProto.TYPE_DOUBLE,
    FactType.AMOUNT: FieldDescriptorProto.TYPE_DOUBLE,
    FactType.WHOLE: FieldDescriptorProto.TYPE_INT64,
    FactType.TRUTH: FieldDescriptorProto.TYPE_BOOL,
}
_MANY = frozenset({FactType.TEXTS, FactType.TEXT_BY_NAME})
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
    for shape, facts in SHAPES.items():
        message = file.message_type.add(name=shape)
        for number, each in enumerate(facts, 1):
            _declare(message, each, number)
    pool = DescriptorPool()
    pool.AddSerializedFile(_DAY.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return Messages(pool, {name: GetMessageClass(pool.FindMessageTypeByName(name)) for name in SHAPES})


def _declare(message: DescriptorProto, each: Fact, number: int) -> None:
    many = FieldDescriptorProto.LABEL_REPEATED if each.type in _MANY else FieldDescriptorProto.LABEL_OPTIONAL
    field = message.field.add(name=each.name, number=number, label=many)
    if each.type in _SCALARS:
        field.type = _SCALARS[each.type]
        return
    field.type = _MESSAGE
    if each.type is FactType.DAY:
        field.type_name = ".google.protobuf.Timestamp"
        return
    entry = message.nested_type.add(name=f"{each.name.capitalize()}Entry")
    entry.options.map_entry = True
    for at, name in enumerate(("key", "value"), 1):
        entry.field.add(name=name, number=at, type=_TEXT, label=FieldDescriptorProto.LABEL_OPTIONAL)
    field.type_name = f".{message.name}.{entry.name}"


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
        except BadFact as error:
            raise BadFact((*at, each.name), error.problem) from None
        except (ArithmeticError, AttributeError, TypeError, ValueError):
            shown = repr(value) if isinstance(value, str) else str(value)
            raise BadFact((*at, each.name), f"{shown} is no {each.type}") from None
    return message


def _stated(shape: str, values: Mapping[str, Any]) -> Iterator[tuple[Fact, Any]]:
    for each in SHAPES[shape]:
        if values.get(each.name) is not None:
            yield each, values[each.name]


def _put(message: Any, each: Fact, value: Any) -> None:
    match each.type:
        case FactType.AMOUNT:
            setattr(message, each.name, _exact(_number(value)))
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


def _exact(amount: Decimal) -> float:
    """The float by which the amount compares as it does itself: that is sure for up to fifteen digits."""
    found = float(amount)
    if Decimal(repr(found)) != amount:
        raise BadFact((), f"{plain(amount)} has more digits than can be compared")
    return found


def _number(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise TypeError
    number = Decimal(value)
    if not number.is_finite() or abs(number) >= _MOST:
        raise ValueError
    return number
