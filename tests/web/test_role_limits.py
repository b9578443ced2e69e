"""An approver of some legal entities and regions only: asked about their deals, refused by name on others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.limits import NO_LIMITS, Limits, RoleLimit
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.access_proposals import AccessChange, AccessStatus
from oppsync.kernel.errors import Forbidden, InvalidInput
from oppsync.services.admin.commands import (
    DeactivatePerson,
    DecideAccess,
    InvitePerson,
    ProposeAccess,
    SetRoles,
)
from oppsync.services.set_up.commands import GoLive
from sandbox.firm.demo_firm import reference_rows
from tests.harness.builders import TENANT
from tests.web.browser import Browser
from tests.web.office import Office, email, sold_by
from tests.web.test_api import Client

Browsers = Callable[[str], Browser]
FINANCE = frozenset({PersonRole.FINANCE_APPROVER})


def only(entities: str = "", regions: str = "") -> Limits:
    role = PersonRole.FINANCE_APPROVER
    return (RoleLimit(role=role, entities=tuple(entities.split()), regions=tuple(regions.split())),)


def limit(office: Office, name: str, limits: Limits) -> None:
    office.application.dispatch(SetRoles(TENANT, COMMAND_LINE, email(name), FINANCE, limits))


@pytest.fixture
def configured(office: Office) -> Office:
    """The firm's entities and regions are known."""
    with office.uow() as uow:
        for row in reference_rows():
            if row.kind in {ReferenceKind.LEGAL_ENTITY, ReferenceKind.REGION}:
                uow.references.put(TENANT, row)
        uow.commit()
    return office


def test_the_inbox_has_the_deals_of_the_approver_s_entities_and_no_others(
    browser: Browsers, office: Office
) -> None:
    german = office.waiting()
    american = office.waiting(sold_by("sam.seller", contracting_entity="ACME-US"))
    limit(office, "ana", only("ACME-US"))
    ana = browser("ana")

    inbox = ana.get("/approvals")
    shown = ana.get(f"/approvals/{german.finance.id}")

    assert str(american.finance.id) in inbox.markup
    assert str(german.finance.id) not in inbox.markup
    person = office.person("ana")
    assert office.application.queries.counts(TENANT, person).approvals == 1
    assert (
        "you are finance approver for ACME-US only; this deal is of ACME-DE, in DACH. Kim can." in shown.words
    )
    assert "can't decide" not in ana.get(f"/approvals/{american.finance.id}").words


def test_a_decision_outside_the_limit_is_refused_by_name_and_kept(app: Flask, office: Office) -> None:
    waiting = office.waiting()
    limit(office, "ana", only(regions="NA"))
    ana = Client(app, office.token("ana"))
    path = f"/approvals/{waiting.finance.id}/decision"
    body = {"plan_hash": waiting.plan.hash, "decision": "approve"}

    refused = ana.refused(403, "POST", path, json=body)

    assert refused["code"] == "OUTSIDE_LIMITS"
    assert refused["detail"] == (
        "You are finance approver in NA only; this deal is of ACME-DE, in DACH. Kim can."
    )
    seen = ana.get(f"/approvals/{waiting.finance.id}")
    assert [seen["people"][each] for each in seen["may_decide"]] == ["Kim"]
    assert ana.get("/approvals?mine=true&status=open")["rows"] == []
    limit(office, "ana", only("ACME-DE", "NA DACH"))
    assert Client(app, office.token("ana")).post(path, body)["status"] == "approved"


def test_an_approver_of_other_entities_overrides_nothing(app: Flask, office: Office) -> None:
    path = f"/opportunities/{office.waiting().opportunity_id}/overrides"
    body = {"workstream": "00kL2", "field": "name", "value": "Landing zone", "reason": "The customer's name"}
    limit(office, "ana", only("ACME-US"))
    ana = Client(app, office.token("ana"))

    assert ana.refused(403, "POST", path, json=body)["code"] == "OUTSIDE_LIMITS"
    roles = FINANCE | {PersonRole.OPERATIONS}
    office.application.dispatch(SetRoles(TENANT, COMMAND_LINE, email("ana"), roles, only("ACME-US")))
    assert Client(app, office.token("ana")).post(path, body)["value"] == "Landing zone"


