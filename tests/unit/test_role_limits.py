"""A role of some entities and regions only: what it covers, what is more of it, and how it is written."""

from __future__ import annotations

from uuid import uuid4

import click
import pytest
from pydantic import ValidationError

from adapters.cli.role_option import ROLE, as_written, together, with_and_without
from oppsync.domain.approval.deciding import may_decide
from oppsync.domain.approval.involved import Involved
from oppsync.domain.approval.refusals import Refusal
from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import Action, check, may, outside_in_words
from oppsync.domain.deal.place import place_of
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS
from oppsync.domain.values.limits import Granted, Place, RoleLimit, granted_in_words
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.access_proposals import gained
from oppsync.kernel.errors import Forbidden
from tests.harness import builders

FINANCE, OPERATIONS = PersonRole.FINANCE_APPROVER, PersonRole.OPERATIONS
HERE = Place(entity="ACME-DE", regions=("DACH",))


def limit(entities: str = "", regions: str = "", role: PersonRole = FINANCE) -> RoleLimit:
    return RoleLimit(role=role, entities=tuple(entities.split()), regions=tuple(regions.split()))


def finance(*limits: RoleLimit, more: frozenset[PersonRole] = frozenset()) -> Person:
    return Person(id=uuid4(), email="ann@example.com", name="Ann", roles={FINANCE} | more, limits=limits)


@pytest.mark.parametrize(
    ("entities", "regions", "covered"),
    [
        ("ACME-DE", "", True),
        ("ACME-US ACME-DE", "", True),
        ("ACME-US", "", False),
        ("", "DACH", True),
        ("", "NA", False),
        ("ACME-DE", "DACH NA", True),
        ("ACME-DE", "NA", False),
        ("ACME-US", "DACH", False),
    ],
)
def test_a_deal_is_covered_by_its_entity_and_its_region(entities: str, regions: str, covered: bool) -> None:
    ann = finance(limit(entities, regions))

    refusal = may_decide(ann, DEFAULT_APPROVALS[0], Involved(place=HERE))

    assert refusal is (None if covered else Refusal.OUTSIDE_LIMITS)
    assert may_decide(finance(), DEFAULT_APPROVALS[0], Involved(place=HERE)) is None


def test_every_region_in_which_a_deal_is_delivered_has_to_be_covered() -> None:
    record = builders.opportunity()
    lines = (changed(record.lines[0], delivery_region="NA"), *record.lines[1:])
    place = place_of(changed(record, lines=lines))

    assert place == Place(entity="ACME-DE", regions=("DACH", "NA"))
    assert not limit(regions="DACH").covers(place)
    assert limit(regions="NA DACH").covers(place)


@pytest.mark.parametrize("place", [None, Place(entity=None), Place(entity=None, regions=("DACH",))])
def test_a_deal_of_unknown_entity_is_left_to_those_without_a_limit(place: Place | None) -> None:
    assert may_decide(finance(limit("ACME-DE")), DEFAULT_APPROVALS[0], Involved(place=place))
    assert may_decide(finance(), DEFAULT_APPROVALS[0], Involved(place=place)) is None
    assert not limit(regions="DACH").covers(Place(entity="ACME-DE"))


def test_the_refusal_names_limit_and_deal() -> None:
    words = outside_in_words(finance(limit("ACME-US", "NA")), [FINANCE], HERE)

    assert words == "You are finance approver for ACME-US, in NA only; this deal is of ACME-DE, in DACH."


def test_what_is_about_the_whole_firm_takes_a_role_without_a_limit() -> None:
    ann = finance(limit("ACME-DE"))
    for action in (Action.APPROVE_CONFIGURATION, Action.PROPOSE_CONFIGURATION):
        assert may(finance(), action)
        with pytest.raises(Forbidden, match="limited to entities or regions"):
            check(ann, action)
    assert may(ann, Action.VISIT_CONFIGURATION)
    assert may(finance(limit("ACME-DE"), more=frozenset({PersonRole.INTEGRATION_ADMIN})), action)


@pytest.mark.parametrize(
    ("before", "after", "is_more"),
    [
        (None, limit("ACME-DE"), False),
        (limit("ACME-DE"), None, True),
        (limit("ACME-DE"), limit("ACME-US"), True),
        (limit("ACME-DE"), limit("ACME-DE ACME-US"), True),
        (limit("ACME-DE ACME-US"), limit("ACME-DE"), False),
        (limit("ACME-DE"), limit("ACME-DE", "DACH"), False),
        (limit("ACME-DE", "DACH"), limit("ACME-DE"), True),
        (limit("ACME-DE", "DACH"), limit("ACME-DE", "DACH NA"), True),
    ],
)
def test_a_limit_that_lets_more_through_is_more_and_one_that_lets_less_is_not(
    before: RoleLimit | None,
    after: RoleLimit | None,
    is_more: bool,
) -> None:
    was, now = (Granted(frozenset({FINANCE}), (each,) if each else ()) for each in (before, after))

    assert gained(was, now) == ({FINANCE} if is_more else frozenset())
    assert gained(Granted(frozenset()), now) == {FINANCE}


def test_a_further_approvers_role_needs_two_administrators_as_finance_and_delivery_do() -> None:
    limited = Granted(frozenset({"approver:tax"}), (RoleLimit(role="approver:tax", regions=("DACH",)),))
    tax = Granted(frozenset({"approver:tax", OPERATIONS}))

    assert gained(Granted(frozenset()), limited) == {"approver:tax"}
    assert gained(limited, tax) == {"approver:tax"}
    assert gained(tax, limited) == frozenset()
    assert granted_in_words(limited) == "approver for tax (in DACH only)"


def test_a_limit_names_something() -> None:
    with pytest.raises(ValidationError, match="neither entities nor regions"):
        RoleLimit(role=FINANCE)


def test_roles_are_written_as_they_are_read() -> None:
    for text in (
        "operations",
        "finance_approver@ACME-CH,ACME-DE/DACH,NA",
        "finance_approver@/DACH",
        "approver:tax@ACME-DE/DACH",
    ):
        read = ROLE.convert(text, None, None)
        assert as_written(read.roles, read.limits) == text
    for wrong in ("king", "finance_approver@", "finance_approver@ , /", "approver:", "approver:Tax"):
        with pytest.raises(click.BadParameter):
            ROLE.convert(wrong, None, None)


def test_a_role_that_is_added_anew_has_the_limit_named_now_and_others_keep_theirs() -> None:
    delivery = limit("ACME-US", role=PersonRole.DELIVERY_APPROVER)
    before = Granted(
        frozenset({FINANCE, PersonRole.DELIVERY_APPROVER, OPERATIONS}), (delivery, limit("ACME-DE"))
    )
    add = ROLE.convert("finance_approver@/NA", None, None)

    after = with_and_without(before, [add], ["operations"])

    assert granted_in_words(after) == "delivery approver (ACME-US only), finance approver (in NA only)"
    assert with_and_without(before, [ROLE.convert("finance_approver", None, None)], []).limits == (delivery,)
    assert with_and_without(before, [], ["delivery_approver"]).limits == (limit("ACME-DE"),)
    assert len(together([add, ROLE.convert("finance_approver@ACME-DE", None, None)]).limits) == 2
