"""Dates that people override are judged by the rules that judge the CRM's: on the record as it would be with
them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.plan.overrides import OverrideField, OverrideUse
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.planning.apply_overrides import DATES, Overridden, path_of
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.validation.confirmations import Confirmation, with_confirmations
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.validation.table import validate
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import changed

_LINE = re.compile(r"^/lines/(\d+)")
# Two workstreams may lie far apart: how long each one runs is judged when its dates are applied.
_RUN_OF_ALL = ("RUN_TOO_LONG", "/ends_on")
_OURS = "The date was overridden here: override it with another, or take the override back."


class DateFacts(NamedTuple):
    """`today` and `books_open_until` are the contracting entity's, as in `ValidationFacts`; `confirmations` are
    the deal's."""

    today: date
    books_open_until: date | None
    confirmations: Sequence[Confirmation]


def date_findings(
    opportunity: Opportunity,
    entity: LegalEntity,
    as_sold: Sequence[Workstream],
    overridden: Overridden,
    facts: DateFacts,
) -> tuple[Finding, ...]:
    """Return the findings of the deal with the dates that people want that it does not have as sold. Each
    finding has the path of an override, so that a confirmation of it is one of the overridden date."""
    uses = [each.use for each in overridden.applied if each.use.field in DATES]
    if not uses:
        return ()
    judged_by = ValidationFacts(
        legal_entity=entity,
        erp=ErpCapabilities(
            line_kinds=frozenset(LineKind)
        ),  # what it can do was judged before, and has no date
        today=facts.today,
        books_open_until=facts.books_open_until,
    )
    before = frozenset(validate(_with_dates(opportunity, as_sold), judged_by))
    after = validate(_with_dates(opportunity, overridden.workstreams), judged_by)
    known = {(found.code, found.path) for found in overridden.findings}
    due = [each for each in after if each not in before and (each.code, each.path) != _RUN_OF_ALL]
    found = [_of_override(each, opportunity, as_sold, uses) for each in due]
    new = [each for each in found if (each.code, each.path) not in known]
    return with_confirmations(new, facts.confirmations)


def _with_dates(opportunity: Opportunity, workstreams: Sequence[Workstream]) -> Opportunity:
    """The deal with its lines from the first start to the last end of the work they are split into, and an end
    that is not before any of theirs."""
    runs: dict[str, list[Workstream]] = {}
    for workstream in workstreams:
        for part in workstream.parts or (workstream,):
            for line_id in part.line_ids:
                runs.setdefault(line_id, []).append(part)
    lines = tuple(
        changed(
            line,
            starts_on=min(part.starts_on for part in runs[line.id]),
            ends_on=max(part.ends_on for part in runs[line.id]),
        )
        for line in opportunity.lines
    )
    ends = [day for day in (opportunity.ends_on, *(line.ends_on for line in lines)) if day is not None]
    return changed(opportunity, lines=lines, ends_on=max(ends))


def _of_override(
    found: Finding, opportunity: Opportunity, as_sold: Sequence[Workstream], uses: Sequence[OverrideUse]
) -> Finding:
    """The finding at the override that most probably made it: of the line it names, of the date it is about,
    and of several the latest."""
    named = _LINE.match(found.path)
    holding = set(_keys_of(opportunity.lines[int(named[1])].id, as_sold)) if named else set()
    about = OverrideField.STARTS_ON if found.path.endswith("/starts_on") else OverrideField.ENDS_ON
    use = max(uses, key=lambda each: (each.workstream in holding, each.field is about, each.value))
    return changed(found, path=path_of(use.workstream, use.field), fix=f"{found.fix} {_OURS}")


def _keys_of(line_id: str, workstreams: Sequence[Workstream]) -> Iterator[str]:
    return (each.key for each in workstreams if line_id in each.line_ids)
