"""The error taxonomy. An error's base class says what happens next.

`TransientError`  comes back by itself after a backoff.
`BusinessError`   parks the opportunity as an exception item that a person fixes and replays.
`RequestRefused`  goes back to the person or program that asked; nothing was changed.
Anything else is a bug: it is dead-lettered and reported.
"""

from __future__ import annotations

from datetime import datetime, timedelta

LONGEST_MESSAGE = 1_800


class OppsyncError(Exception):
    """Base of every error this project raises on purpose; `code` is stable, `message` is for people.

    A message may quote the outside world, so it is shortened and NUL characters are removed: it can always be
    stored.
    """

    code = "ERROR"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message.replace("\x00", "")[:LONGEST_MESSAGE]
        self.code = code or type(self).code


# Comes back by itself.


class TransientError(OppsyncError):
    """Worth trying again. `retry_after` is the pause that the other side asked for, if it asked for one."""

    code = "TRANSIENT"

    def __init__(self, message: str, *, code: str | None = None, retry_after: timedelta | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class RateLimited(TransientError):
    """The vendor refused because of its rate limits; the request was not carried out."""

    code = "RATE_LIMITED"


class HeldBack(RateLimited):
    """We made no call: our own gate for the vendor, which keeps its limits, lets none through before
    `retry_after`."""

    code = "HELD_BACK"


class Paused(HeldBack):
    """A person paused the connection: nothing is called there until one resumes it."""

    code = "CONNECTION_PAUSED"


class VendorUnavailable(TransientError):
    """The request certainly never reached the vendor, or only read something."""

    code = "VENDOR_UNAVAILABLE"


# A look-up got no answer, for now: what is remembered may do.
NO_ANSWER = (VendorUnavailable, Paused)


class RecordBusy(VendorUnavailable):
    """The vendor answered, but something else holds the record to be written: nothing was written."""

    code = "RECORD_BUSY"


class AmbiguousAnswer(TransientError):
    """A write was sent and nobody knows whether it happened: look up before sending again."""

    code = "AMBIGUOUS_ANSWER"


class StillUnknown(TransientError):
    """An unknown effect waits out its quarantine until `not_before` (database clock)."""

    code = "STILL_UNKNOWN"

    def __init__(self, message: str, *, not_before: datetime) -> None:
        super().__init__(message)
        self.not_before = not_before


class LeaseLost(TransientError):
    """Another worker holds this opportunity now; what this one still does must not be recorded."""

    code = "LEASE_LOST"


class StoreUnavailable(TransientError):
    """Postgres cannot be reached."""

    code = "STORE_UNAVAILABLE"


class NewerRelease(TransientError):
    """The stored data was written by a later release. During a deploy that release's processes work it."""

    code = "NEWER_RELEASE"


# A person fixes it.


class BusinessError(OppsyncError):
    """Cannot succeed until a person changes something; its code gives the owner (`domain.values.findings`).

    `where` is the place of the fault, a JSON path or an offset, when there is one.
    """

    code = "BUSINESS_ERROR"
    where = ""

    @property
    def message_with_place(self) -> str:
        return f"{self.message} ({self.where})" if self.where else self.message


class VendorRejected(BusinessError):
    """The vendor understood the request and refused it."""

    code = "VENDOR_REJECTED"


class Misconfigured(BusinessError):
    """Credentials, permissions or a connection's settings are wrong."""

    code = "CONNECTION_MISCONFIGURED"


class RecordGone(BusinessError):
    """The record that a delivery names does not exist in the CRM."""

    code = "CRM_RECORD_GONE"


class ContentConflict(BusinessError):
    """Something exists outside under our key with other content than the plan's."""

    code = "CONTENT_CONFLICT"


class NotificationRefused(BusinessError):
    """The mail server refuses this message for good: there is no such mailbox, or it takes nothing from us."""

    code = "NOTIFICATION_REFUSED"


class UnreadableDelivery(BusinessError):
    """A signed delivery that cannot be read. `where` points into it: a JSON path or a byte offset."""

    code = "UNREADABLE_DELIVERY"

    def __init__(self, message: str, *, where: str) -> None:
        super().__init__(message)
        self.where = where


# A bug, on one side or the other.


class NeverLands(OppsyncError):
    """The vendor fails on this write each time, though it answers look-ups."""

    code = "BUG"


# Returned to whoever asked.


class RequestRefused(OppsyncError):
    """The request was understood and not carried out."""

    code = "REFUSED"


class NotFound(RequestRefused):
    code = "NOT_FOUND"


class Forbidden(RequestRefused):
    code = "FORBIDDEN"


class TooManyAttempts(RequestRefused):
    """Worth trying again after `wait_seconds`."""

    code = "TOO_MANY_ATTEMPTS"

    def __init__(self, message: str, *, wait_seconds: int, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.wait_seconds = wait_seconds


class Conflict(RequestRefused):
    """The state changed in the meantime; the message says how."""

    code = "CONFLICT"


class InvalidInput(RequestRefused):
    """`field` names the input at fault."""

    code = "INVALID_INPUT"

    def __init__(self, message: str, *, field: str, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.field = field


class SignatureRefused(RequestRefused):
    """A webhook's signature is missing, malformed, stale or wrong. Never says which secret."""

    code = "SIGNATURE_REFUSED"
