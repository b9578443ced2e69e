"""Conditions as the trees that the library makes of them: what stands in which place, and of which type.

The library hands a compiled condition out as a message of `cel.expr`, whose fields are declared here as far as
they are read. What is not declared stays in the message as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_PACKAGE = "cel.expr"
_TYPE_NAMES = {
    "int64": FieldDescriptorProto.TYPE_INT64,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "string": FieldDescriptorProto.TYPE_STRING,
}
# Message -> its fields: name, number, type. `*` before a type: many of them.
_MESSAGES = {
    "Type": (
        ("dyn", 1, "Nothing"),
        ("primitive", 3, "int32"),
        ("well_known", 5, "int32"),
        ("list_type", 6, "ListType"),
        ("map_type", 7, "MapType"),
        ("message_type", 9, "string"),
    ),
    "ListType": (("elem_type", 1, "Type"),),
    "MapType": (("key_type", 1, "Type"), ("value_type", 2, "Type")),
    "Nothing": (),
    "Constant": (("int64_value", 3, "int64"), ("double_value", 5, "double")),
    "Ident": (("name", 1, "string"),),
    "Select": (("operand", 1, "Expr"), ("field", 2, "string"), ("test_only", 3, "bool")),
    "Call": (("target", 1, "Expr"), ("function", 2, "string"), ("args", 3, "*Expr")),
    "CreateList": (("elements", 1, "*Expr"),),
    "Entry": (("map_key", 3, "Expr"), ("value", 4, "Expr")),
    "CreateStruct": (("message_name", 1, "string"), ("entries", 2, "*Entry")),
    "Comprehension": (
        ("iter_var", 1, "string"),
        ("iter_range", 2, "Expr"),
        ("accu_var", 3, "string"),
        ("accu_init", 4, "Expr"),
        ("loop_condition", 5, "Expr"),
        ("loop_step", 6, "Expr"),
        ("result", 7, "Expr"),
    ),
    "Expr": (
        ("id", 2, "int64"),
        ("const_expr", 3, "Constant"),
        ("ident_expr", 4, "Ident"),
        ("select_expr", 5, "Select"),
        ("call_expr", 6, "Call"),
        ("list_expr", 7, "CreateList"),
        ("struct_expr", 8, "CreateStruct"),
        ("comprehension_expr", 9, "Comprehension"),
    ),
    "Reference": (("overload_id", 3, "*string"),),
    "ReferenceEntry": (("key", 1, "int64"), ("value", 2, "Reference")),
    "PositionEntry": (("key", 1, "int64"), ("value", 2, "int32")),
    "SourceInfo": (("positions", 4, "*PositionEntry"),),
    "TypeEntry": (("key", 1, "int64"), ("value", 2, "Type")),
    "CheckedExpr": (
        ("reference_map", 2, "*ReferenceEntry"),
        ("type_map", 3, "*TypeEntry"),
        ("expr", 4, "Expr"),
        ("source_info", 5, "SourceInfo"),
    ),
}
_TEXT = 5
# Messages of which one field is there, besides the `id`.
_ONE_OF = ("Expr", "Constant")
# The item that is asked for in place of a fact that is not known: no list is so long.
UNKNOWN_ITEM = 987_654_321


class Tree(NamedTuple):
    """A condition. `types`: of each of its nodes by number."""

    root: Any
    types: dict[int, Any]

    def type_of(self, node: Any) -> Any:
        return self.types.get(node.id, _class("Type")())

    def is_text(self, node: Any) -> bool:
        return bool(self.type_of(node).primitive == _TEXT)


def tree_of(expression: Any) -> Tree:
    return _tree(_checked(expression))


def _tree(checked: Any) -> Tree:
    return Tree(checked.expr, {each.key: each.value for each in checked.type_map})


def below(node: Any) -> Iterator[Any]:
    """The nodes of which this one is made."""
    match node.WhichOneof("kind"):
        case "select_expr":
            yield node.select_expr.operand
        case "call_expr":
            if node.call_expr.HasField("target"):
                yield node.call_expr.target
            yield from node.call_expr.args
        case "list_expr":
            yield from node.list_expr.elements
        case "struct_expr":
            for entry in node.struct_expr.entries:
                yield from (each for each in (entry.map_key, entry.value) if each.WhichOneof("kind"))
        case "comprehension_expr":
            loop = node.comprehension_expr
            yield from (loop.iter_range, loop.accu_init, loop.loop_condition, loop.loop_step, loop.result)


def all_of(node: Any) -> Iterator[Any]:
    yield node
    for each in below(node):
        yield from all_of(each)


def fact_of(tree: Tree, node: Any) -> str:
    """Such as `Deal.name`; empty where the node is no fact of a deal, or only asks whether it is there."""
    select = node.select_expr
    if node.WhichOneof("kind") != "select_expr" or select.test_only:
        return ""
    shape = tree.type_of(select.operand).message_type
    return f"{shape}.{select.field}" if shape else ""


def asked_for(expression: Any, facts: Collection[str]) -> Iterator[tuple[int, str]]:
    """The places in its text where it asks for the value of any of these facts, each with the fact."""
    checked = _checked(expression)
    tree, places = _tree(checked), {each.key: each.value for each in checked.source_info.positions}
    for node in all_of(tree.root):
        if (fact := fact_of(tree, node)) in facts:
            yield places.get(node.select_expr.operand.id, 0), fact


def with_unknown(expression: Any, facts: Collection[str]) -> bytes:
    """The condition with an item that no list has in place of these facts: it cannot be evaluated where their
    values are needed. Where `has(…)` or another side of `||` decides, they are not."""
    checked = _checked(expression)
    tree = _tree(checked)
    numbers = count(max(tree.types) + 1)
    for node in [each for each in all_of(checked.expr) if fact_of(tree, each) in facts]:
        call = node.call_expr
        call.function = "_[_]"
        items, item = call.args.add(id=next(numbers)), call.args.add(id=next(numbers))
        items.list_expr.elements.add(id=next(numbers)).const_expr.double_value = 0
        item.const_expr.int64_value = UNKNOWN_ITEM
        checked.reference_map.add(key=node.id).value.overload_id.append("index_list")
    packed = Packed()
    packed.Pack(checked)
    return bytes(packed.SerializeToString())


def _checked(expression: Any) -> Any:
    packed = Packed.FromString(expression.serialize())
    checked = _class("CheckedExpr")()
    packed.Unpack(checked)
    return checked


@cache
def _class(name: str) -> Any:
    return GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


@cache
def _pool() -> DescriptorPool:
    file = FileDescriptorProto(name="trees.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if name in _ONE_OF:
            message.oneof_decl.add(name="kind")
        for field_name, number, type_name in fields:
            field = message.field.add(name=field_name, number=number)
            many = type_name.startswith("*")
            field.label = FieldDescriptorProto.LABEL_REPEATED if many else FieldDescriptorProto.LABEL_OPTIONAL
            _typed(field, type_name.removeprefix("*"))
            if name in _ONE_OF and field_name != "id":
                field.oneof_index = 0
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _typed(field: Any, type_name: str) -> None:
    if type_name in _TYPE_NAMES:
        field.type = _TYPE_NAMES[type_name]
    else:
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{type_name}"
