"""The arithmetic beside a figure, computed in plain Decimal without any code of the product.

`100 * 160 * (100 - 10) / 100`; `floor(x, digits)` cuts, `even(x, digits)` rounds half to even, `days(a, b)`
counts both days (`days("2026-01-15", "2026-01-31")` is 17).
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from datetime import date
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, localcontext

_OPERATORS: Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def worked_out(text: str) -> Decimal:
    """Raises ValueError for anything but the arithmetic above."""
    with localcontext() as context:
        context.prec = 60
        return _value(ast.parse(text, mode="eval").body, text)


def _value(node: ast.expr, text: str) -> Decimal:
    if isinstance(node, ast.Constant):
        return Decimal(ast.get_source_segment(text, node) or "")
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left, text), _value(node.right, text))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _called(node.func.id, node.args, text)
    raise ValueError(f"not plain arithmetic: {ast.get_source_segment(text, node)}")


def _called(name: str, arguments: list[ast.expr], text: str) -> Decimal:
    if name == "days":
        first, last = (date.fromisoformat(ast.literal_eval(each)) for each in arguments)
        return Decimal((last - first).days + 1)
    if name in ("floor", "even"):
        value, digits = (_value(each, text) for each in arguments)
        how = ROUND_FLOOR if name == "floor" else ROUND_HALF_EVEN
        return value.quantize(Decimal(1).scaleb(-int(digits)), how)
    raise ValueError(f"{name} is not known here")
