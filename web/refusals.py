"""Every code of a refusal or a failure: its status, what it means, and what to do.

The documentation page and `docs/api.md` list this table. Codes of exception items have their texts in
`domain.values.findings`; here they only get a status.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

from oppsync.domain.values.findings.codes import CODES


class RefusalText(NamedTuple):
    status: HTTPStatus
    text: str
    fix: str


def _of_an_exception(code: str, status: HTTPStatus = HTTPStatus.BAD_GATEWAY) -> RefusalText:
    return RefusalText(status, f"{CODES[code].title}.", CODES[code].fix)


_UNREAD, _UNKNOWN, _BARRED = HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN
_NOWHERE, _MOVED_ON, _WRONG = HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY
_LATER = HTTPStatus.SERVICE_UNAVAILABLE
_AGAIN = "Wait for the seconds that Retry-After names, then send it again."
_READ_AGAIN = "Read it again, and decide on its current version."
_ASK_FOR_THE_ROLE = "Ask an administrator for the role, or ask somebody who has it to do this."
_ANOTHER = "Another approver has to decide."

REFUSALS: dict[str, RefusalText] = {
    "BAD_REQUEST": RefusalText(
        _UNREAD, "The form's token is missing or too old.", "Reload the page and send the form again."
    ),
    "UNKNOWN_ACTION": RefusalText(
        _UNREAD,
        "The form asks for something that the page does not offer.",
        "Reload the page and press one of its buttons.",
    ),
    "UNREADABLE_JSON": RefusalText(
        _UNREAD, "The body is not JSON, or not text, or nested too deeply.", "Correct the body."
    ),
    "UNREADABLE_BODY": RefusalText(
        _UNREAD,
        "The body was cut off, or its chunks are malformed.",
        "Send the whole body, in well-formed chunks.",
    ),
    "TOKEN_REFUSED": RefusalText(
        _UNKNOWN,
        "No API token was sent, or one that is not known, revoked or at its end.",
        "Send the header Authorization: Bearer.",
    ),
    "SIGNATURE_REFUSED": RefusalText(
        _UNKNOWN,
        "A webhook's signature is missing, stale or wrong.",
        "Sign the bytes that are sent, with the connection's secret and the time of now.",
    ),
    "TOO_MANY_ATTEMPTS": RefusalText(
        HTTPStatus.TOO_MANY_REQUESTS,
        "Signing in failed too often.",
        "Wait for the seconds that Retry-After names.",
    ),
    "TOO_MANY_CALLS": RefusalText(
        HTTPStatus.TOO_MANY_REQUESTS,
        "This token made too many calls that ask the CRM or the ERP, or read many rows.",
        "Wait for the seconds that Retry-After names, then call less often.",
    ),
    "FORBIDDEN": RefusalText(_BARRED, "The person lacks the role named in the detail.", _ASK_FOR_THE_ROLE),
    "SCOPE_MISSING": RefusalText(
        _BARRED,
        "The token lacks the scope named in the detail.",
        "Make a token that has it, on the page of your account.",
    ),
    "SIGN_IN_REFUSED": RefusalText(
        _BARRED, "The e-mail address or the password is not right.", "Try again, or ask an administrator."
    ),
    "NOT_AN_APPROVER": RefusalText(
        _BARRED, "The person does not have the role that this task asks for.", _ASK_FOR_THE_ROLE
    ),
    "OWN_OPPORTUNITY": RefusalText(
        _BARRED,
        "On a deal that they own or requested, people may not decide, override, link a customer or confirm.",
        _ANOTHER,
    ),
    "OUTSIDE_LIMITS": RefusalText(
        _BARRED,
        "The person's role counts for other legal entities or regions; the detail names them.",
        "Another approver has to decide, or an administrator widens the role.",
    ),
    "OWN_ACCOUNT": RefusalText(
        _BARRED,
        "Administrators do not change or agree to their own roles, reset or deactivate themselves.",
        "Ask another administrator, or whoever has the command line.",
    ),
    "ONLY_THE_PERSON": RefusalText(
        _BARRED,
        "Of a live firm, only approvers and administrators themselves may know how they come in, by mail.",
        "Set up a mail server, or reset the account on the command line.",
    ),
    "EDITED_PLAN": RefusalText(
        _BARRED,
        "People may not decide on a plan that they shaped: overrides, its customer, a confirmed finding.",
        _ANOTHER,
    ),
    "EDITED_REFERENCE_DATA": RefusalText(
        _BARRED,
        "People may not decide on a plan that uses a change of the configuration which they made or approved.",
        _ANOTHER,
    ),
    "STOOD_IN": RefusalText(
        _BARRED,
        "Who stands in for somebody with a part in the deal may not decide on it, nor who did so for a "
        "working day while it waited.",
        _ANOTHER,
    ),
    "ALREADY_DECIDED_OTHER_ROLE": RefusalText(
        _BARRED, "A person may not decide on a plan twice, whatever the roles.", _ANOTHER
    ),
    "OWN_PROPOSAL": RefusalText(_BARRED, "People may not approve what they proposed.", _ANOTHER),
    "NEEDS_SECOND_PERSON": RefusalText(
        _BARRED,
        "Of a live firm, what moves money or changes who approves takes two people.",
        "Do it in your own name: it is proposed, and another person approves it.",
    ),
    "MAY_NOT_OVERRIDE": RefusalText(
        _BARRED, "The person has no role that changes plans; the detail names them.", _ASK_FOR_THE_ROLE
    ),
    "NOT_FOUND": RefusalText(
        _NOWHERE,
        "Nothing exists at this address or under this id, or this token may not see it.",
        "Correct the address or the id.",
    ),
    "CRM_RECORD_GONE": _of_an_exception("CRM_RECORD_GONE", _NOWHERE),
    "METHOD_NOT_ALLOWED": RefusalText(
        HTTPStatus.METHOD_NOT_ALLOWED, "The address does not support this method.", "Use one that Allow names."
    ),
    "CONNECTION_IN_USE": RefusalText(
        _MOVED_ON,
        "Deals under way go by this connection, or rows of the configuration lead to it: the detail has them.",
        "Let these deals finish or give them up, change these rows; until then the connection can be paused.",
    ),
    "CONFLICT": RefusalText(_MOVED_ON, "It exists already; the detail names it.", "Use another name."),
    "PLAN_CHANGED": RefusalText(
        _MOVED_ON, "Another plan replaced the one whose hash was sent; nothing was recorded.", _READ_AGAIN
    ),
    "PLAN_TAMPERED": _of_an_exception("PLAN_TAMPERED", _MOVED_ON),
    "ALREADY_DECIDED": RefusalText(_MOVED_ON, "The task or the plan is already decided.", _READ_AGAIN),
    "NOT_YOUR_APPROVAL": RefusalText(
        _BARRED, "Only who approved takes an approval back.", "Ask who approved, or reject the plan."
    ),
    "NOTHING_TO_WITHDRAW": RefusalText(
        _MOVED_ON, "The task has no approval that counts.", "Read it again: it is open, rejected or void."
    ),
    "CREATION_BEGUN": RefusalText(
        _MOVED_ON,
        "The projects of this plan are being created, or exist.",
        "Have the deal planned anew, or given up once it is parked.",
    ),
    "ABSENT_ALREADY": RefusalText(
        _MOVED_ON, "The person has an absence at that time.", "End that one first, or choose other days."
    ),
    "DELEGATE_BARRED": RefusalText(
        _MOVED_ON,
        "The absent person has a part in deals that wait, or who stands in has one in deals that wait for that "
        "person: who stands in may not decide them meanwhile.",
        "Send it again with `confirmed`, or name somebody else, or nobody.",
    ),
    "WOULD_STOP_DEALS": RefusalText(
        _MOVED_ON,
        "The system would be the second of its role while no row of `routes.csv` says which a deal goes to: "
        "every new deal of the live firm would stop.",
        "Have a row lead deals to the present system first, or send it again with `confirmed`.",
    ),
    "ABSENCE_OVER": RefusalText(_MOVED_ON, "The absence is over.", "No action is needed."),
    "ALREADY_LIVE": RefusalText(_MOVED_ON, "The firm went live before.", "No action is needed."),
    "INPUTS_NOT_KEPT": RefusalText(
        _MOVED_ON,
        "What the plan was made from is not kept, by its release or not any more.",
        "Preview the deal, or plan it anew: plans of now can be made again.",
    ),
    "CONFIGURATION_NOT_KEPT": RefusalText(
        _MOVED_ON,
        "The rows that made the plan were written past the versions, and changed since.",
        "Change rows as versions of the configuration: those are kept.",
    ),
    "CONFIGURATION_CHANGED": RefusalText(
        _MOVED_ON,
        "The configuration is not the one that this was compared with.",
        "Compare with the one of now, and propose it anew.",
    ),
    "MAIL_NOT_SENT": RefusalText(
        _MOVED_ON,
        "Password, sessions and API tokens are ended; the link that sets a new one could not be mailed.",
        "Reset the account again once mail is taken; the security log says why it was not.",
    ),
    "PROPOSER_LEFT": RefusalText(
        _MOVED_ON,
        "Whoever proposed this was deactivated, or has no right to it any more.",
        "Reject it, and propose it anew.",
    ),
    "REREAD_DUE": RefusalText(
        _MOVED_ON,
        "The deal changed in the CRM and is read again first.",
        "Wait for a moment, then decide on its current version.",
    ),
    "NOT_OVERRIDABLE": RefusalText(
        _MOVED_ON,
        "A plan can be changed only between planning and approval.",
        "Change the deal in the CRM, or have the plan rejected.",
    ),
    "ALREADY_CLOSED": RefusalText(
        _MOVED_ON, "The exception item was replayed or dismissed already.", "No action is needed."
    ),
    "NOTHING_TO_CONFIRM": RefusalText(
        _MOVED_ON, "The exception item has no finding that can be confirmed.", "Do what the item advises."
    ),
    "NO_CUSTOMER_ASKED": RefusalText(
        _MOVED_ON, "The exception item does not ask for a customer.", "Do what the item advises."
    ),
    "NOT_COMPENSABLE": RefusalText(
        _MOVED_ON, "Only a deal parked after its approval can be given up.", "Reject its plan instead."
    ),
    "NOT_PLANNABLE_ANEW": RefusalText(
        _MOVED_ON,
        "Only a deal that has a plan and is not active yet is planned anew.",
        "Before, change the deal or what stops it, and replay; afterwards, correct the projects in the ERP.",
    ),
    "BODY_PRUNED": RefusalText(
        _MOVED_ON,
        "The delivery's body is older than bodies are kept.",
        "Save the record in the CRM again: it sends a new delivery.",
    ),
    "STILL_UNREADABLE": RefusalText(
        _MOVED_ON,
        "The delivery cannot be read; the detail names the place.",
        "Correct what sends it, then replay; or dismiss the item.",
    ),
    "REQUEST_ENTITY_TOO_LARGE": RefusalText(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is over 1 MiB.", "Send a smaller body."
    ),
    "UNSUPPORTED_MEDIA_TYPE": RefusalText(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "The body is not declared as JSON.",
        "Send the header Content-Type: application/json.",
    ),
    "INVALID_INPUT": RefusalText(
        _WRONG, "Fields or parameters are wrong; errors lists each.", "Correct them and send it again."
    ),
    "BAD_BUNDLE": RefusalText(
        _WRONG,
        "The configuration has faults; errors lists each with its file and line.",
        "Correct them and send it again.",
    ),
    "BAD_CURSOR": RefusalText(
        _WRONG, "The cursor does not come from a page of this list.", "Start without a cursor."
    ),
    "REASON_MISSING": RefusalText(
        _WRONG, "This needs a reason, and none was given.", "Give a reason; it is kept and shown to others."
    ),
    "OVERRIDE_NOT_POSSIBLE": RefusalText(
        _WRONG, "The value does not fit the plan; the detail gives the reason.", "Give another value."
    ),
    "VENDOR_REJECTED": _of_an_exception("VENDOR_REJECTED"),
    "CONNECTION_MISCONFIGURED": _of_an_exception("CONNECTION_MISCONFIGURED"),
    "CONTENT_CONFLICT": _of_an_exception("CONTENT_CONFLICT"),
    "NOTIFICATION_REFUSED": _of_an_exception("NOTIFICATION_REFUSED"),
    "UNREADABLE_DELIVERY": _of_an_exception("UNREADABLE_DELIVERY"),
    "ACCOUNT_AMBIGUOUS": _of_an_exception("ACCOUNT_AMBIGUOUS"),
    "CUSTOMER_CONTRADICTS": _of_an_exception("CUSTOMER_CONTRADICTS"),
    "ACCOUNT_UNKNOWN": _of_an_exception("ACCOUNT_UNKNOWN"),
    "LEGAL_ENTITY_NOT_READY": _of_an_exception("LEGAL_ENTITY_NOT_READY"),
    "VENDOR_UNAVAILABLE": RefusalText(_LATER, "The CRM or the ERP cannot be reached.", _AGAIN),
    "RECORD_BUSY": RefusalText(_LATER, "The record is locked in the CRM or the ERP.", _AGAIN),
    "RATE_LIMITED": RefusalText(_LATER, "The CRM or the ERP limits our rate of requests.", _AGAIN),
    "HELD_BACK": RefusalText(_LATER, "Our limit of requests to the CRM or the ERP is used up for now.", _AGAIN),
    "CONNECTION_PAUSED": RefusalText(
        _LATER, "The connection is paused, so nothing is asked there.", "Send it again once it is resumed."
    ),
    "AMBIGUOUS_ANSWER": RefusalText(_LATER, "The CRM or the ERP gave no clear answer.", _AGAIN),
    "STILL_UNKNOWN": RefusalText(_LATER, "It is not known yet whether an earlier request took effect.", _AGAIN),
    "LEASE_LOST": RefusalText(_LATER, "Another process works this deal now.", _AGAIN),
    "NEWER_RELEASE": RefusalText(
        _LATER,
        "A deployment is under way, and a newer release stored this.",
        "Send it again after the deployment.",
    ),
    "STORE_UNAVAILABLE": RefusalText(_LATER, "The database cannot be reached; nothing was changed.", _AGAIN),
    "BUG": RefusalText(
        HTTPStatus.INTERNAL_SERVER_ERROR, "Something failed on our side.", "Report the trace id."
    ),
}
