"""Findings and exception codes: what is wrong, who owns it, what to do. One row a code.

A table test holds every row to its text; `docs/runbook.md` has an entry for each.
"""

from __future__ import annotations

from oppsync.domain.values.findings.approval_codes import APPROVAL_CODES
from oppsync.domain.values.findings.dead_letter_codes import DEAD_LETTER_CODES
from oppsync.domain.values.findings.enrichment_codes import ENRICHMENT_CODES
from oppsync.domain.values.findings.finding import CodeText, Finding, Severity
from oppsync.domain.values.findings.outside_codes import OUTSIDE_CODES
from oppsync.domain.values.findings.reference_codes import REFERENCE_CODES
from oppsync.domain.values.findings.validation_codes import VALIDATION_CODES

# Texts of a CRM can be long; a finding quotes as much as a stored text can hold.
_LONGEST = 2_000


CODES: dict[str, CodeText] = {
    **VALIDATION_CODES,
    **ENRICHMENT_CODES,
    **REFERENCE_CODES,
    **APPROVAL_CODES,
    **OUTSIDE_CODES,
    **DEAD_LETTER_CODES,
}


def finding(
    code: str,
    message: str,
    *,
    path: str = "",
    value: object = "",
    fix: str = "",
    severity: Severity | None = None,
) -> Finding:
    """A finding with its code's owner; the code's own advice and severity apply unless others are given."""
    text = CODES[code]
    return Finding(
        code=code,
        severity=severity or text.severity,
        path=path,
        value=str(value)[:_LONGEST],
        message=message[:_LONGEST],
        fix=fix or text.fix,
        owner=text.owner,
    )
