"""Codes of outside systems."""

from __future__ import annotations

from oppsync.domain.values.findings.finding import CodeText, OwnerRole, code_text

OUTSIDE_CODES: dict[str, CodeText] = {
    "VENDOR_REJECTED": code_text(
        "An outside system rejected our request",
        OwnerRole.INTEGRATION,
        "Read its answer in the message, correct the data or the connection, then replay.",
    ),
    "CONNECTION_MISCONFIGURED": code_text(
        "A connection's credentials or settings do not work",
        OwnerRole.INTEGRATION,
        "Correct the connection's credentials or permissions, then replay.",
    ),
    "CRM_RECORD_GONE": code_text(
        "The CRM no longer has this opportunity",
        OwnerRole.SALES,
        "Restore it in the CRM: the deal goes on by itself. Or dismiss this item: a deal of which nothing was "
        "created is then withdrawn.",
    ),
    "CONTENT_CONFLICT": code_text(
        "An external record under our idempotency key differs from the plan",
        OwnerRole.OPERATIONS,
        "Compare the external record with the plan and correct the record so that it equals the plan, then "
        "replay; a cancelled invoice is made a draft first. Of a closed record that cannot be corrected "
        "take our key away: another one is created then. What was posted stays as it is: correct the deal "
        "to what was posted and plan it anew, or give it up and credit what was posted.",
    ),
    "DESTINATION_CHANGED": code_text(
        "Its projects exist in another system, or company of the ERP, than the one that the deal goes to now",
        OwnerRole.OPERATIONS,
        "Correct the deal or the connections' routing, then replay; or give the deal up, which closes what "
        "exists, and save it in the CRM: it is planned anew.",
    ),
    "LOST_WHILE_PLANNED_ANEW": code_text(
        "The deal is no longer won, and some of its projects exist",
        OwnerRole.OPERATIONS,
        "Give it up: what exists is closed. Won again, it goes on by itself.",
    ),
    "REJECTED_AFTER_CREATION": code_text(
        "The new plan was rejected, and some of the old plan's projects exist",
        OwnerRole.OPERATIONS,
        "Correct what the approver objected to, then replay: it is planned and asked for again. Or give the "
        "deal up: what exists is closed.",
    ),
    "UNREADABLE_DELIVERY": code_text(
        "A signed delivery cannot be read",
        OwnerRole.INTEGRATION,
        "Correct what the CRM sends; the delivery is kept and can be replayed.",
    ),
    "DELIVERY_ID_REUSED": code_text(
        "A delivery has the id of an earlier one and another content",
        OwnerRole.INTEGRATION,
        "Correct the sender: an id belongs to one content, and only attempts to send that again share it. "
        "Nothing was lost: both were read. Then dismiss this item. If nobody of yours sent it, replace the "
        "connection's secret.",
    ),
    "NOTIFICATION_REFUSED": code_text(
        "A notification cannot be delivered",
        OwnerRole.OPERATIONS,
        "Correct the person's address or mailbox, then replay: it is sent again. The deal goes on waiting for "
        "people meanwhile; everybody else was notified.",
    ),
    "POLL_REFUSED": code_text(
        "The CRM rejects polling",
        OwnerRole.INTEGRATION,
        "Correct the connection: its settings, its secrets, or what its user may read. Then replay, and the "
        "CRM is polled at once. Webhooks still work; changes that arrive without one are found late.",
    ),
    "MASTER_DATA_ENDED": code_text(
        "Something that is in use ended in the ERP, or is not there",
        OwnerRole.INTEGRATION,
        "Create or open it in the ERP, or have the configuration and the open deals name another one. Replay "
        "has the master data read at once; this closes by itself when nothing names it any more.",
    ),
}
