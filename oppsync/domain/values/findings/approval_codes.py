"""Codes of planning and approval."""

from __future__ import annotations

from oppsync.domain.values.findings.finding import CodeText, OwnerRole, code_text

APPROVAL_CODES: dict[str, CodeText] = {
    "NO_APPROVER": code_text(
        "No active user may approve this plan",
        OwnerRole.OPERATIONS,
        "Give the role to an active user who never owned or requested this opportunity and did not change its "
        "plan. Where somebody is named who stands in for who did, name another delegate or nobody: end the "
        "absence and enter it anew. Then replay.",
    ),
    "CHANGES_REQUESTED": code_text(
        "An approver asks for changes",
        OwnerRole.SALES,
        "Change the deal in the CRM as the approver asks: it is planned anew by itself, and everybody approves "
        "the new plan. Where nothing is to change, replay: everybody is asked again.",
    ),
    "APPROVAL_EXPIRED": code_text(
        "Nobody decided an approval in time",
        OwnerRole.OPERATIONS,
        "Find out why nobody decided, and enter who is out of office. Then replay: whoever may decide now is "
        "asked anew, and approvals that were given stand.",
    ),
    "APPROVAL_LOST": code_text(
        "Projects exist in the ERP, but no approval of them is recorded",
        OwnerRole.OPERATIONS,
        "After a restored backup the plan has to be approved again. Projects that equal it are then kept, "
        "and none is created twice. Ask the approvers, or settle it in the ERP; then dismiss this item.",
    ),
    "PLAN_TAMPERED": code_text(
        "The stored plan is not the one that was approved",
        OwnerRole.OPERATIONS,
        "Find out who changed the database: nothing is created by it. Then replay: the deal is planned "
        "anew, and everybody approves again.",
    ),
    "APPROVAL_FORGED": code_text(
        "A recorded decision was changed",
        OwnerRole.OPERATIONS,
        "Find out who changed the database: nothing is created by it. Then replay: the deal is planned "
        "anew, and everybody approves again.",
    ),
    "LOST_AFTER_APPROVAL": code_text(
        "The deal was lost after its projects were created",
        OwnerRole.DELIVERY,
        "Decide in the ERP what to do with the projects, then dismiss this item and give the decision as the "
        "reason. Won again in the CRM, the deal closes it by itself.",
    ),
    "CHANGED_AFTER_APPROVAL": code_text(
        "The deal changed in the CRM after its plan was approved",
        OwnerRole.DELIVERY,
        "The ERP has the approved values. Agree with sales which hold. Change the projects in the ERP by hand, "
        "then dismiss this item and give the decision as the reason; or have the change undone in the CRM, and "
        "this item closes by itself.",
    ),
}
