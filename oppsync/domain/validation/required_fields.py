"""Rules about required fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding

# Projects of a deal that people could still read and approve, and a plan that is made in a second or two.
MOST_LINES = 1_000

# Pointer, what people call it, and how to read it.
_OF_THE_DEAL: tuple[tuple[str, str, Callable[[Opportunity], object]], ...] = (
    ("/name", "name", lambda deal: deal.name or None),
    ("/amount", "amount", lambda deal: deal.amount),
    ("/currency", "currency", lambda deal: deal.currency),
    ("/contracting_entity", "contracting entity", lambda deal: deal.contracting_entity),
    ("/contract/payment_terms", "payment terms", lambda deal: deal.contract.payment_terms),
)

# The same, for fields a line may have of its own: needed on the deal unless every line has it.
_OF_DEAL_OR_LINES: tuple[
    tuple[str, str, Callable[[Opportunity], object], Callable[[OpportunityLine], object]], ...
] = (
    ("/region", "region", lambda deal: deal.region, lambda line: line.delivery_region),
    ("/service_line", "service line", lambda deal: deal.service_line, lambda line: line.service_line),
    ("/billing_model", "billing model", lambda deal: deal.billing_model, lambda line: line.billing_model),
    ("/starts_on", "start date", lambda deal: deal.starts_on, lambda line: line.starts_on),
    ("/ends_on", "end date", lambda deal: deal.ends_on, lambda line: line.ends_on),
)


def deal_fields_are_present(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    for path, label, read in _OF_THE_DEAL:
        if read(opportunity) is None:
            yield finding("FIELD_MISSING", f"The opportunity has no {label}", path=path)


def won_date_is_present(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    if opportunity.won_on is None:
        yield finding("FIELD_MISSING", "The opportunity has no close date", path="/won_on")


def line_fields_are_present(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    for path, label, of_deal, of_line in _OF_DEAL_OR_LINES:
        lacking = [line.title for line in opportunity.lines if of_line(line) is None]
        if of_deal(opportunity) is not None or (opportunity.lines and not lacking):
            continue
        whose = f", and these lines have none of their own: {', '.join(lacking)}" if lacking else ""
        yield finding("FIELD_MISSING", f"The opportunity has no {label}{whose}", path=path)


def there_are_lines(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    if not opportunity.lines:
        yield finding(
            "NO_LINES", "The opportunity has no product lines, so nothing can be delivered", path="/lines"
        )


def lines_are_not_too_many(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    count = len(opportunity.lines)
    if count > MOST_LINES:
        yield finding(
            "TOO_MANY_LINES",
            f"The opportunity has {count} product lines; at most {MOST_LINES} can be planned together",
            path="/lines",
            value=count,
        )


def owner_has_an_email(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    owner = opportunity.owner
    if owner is None:
        yield finding("OWNER_EMAIL_MISSING", "The opportunity has no owner", path="/owner")
    elif owner.email is None:
        yield finding(
            "OWNER_EMAIL_MISSING",
            f"The owner {owner.name} has no e-mail address",
            path="/owner/email",
            value=owner.name,
        )
