"""Check a connection's settings and secrets against the vendor's own model, when the adapter is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from oppsync.kernel.errors import Misconfigured

Model = TypeVar("Model", bound=BaseModel)


def checked(model: type[Model], vendor: str, what: str, values: Mapping[str, Any]) -> Model:
    """The settings or secrets as the vendor's model. `what` is "settings" or "secrets". Raises Misconfigured,
    which names the field and never a value."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in details)
        raise Misconfigured(f"{vendor}: the connection's {what} are wrong: {faults}") from None
