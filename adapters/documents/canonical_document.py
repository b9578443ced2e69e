"""A canonical opportunity written by a person or a program, as JSON or YAML: every fault with its line.

JSON is parsed as YAML. Scalars follow the YAML 1.2 core schema, but numbers keep every digit and dates stay
text, as in JSON; anchors and aliases are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.reading import FieldOfCrm, Location, read_typed
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import InvalidInput
from oppsync.kernel.json_pointer import pointer

LONGEST = 1_048_576  # characters
DEEPEST = 50  # lists and objects inside one another
_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d{0,99})(\.\d{1,99})?([eE][-+]?\d{1,3})?")
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_NULL, _BOOL, _INT, _FLOAT = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float"))
_TEXT = ("str", "timestamp", "value", "merge")


@dataclass(frozen=True)
class Fault:
    """One fault. `line` counts from 1; `pointer` is a JSON pointer, empty where the text cannot be read at
    all."""

    line: int
    pointer: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.pointer + ': ' if self.pointer else ''}{self.message}"


class UnreadableDocument(InvalidInput):
    """`faults`: everything that is wrong with the document, in the order of its lines."""

    code = "UNREADABLE_DOCUMENT"

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line))
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(
            f"This is not a canonical opportunity:\n{lines}", field=self.faults[0].pointer.lstrip("/")
        )


def read_opportunity(text: str) -> Opportunity:
    """Read a document; a value that somebody typed and no field takes is left to validation. Raises
    UnreadableDocument."""
    document, lines = read_document(text)
    try:
        if not isinstance(document, dict):
            return _strictly(document)
        return read_typed(document, _strictly, _field_at)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise UnreadableDocument(
            [Fault(_line(lines, fault["loc"]), pointer(fault["loc"]), fault["msg"]) for fault in faults]
        ) from None


def _strictly(document: Any) -> Opportunity:
    return Opportunity.model_validate_json(canonical_json.dumps(document), strict=True)


def _field_at(location: Location) -> FieldOfCrm:
    """Such as `the billing frequency`."""
    names = [step for step in location if isinstance(step, str)]
    return FieldOfCrm(f"the {names[-1].replace('_', ' ')}")


def read_document(text: str) -> tuple[Any, Mapping[str, int]]:
    """The JSON value, and the line of each place by its JSON pointer. Raises UnreadableDocument."""
    if len(text) > LONGEST:
        raise UnreadableDocument([Fault(1, "", f"longer than {LONGEST} characters")])
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.Composer = _BoundedComposer
        root = yaml.compose(_yaml_of(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise UnreadableDocument([Fault(mark.line + 1 if mark else 1, "", problem)]) from None
    except YAMLError as error:
        raise UnreadableDocument([Fault(1, "", str(error).splitlines()[0])]) from None
    if root is None:
        raise UnreadableDocument([Fault(1, "", "the document is empty")])
    reader = _Reader()
    document = reader.value(root, "")
    if reader.faults:
        raise UnreadableDocument(reader.faults)
    return document, reader.lines


class _BoundedComposer(Composer):
    """Refuses what is nested too deeply where it gets so: reading on would take minutes."""

    _depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        if self._depth > DEEPEST:
            line = self.parser.peek_event().start_mark.line + 1
            raise UnreadableDocument([Fault(line, "", "nested too deeply")])
        self._depth += 1
        node: Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _yaml_of(text: str) -> str:
    """Make JSON safe to parse as YAML: spaces for tabs, and escapes for what YAML would not take unescaped."""
    if not text.lstrip().startswith("{"):
        return text
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text.replace("\t", " "))


class _Reader:
    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.faults: list[Fault] = []

    def value(self, node: Node, at: str) -> Any:
        self.lines.setdefault(at, node.start_mark.line + 1)
        if node.anchor is not None:
            return self._refuse(node, at, "anchors and aliases are not supported: write the value out")
        if isinstance(node, MappingNode):
            return self._mapping(node, at)
        if isinstance(node, SequenceNode):
            return [self.value(each, at + pointer([index])) for index, each in enumerate(node.value)]
        return self._scalar(node, at) if isinstance(node, ScalarNode) else None

    def _mapping(self, node: MappingNode, at: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._refuse(key, at, "a name must be text")
                continue
            name = self._text(key, at)
            place = at + pointer([name])
            if name in found:
                self._refuse(key, place, "appears twice")
                continue
            self.lines[place] = key.start_mark.line + 1
            found[name] = self.value(value, place)
        return found

    def _scalar(self, node: ScalarNode, at: str) -> Any:
        tag, text = str(node.tag), str(node.value)
        if tag == _NULL:
            return None
        if tag == _BOOL:
            return text.lower() == "true"
        if tag in (_INT, _FLOAT) and _JSON_NUMBER.fullmatch(text):
            return int(text) if tag == _INT else Decimal(text)
        if tag in (_INT, _FLOAT) or tag.rpartition(":")[2] in _TEXT:
            return self._text(node, at)
        return self._refuse(node, at, f"the tag {tag} is not supported")

    def _text(self, node: ScalarNode, at: str) -> str:
        """Join pairs of escaped surrogates, which JSON writes for characters beyond 16 bits."""
        try:
            return str(node.value).encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            self._refuse(node, at, "half of a surrogate pair is not valid text")
            return ""

    def _refuse(self, node: Node, at: str, problem: str) -> None:
        self.faults.append(Fault(node.start_mark.line + 1, at, problem))


def _line(lines: Mapping[str, int], loc: tuple[int | str, ...]) -> int:
    """The line of the place, or of the nearest place around it that exists."""
    known = (lines.get(pointer(loc[:length])) for length in range(len(loc), -1, -1))
    return next((line for line in known if line is not None), 1)
