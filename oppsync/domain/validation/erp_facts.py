"""What the ERP said when a deal was validated: kept with the deal, and with what its plan was made from."""

from __future__ import annotations

from datetime import date
from typing import Any

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.model import Code, Frozen, Text, omitted_at


class ErpFacts(Frozen):
    """Of the record with this digest: another release may have read a later one and kept nothing.

    `company`: that of the legal entity, `missing` what it lacked in words, `books_open_until` the last day of
    its open fiscal years. `terms`: the payment terms that were asked for, of which `terms_unknown` says that
    the ERP has only `terms_there`.
    """

    record_digest: Code
    company: Text | None = omitted_at(None)
    missing: tuple[Text, ...] = omitted_at(())
    books_open_until: date | None = omitted_at(None)
    terms: Text | None = omitted_at(None)
    terms_unknown: bool = omitted_at(False)
    terms_there: tuple[Text, ...] = omitted_at(())

    def of(self, record: Opportunity, entity: LegalEntity | None) -> dict[str, Any]:
        """As fields of `ValidationFacts`. Rows may lead to a company or to terms that the ERP was not asked
        for: of those nothing is held against the deal."""
        found: dict[str, Any] = {}
        if entity is not None and entity.erp_company == self.company:
            found |= {"missing_in_erp": self.missing, "books_open_until": self.books_open_until}
        if record.contract.payment_terms == self.terms:
            found |= {"payment_terms_known": not self.terms_unknown, "payment_terms": self.terms_there}
        return found


def erp_facts_of(record: Opportunity, facts: ValidationFacts) -> ErpFacts:
    filled = facts.rules.fill(record).deal
    return ErpFacts(
        record_digest=record.content_digest(),
        company=facts.legal_entity.erp_company if facts.legal_entity else None,
        missing=facts.missing_in_erp,
        books_open_until=facts.books_open_until,
        terms=filled.contract.payment_terms,
        terms_unknown=not facts.payment_terms_known,
        terms_there=facts.payment_terms,
    )
