"""What a refusal answers."""

from __future__ import annotations

from oppsync.domain.values.model import Frozen


class FieldProblem(Frozen):
    """`pointer` is a JSON pointer into the body, or `/<name>` of a parameter. Of a configuration's file also
    the file, the line (from 1; 0 is the whole file) and the field in it."""

    pointer: str
    code: str
    message: str
    fix: str
    file: str | None = None
    line: int | None = None
    field: str | None = None


class ProblemDocument(Frozen):
    """RFC 9457. `code` is stable, `detail` is for people; `trace_id` finds the request in the logs."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    trace_id: str
    errors: tuple[FieldProblem, ...] = ()
