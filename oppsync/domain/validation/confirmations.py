"""What looks wrong and may be right: a finding that holds the deal until a person confirms it, with a reason.

A confirmation is of one value. Where that changes, the finding is another one, and is asked about again.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import AwareDatetime

from oppsync.domain.values.actor import actor_name
from oppsync.domain.values.findings.finding import Finding, Severity, blocking
from oppsync.domain.values.model import Code, Frozen, Text, changed

CONFIRMABLE = frozenset({"START_BEFORE_WON"})
_LONGEST = 2_000


class Confirmation(Frozen):
    """`code`, `path` and `value` are those of the finding; `by` is an actor (`oppsync.domain.values.actor`)."""

    code: Code
    path: Text
    value: Text
    reason: Text
    by: Code
    at: AwareDatetime


def confirmable(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(found for found in blocking(findings) if found.code in CONFIRMABLE)


def with_confirmations(
    findings: Iterable[Finding], confirmations: Iterable[Confirmation]
) -> tuple[Finding, ...]:
    """A finding that a person confirmed only warns, and says so to whoever approves the plan."""
    of_finding = {(each.code, each.path, each.value): each for each in confirmations}
    return tuple(
        _confirmed(found, of_finding[_key(found)]) if _key(found) in of_finding else found for found in findings
    )


def _key(found: Finding) -> tuple[str, str, str]:
    return found.code, found.path, found.value


def _confirmed(found: Finding, confirmation: Confirmation) -> Finding:
    said = f"Confirmed by {actor_name(confirmation.by)} on {confirmation.at:%Y-%m-%d}: {confirmation.reason}"
    return changed(
        found,
        severity=Severity.WARNS,
        message=f"{found.message}. {said}"[:_LONGEST],
        fix="Nothing, if you agree with the reason.",
    )
