"""The exception queue: what waits for a person, by cause and one by one, and what was settled."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from oppsync.domain.reading.exception_list import ExceptionSort
from oppsync.domain.values.findings.finding import OwnerRole
from oppsync.domain.work.exceptions import ExceptionStatus
from web.context import application, signed_in
from web.pages.exceptions.filters import NO_FIELD, asked

page = Blueprint("exception_queue", __name__, url_prefix="/exceptions")
CAUSES_SHOWN = 8
SORT_WORDS = {
    ExceptionSort.OLDEST: "Oldest first",
    ExceptionSort.NEWEST: "Newest first",
    ExceptionSort.AMOUNT: "Largest amount first, by currency",
}


@page.get("")
def show() -> ResponseReturnValue:
    what = asked(request.args)
    found = application().queries.exception_list(signed_in().tenant_id, what.wanted, what.sort, what.number)
    return render_template(
        "exceptions/queue.html",
        asked=what,
        wanted=what.wanted,
        found=found,
        causes=(found.groups[:CAUSES_SHOWN], found.groups[CAUSES_SHOWN:]),
        view=what.wanted.status,
        views=tuple(ExceptionStatus),
        owners=tuple(OwnerRole),
        sorts=SORT_WORDS,
        no_field=NO_FIELD,
    )