def test_a_limit_is_given_on_the_page_and_shown_there_and_in_the_log(
    browser: Browsers, configured: Office
) -> None:
    configured.hire("ada", PersonRole.ADMIN)
    ada, address = browser("ada"), f"/people/{configured.ids['ana']}"
    sent = {"action": "set_roles", "role": "finance_approver", "regions-finance_approver": ""}

    wrong = ada.post(address, **sent, **{"entities-finance_approver": "ACME-DE, ACME-<b>"})
    given = ada.post(address, **sent, **{"entities-finance_approver": " ACME-US ,ACME-DE,"})

    assert wrong.status == 422
    assert "There is no legal entity ACME-<b>. There are ACME-" in wrong.words
    assert 'value="ACME-&lt;b&gt;, ACME-DE"' in wrong.markup
    assert 'aria-describedby="entities-finance_approver-error"' in wrong.markup
    assert given.status == 303
    assert configured.person("ana").limits == only("ACME-DE ACME-US")
    for page in (address, "/people"):
        assert "Finance approver (ACME-DE or ACME-US only)" in ada.get(page).words
    newest = configured.application.queries.changes(TENANT, limit=1).rows[0]
    assert newest.summary == "Ana is now finance approver (ACME-DE or ACME-US only)"
    ada.post(
        "/people",
        email="nora@acme.example",
        name="Nora",
        role="delivery_approver",
        **{"regions-delivery_approver": "NA", "regions-finance_approver": "DACH"},
    )
    with configured.uow.reading() as uow:
        nora = uow.people.known(TENANT, email("nora"))
    assert nora is not None
    (its,) = nora.limits
    assert (its.role, its.regions) == (PersonRole.DELIVERY_APPROVER, ("NA",))


def test_the_api_takes_and_shows_limits_and_says_where_one_is_wrong(app: Flask, configured: Office) -> None:
    configured.hire("ada", PersonRole.ADMIN)
    ada, path = Client(app, configured.token("ada")), f"/people/{configured.ids['ana']}/roles"
    row = {"role": "finance_approver", "entities": ["ACME-DE"], "regions": []}

    answer = ada.post(path, {"roles": ["finance_approver"], "limits": [row]})

    assert (answer["roles"], answer["limits"]) == (["finance_approver"], [row])
    for body, pointer in (
        ({"roles": ["finance_approver"], "limits": [{**row, "regions": ["MARS"]}]}, "/limits/0/regions"),
        ({"roles": ["auditor"], "limits": [row]}, "/limits/0/role"),
        ({"roles": ["auditor"], "limits": [{**row, "role": "auditor"}]}, "/limits/0/role"),
        ({"roles": ["finance_approver"], "limits": [row, row]}, "/limits/0/role"),
        ({"roles": ["finance_approver"], "limits": [{"role": "finance_approver"}]}, "/limits/0"),
    ):
        problem = ada.refused(422, "POST", path, json=body)
        assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert configured.person("ana").limits == only("ACME-DE")


