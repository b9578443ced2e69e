"""How much an evaluation of a condition looks at, known before it begins: the library cannot be stopped, and
nothing else goes on in the process while it evaluates.

A step is one node of the condition's tree looked at once. How often that is depends on how many items the lists
of a deal have, and how long its texts are, so the steps of a condition are a sum of products of these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, NamedTuple

from oppsync.domain.policy.trees import Tree, all_of, below, fact_of

# Steps of one evaluation, which take some tenths of a second, and of all for one deal or for one bundle's
# examples, which take some seconds: other threads go on after each evaluation.
MOST_AT_ONCE = 5_000_000
MOST = 50_000_000
# A text is copied wherever a condition asks for it: so many bytes take as long as a step.
_BYTES = 16
_SEARCHED = 12
_LIST, _EQUAL = "lines", ("_==_", "_!=_", "@in")
_QUICK = ("size", "startsWith", "endsWith", "contains")
# Steps of a function that reads a day.
_SLOW = 40


class Refused(NamedTuple):
    problem: str
    fix: str


class Size(NamedTuple):
    """How many items a fact has, or how long its texts are."""

    fact: str
    of_text: bool = False


Effort = Mapping[tuple[Size, ...], int]


class Work:
    """What evaluations for one deal, or of one bundle's examples, have looked at together."""

    def __init__(self) -> None:
        self.steps = 0


def refused(tree: Tree) -> Refused | None:
    """What would take too long for any deal."""
    for node in all_of(tree.root):
        if node.struct_expr.message_name:
            return Refused(f"it makes a `{node.struct_expr.message_name}`", "Ask for facts of the deal instead")
        if node.call_expr.function in _EQUAL and any(_is_whole(tree, each) for each in node.call_expr.args):
            return Refused("it compares more than single facts", "Compare facts, such as `lines[0].net > 0`")
        if node.WhichOneof("kind") == "comprehension_expr":
            loop = node.comprehension_expr
            for each in (loop.loop_condition, loop.loop_step):
                if any(part.WhichOneof("kind") == "comprehension_expr" for part in all_of(each)):
                    return Refused("it has one list inside another", "Ask for one list after the other")
    return None


def _is_whole(tree: Tree, node: Any) -> bool:
    """Whether it is a line, a deal or a list of such, or may be."""
    return _has_message(tree.type_of(node))


def _has_message(kind: Any) -> bool:
    if kind.HasField("list_type"):
        return _has_message(kind.list_type.elem_type)
    if kind.HasField("map_type"):
        return _has_message(kind.map_type.key_type) or _has_message(kind.map_type.value_type)
    return bool(kind.message_type) or kind.HasField("dyn")


def effort_of(tree: Tree) -> Effort:
    counted = _Counted(tree)
    counted.add(tree.root, (), 1, {})
    return counted.steps


def steps_of(effort: Effort, facts: Mapping[str, Any]) -> int:
    """How many it takes for these facts, at most."""
    sizes = {size: _size(size, facts) for size in {each for product in effort for each in product}}
    return sum(times * prod(sizes[each] for each in product) for product, times in effort.items())


class _Counted:
    """Counts the steps of a tree. `around`: the loops that a node is in; `bound`: what their variables stand
    for."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.steps: Counter[tuple[Size, ...]] = Counter()

    def add(self, node: Any, around: tuple[Size, ...], times: int, bound: Mapping[str, Any]) -> None:
        self._text(node, around, times, bound)
        if node.WhichOneof("kind") == "comprehension_expr":
            self._loop(node.comprehension_expr, around, times, bound)
            return
        function = node.call_expr.function
        is_slow = function[:1].isalpha() and function not in _QUICK
        self.steps[around] += times * (_SLOW if is_slow else 1)
        if function in _EQUAL:
            self._compared(node, around, times, bound)
        if function == "contains":
            for size in self._texts(node.call_expr.target, bound):
                self.steps[*around, size] += times * _SEARCHED
        for each in below(node):
            self.add(each, around, times, bound)

    def _loop(self, loop: Any, around: tuple[Size, ...], times: int, bound: Mapping[str, Any]) -> None:
        for each in (loop.iter_range, loop.accu_init, loop.result):
            self.add(each, around, times, bound)
        inside = {**bound, loop.iter_var: loop.iter_range}
        items, facts = self._items(loop.iter_range, bound)
        for each in (loop.loop_condition, loop.loop_step):
            if items:
                self.add(each, around, times * items, inside)
            for fact in facts:
                self.add(each, (*around, Size(fact)), times, inside)

    def _text(self, node: Any, around: tuple[Size, ...], times: int, bound: Mapping[str, Any]) -> None:
        if not self._tree.is_text(node):
            return
        fact = fact_of(self._tree, node)
        named = node.WhichOneof("kind") in ("ident_expr", "select_expr") or node.call_expr.function == "_[_]"
        for each in (fact,) if fact else self._items(node, bound)[1] if named else ():
            self.steps[*around, Size(each, of_text=True)] += times

    def _compared(self, node: Any, around: tuple[Size, ...], times: int, bound: Mapping[str, Any]) -> None:
        function, args = node.call_expr.function, node.call_expr.args
        for each in args[1:] if function == "@in" else args:
            kind = self._tree.type_of(each)
            if not (kind.HasField("list_type") or (kind.HasField("map_type") and function != "@in")):
                continue
            items, facts = self._items(each, bound)
            self.steps[around] += times * items
            for fact in facts:
                self.steps[*around, Size(fact)] += times
                self.steps[*around, Size(fact), Size(fact, of_text=True)] += times

    def _items(self, node: Any, bound: Mapping[str, Any]) -> tuple[int, list[str]]:
        """How many items a list has at most: those written out, and the facts that are lists."""
        items, facts = 0, list[str]()
        for each in all_of(node):
            kind = self._tree.type_of(each)
            items += len(each.list_expr.elements) + len(each.struct_expr.entries)
            is_list = kind.HasField("list_type") or kind.HasField("map_type")
            if (name := each.ident_expr.name) in bound:
                if not (is_list or self._tree.is_text(each)):
                    continue
                outside = {other: range_ for other, range_ in bound.items() if other != name}
                more, further = self._items(bound[name], outside)
                items, facts = items + more, facts + further
            elif name == _LIST:
                facts.append(_LIST)
            elif is_list:
                facts += [fact] if (fact := fact_of(self._tree, each)) else []
        return items, facts

    def _texts(self, node: Any, bound: Mapping[str, Any]) -> Iterator[Size]:
        for each in all_of(node):
            if self._tree.is_text(each):
                fact = fact_of(self._tree, each)
                for name in (fact,) if fact else self._items(each, bound)[1]:
                    yield Size(name, of_text=True)


def _size(size: Size, facts: Mapping[str, Any]) -> int:
    shape, _, field = size.fact.partition(".")
    if not field:
        return 0 if size.of_text else len(facts.get(_LIST, ()))
    messages = [facts[shape.lower()]] if shape.lower() in facts else facts.get(f"{shape.lower()}s", ())
    values = [getattr(each, field) for each in messages]
    if not size.of_text:
        return max(map(len, values), default=0)
    return max(map(_longest, values), default=0) // _BYTES


def _longest(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Mapping):
        return max((len(key.encode()) + len(text.encode()) for key, text in value.items()), default=0)
    return max((len(text.encode()) for text in value), default=0)
