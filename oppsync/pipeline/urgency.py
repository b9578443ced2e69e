"""What decides about a deal when several of its effects failed at once."""

from __future__ import annotations

from oppsync.kernel.errors import (
    AmbiguousAnswer,
    BusinessError,
    HeldBack,
    LeaseLost,
    StillUnknown,
    StoreUnavailable,
    TransientError,
)

# The most urgent first: what says nothing about the deal, then what is tried again, then what a person has to
# mend.
_URGENCY = (LeaseLost, StoreUnavailable, AmbiguousAnswer, StillUnknown, HeldBack, TransientError, BusinessError)


def urgency(error: Exception) -> int:
    """The lower, the more urgent. A bug comes first of all."""
    return next((place for place, kind in enumerate(_URGENCY) if isinstance(error, kind)), -1)
