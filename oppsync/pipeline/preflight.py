"""Preflight: whether the systems that a plan goes to know all that it names, before anybody approves it."""

from __future__ import annotations

from datetime import timedelta

from oppsync.domain.plan.plan import Plan
from oppsync.domain.plan.references import ErpReferenceKind, booked_on, references_of
from oppsync.domain.planning.preflight import missing_in_erp, unknown_in_psa
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import require
from oppsync.ports.erp import Erp
from oppsync.ports.systems import Systems

# What was heard longer ago is asked for again before a deal is created: people may have approved it for days,
# and of many deals that are created together the first one asks for all.
JUST_HEARD = timedelta(minutes=2)


def preflight(systems: Systems, plan: Plan, *, anew: bool = False) -> tuple[Finding, ...]:
    """All that is missing in the ERP and the PSA; empty when the plan can be created as it is. `anew`: of a
    deal that is planned anew, perhaps because something was renamed there a moment ago."""
    chosen = require(plan.systems, "the systems of the plan")
    erp = systems.erp_at(chosen.erp)
    wanted = references_of(plan.content)
    missing = erp.missing_references(wanted, heard_within=timedelta(0) if anew else None)
    kinds = {each.kind for each in missing}
    open_until = erp.books_open_until(wanted.company) if missing else None
    terms = erp.payment_terms() if ErpReferenceKind.PAYMENT_TERMS in kinds else ()
    found = missing_in_erp(plan.content, missing, open_until, terms)
    if chosen.psa is None:
        return found
    psa = systems.psa_at(chosen.psa)
    roles = dict.fromkeys(asked.role for asked in plan.content.staffing()) if psa.capabilities.staffing else {}
    unknown = psa.unknown_roles(roles)
    return (*found, *unknown_in_psa(unknown, psa.known_roles() if unknown else ()))


def ended_since(erp: Erp, plan: Plan) -> tuple[Finding, ...]:
    """What the plan books on and its ERP has no more, though it had when the plan was made."""
    wanted = booked_on(references_of(plan.content))
    missing = erp.missing_references(wanted, heard_within=JUST_HEARD)
    terms = erp.payment_terms() if any(each.kind is ErpReferenceKind.PAYMENT_TERMS for each in missing) else ()
    return missing_in_erp(plan.content, missing, None, terms)
