"""What Tryton's refusals mean.

Tryton has no error codes: whatever its rules refuse is a 400 with a translated sentence, so the language is
pinned and sentences are matched by their beginning. It rolls back before it answers 400. Sources: Tryton's own
`trytond/wsgi.py` and `trytond/protocols/dispatcher.py` (8.2), and the sentences of its modules' translations.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.connectors.http.client import Answer, ErrorClass, Judgement
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import Misconfigured, RecordBusy, VendorRejected

LOCKED = "database is locked"


class NumberDrawnTwice(RecordBusy):
    """Tryton's sequence of project numbers is read and counted on in two steps: two creates at once may draw
    the same number. The later one was rolled back."""


# Beginning of the sentence -> what it means; any other is a refusal for people.
_OF_SENTENCE: Mapping[str, ErrorClass] = {
    "The number on work must be unique.": NumberDrawnTwice,
    "You are not allowed to access": Misconfigured,
}


def judge(answer: Answer) -> Judgement | None:
    """Tryton's rows of the table; None leaves the answer to the common one."""
    match answer.status:
        case 404 | 405:
            return Misconfigured, "no such database: check the connection's base URL and database"
        case 503 if LOCKED in answer.text:
            return RecordBusy, LOCKED
        case 400:
            sentence = _sentence(answer)
            meant = (kind for beginning, kind in _OF_SENTENCE.items() if sentence.startswith(beginning))
            return next(meant, VendorRejected), sentence
        case _:
            return None


def _sentence(answer: Answer) -> str:
    try:
        document = canonical_json.loads(answer.body)
        return str(document["message"])
    except (canonical_json.UnreadableJson, KeyError, TypeError):
        return answer.text