def test_of_a_live_firm_a_wider_limit_takes_two_administrators_and_a_narrower_one_does_not(
    office: Office,
) -> None:
    ada, ben = office.hire("ada", PersonRole.ADMIN), office.hire("ben", PersonRole.ADMIN)
    dispatch = office.application.dispatch
    dispatch(GoLive(TENANT, ada, email("ben")))
    dispatch(SetRoles(TENANT, ada, email("ana"), FINANCE, only("ACME-DE")))

    for wider in (NO_LIMITS, only("ACME-DE ACME-US"), only("ACME-US")):
        with pytest.raises(Forbidden, match="Another administrator has to agree") as refused:
            dispatch(SetRoles(TENANT, ada, email("ana"), FINANCE, wider))
        assert refused.value.code == "NEEDS_SECOND_PERSON"
    with pytest.raises(InvalidInput, match="One administrator is enough"):
        dispatch(
            ProposeAccess(TENANT, ada, AccessChange.SET_ROLES, email("ana"), FINANCE, "", only("ACME-DE", "NA"))
        )
    wanted = ProposeAccess(
        TENANT, ada, AccessChange.SET_ROLES, email("ana"), FINANCE, "", only("ACME-DE ACME-US")
    )
    dispatch(DecideAccess(TENANT, ben, dispatch(wanted), approve=True))
    assert office.person("ana").limits == only("ACME-DE ACME-US")
    invited = ProposeAccess(TENANT, ada, AccessChange.INVITE, email("nora"), FINANCE, "Nora", only("ACME-DE"))
    with pytest.raises(Forbidden):
        dispatch(InvitePerson(TENANT, ada, email("nora"), "Nora", FINANCE, only("ACME-DE")))
    dispatch(DecideAccess(TENANT, ben, dispatch(invited), approve=True))
    with office.uow.reading() as uow:
        nora = uow.people.known(TENANT, email("nora"))
    assert nora is not None
    assert nora.limits == only("ACME-DE")


def test_an_agreement_is_to_exactly_this_limit(office: Office) -> None:
    ada, ben = office.hire("ada", PersonRole.ADMIN), office.hire("ben", PersonRole.ADMIN)
    dispatch = office.application.dispatch
    dispatch(GoLive(TENANT, ada, email("ben")))
    proposal = dispatch(
        ProposeAccess(TENANT, ada, AccessChange.SET_ROLES, email("olga"), FINANCE, "", only("ACME-DE"))
    )
    with office.uow() as uow:
        uow.access_proposals.decide(TENANT, proposal, AccessStatus.AGREED, ben)
        uow.commit()

    for other in (NO_LIMITS, only("ACME-US")):
        with pytest.raises(Forbidden):
            dispatch(SetRoles(TENANT, ada, email("olga"), FINANCE, other))
    dispatch(SetRoles(TENANT, ada, email("olga"), FINANCE, only("ACME-DE")))

    assert office.person("olga").limits == only("ACME-DE")


def test_who_is_invited_again_has_the_limit_of_now(office: Office) -> None:
    office.application.dispatch(DeactivatePerson(TENANT, COMMAND_LINE, email("ana")))
    office.application.dispatch(
        InvitePerson(TENANT, COMMAND_LINE, email("ana"), "Ana", FINANCE, only("ACME-DE"))
    )
    assert office.person("ana").limits == only("ACME-DE")
    office.application.dispatch(SetRoles(TENANT, COMMAND_LINE, email("ana"), FINANCE))
    assert office.person("ana").limits == NO_LIMITS


def test_a_release_that_knows_no_limits_finds_no_role_where_there_is_a_limited_one(office: Office) -> None:
    limit(office, "ana", only("ACME-DE"))
    proposal = ProposeAccess(
        TENANT,
        office.hire("ada", PersonRole.ADMIN),
        AccessChange.SET_ROLES,
        email("ed"),
        FINANCE,
        "",
        only("ACME-DE"),
    )
    office.application.dispatch(proposal)

    with office.application.engine.begin() as connection:
        roles = connection.execute(text("SELECT roles FROM people WHERE id = :id"), {"id": office.ids["ana"]})
        assert roles.scalar_one() == []
        assert connection.execute(text("SELECT roles FROM access_proposals")).scalar_one() == []
        given = "UPDATE people SET roles = '{finance_approver}' WHERE id = :id"
        connection.execute(text(given), {"id": office.ids["ana"]})
    assert office.person("ana").limits == only("ACME-DE"), "an older release gave it once more"
