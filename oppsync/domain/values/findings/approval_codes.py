"""Codes of planning and approval."""

from __future__ import annotations

from oppsync.domain.values.findings.finding import CodeText, OwnerRole, code_text

APPROVAL_CODES: dict[str, CodeText] = {
    "NO_APPROVER": code_text(
        "Nobody may approve this plan",
        OwnerRole.OPERATIONS,
        "Give the role to a person who does not own this opportunity, then replay.",
    ),
    "APPROVAL_LOST": code_text(
        "Projects exist in the ERP, but nothing here says that they were approved",
        OwnerRole.OPERATIONS,
        "After a restored backup the plan has to be approved once more: the projects are then taken over where "
        "they equal it, never created again. Ask the approvers, or decide in the ERP; then dismiss this item.",
    ),
    "LOST_AFTER_APPROVAL": code_text(
        "The deal was lost after its projects were created",
        OwnerRole.DELIVERY,
        "Decide what becomes of the projects in the ERP, then dismiss this item with what was decided.",
    ),
}
