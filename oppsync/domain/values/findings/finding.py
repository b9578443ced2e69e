"""A finding: one thing wrong with a deal, and who has to act on it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from oppsync.domain.values.model import Code, Frozen, Text


class OwnerRole(StrEnum):
    """Who has to act on an exception."""

    SALES = "sales"
    FINANCE = "finance"
    DELIVERY = "delivery"
    INTEGRATION = "integration"
    OPERATIONS = "operations"


class Severity(StrEnum):
    BLOCKS = "blocks"  # parks the deal until somebody acts
    WARNS = "warns"  # the deal goes on; whoever approves its plan is shown it


class Finding(Frozen):
    """One thing wrong with a deal. `path` points into the canonical opportunity (JSON pointer)."""

    code: Code
    severity: Severity = Severity.BLOCKS
    path: Text = ""
    value: Text = ""
    message: Text
    fix: Text
    owner: OwnerRole


class CodeText(Frozen):
    """What an operator reads about a code: its title, its owner, and what to do when a finding gives no
    advice."""

    title: Text
    owner: OwnerRole
    fix: Text
    severity: Severity = Severity.BLOCKS


def blocking(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(found for found in findings if found.severity is Severity.BLOCKS)


def warnings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(found for found in findings if found.severity is Severity.WARNS)


def code_text(title: str, owner: OwnerRole, fix: str, severity: Severity = Severity.BLOCKS) -> CodeText:
    return CodeText(title=title, owner=owner, fix=fix, severity=severity)
