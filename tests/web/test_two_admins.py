"""Once the firm is live, two administrators agree to who approves and who administers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from oppsync.domain.values.actor import COMMAND_LINE, Asker
from oppsync.domain.values.limits import Granted
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.access_proposals import AccessChange, AccessStatus
from oppsync.kernel.bus import Command
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput
from oppsync.services.admin.commands import (
    AcceptInvitation,
    CreatePerson,
    DeactivatePerson,
    DecideAccess,
    IdentifyPerson,
    InvitePerson,
    OneTimeLink,
    ProposeAccess,
    ResetPerson,
    SetRoles,
)
from oppsync.services.set_up.commands import GoLive
from tests.harness.builders import TENANT
from tests.web.browser import Browser
from tests.web.office import Office, email

Browsers = Callable[[str], Browser]
FINANCE = frozenset({PersonRole.FINANCE_APPROVER})
ADMIN = frozenset({PersonRole.ADMIN})
AUDITOR = frozenset({PersonRole.AUDITOR})


@pytest.fixture
def admins(office: Office) -> Office:
    """Ada and Ben administer; nobody else does."""
    office.hire("ada", PersonRole.ADMIN)
    office.hire("ben", PersonRole.ADMIN)
    return office


@pytest.fixture
def live(admins: Office) -> Office:
    admins.application.dispatch(GoLive(TENANT, admins.ids["ada"], email("ben")))
    return admins


def told(office: Office) -> list[tuple[str, str]]:
    return [(row.type, row.summary) for row in office.application.queries.changes(TENANT, limit=100).rows]


def proposals(office: Office) -> list[UUID]:
    with office.uow.reading() as uow:
        return [each.id for each in uow.access_proposals.open(TENANT)]


def standing(office: Office) -> list[tuple[UUID, AccessStatus]]:
    with office.uow.reading() as uow:
        return [(each.id, each.status) for each in uow.access_proposals.open(TENANT)]


def propose(office: Office, change: AccessChange, address: str, roles: frozenset[PersonRole]) -> UUID:
    """By Ada."""
    name = "Nora" if change is AccessChange.INVITE else ""
    return office.application.dispatch(ProposeAccess(TENANT, office.ids["ada"], change, address, roles, name))


def agree(office: Office, proposal: UUID, name: str = "ben") -> OneTimeLink | None:
    return office.application.dispatch(DecideAccess(TENANT, office.ids[name], proposal, approve=True))


def invite(office: Office, asker: Asker, roles: frozenset[PersonRole], name: str = "nora") -> str:
    invited = InvitePerson(TENANT, asker, email(name), name.capitalize(), roles)
    return str(office.application.dispatch(invited).secret)


def test_before_going_live_one_administrator_is_enough_and_that_is_on_record(admins: Office) -> None:
    invite(admins, admins.ids["ada"], FINANCE)
    invite(admins, admins.ids["ada"], AUDITOR, name="olaf")

    kinds = [kind for kind, _ in told(admins)]
    assert kinds == ["person.added.v1", "person.added.v1", "access.given.alone.v1"]
    assert told(admins)[2][1] == (
        "ada@acme.example alone makes nora@acme.example finance approver, before going live"
    )


def test_an_approver_is_invited_on_the_pages_once_another_administrator_agrees(
    live: Office, browser: Browsers
) -> None:
    ada, ben = browser("ada"), browser("ben")
    asked = ada.post("/people", email="Nora@acme.example", name="Nora", role="finance_approver")
    assert (asked.status, asked.location) == (303, "/people/proposals?proposed=yes")
    assert "1 proposal to give access waits" in ada.get("/people").words
    page = ada.get("/people/proposals")
    assert "Is invited as Finance approver" in page.words
    assert "You proposed this, so another administrator agrees: Ben can." in page.words
    assert 'href="/people">Back to People' in page.markup
    assert "Proposed for nora@acme.example." in ada.get(asked.location or "").words
    assert "Proposed for" not in ben.get(asked.location or "").words
    assert ">Agree<" not in page.markup
    (proposal,) = proposals(live)
    own = ada.post("/people/proposals", proposal=str(proposal), action="agree")
    assert own.status == 403
    assert "nora@acme.example" not in ada.get("/people").words

    done = ben.post("/people/proposals", proposal=str(proposal), action="agree")

    assert "nora@acme.example cannot sign in yet" in done.words
    assert 'notice wait" role="status"' in done.markup
    assert "notice good" not in done.markup
    secret = live.application.dispatch(ResetPerson(TENANT, COMMAND_LINE, email("nora")))
    live.application.dispatch(AcceptInvitation(str(secret), "orchards in the rain"))
    assert "nora@acme.example" in ben.get("/people").words
    assert proposals(live) == []
    assert [kind for kind, _ in told(live)][:6] == [
        "password.set.v1",
        "account.reset.told.v1",
        "password.link.made.v1",
        "person.added.v1",
        "access.agreed.v1",
        "access.proposed.v1",
    ]
    late = ben.post("/people/proposals", form_of="/account", proposal=str(proposal), action="agree")
    assert (late.status, "was decided already" in late.words) == (409, True)


def test_what_somebody_may_today_stands_beside_what_is_proposed(live: Office, browser: Browsers) -> None:
    propose(live, AccessChange.SET_ROLES, email("olga"), ADMIN)

    words = browser("ben").get("/people/proposals").words

    assert "Olga E-mail olga@acme.example Today Operations Becomes Admin" in words


def test_two_proposals_wait_and_one_waits(live: Office, browser: Browsers) -> None:
    ada = browser("ada")
    for name, said in (
        ("nora", "1 proposal to give access waits for"),
        ("otto", "2 proposals to give access wait for"),
    ):
        ada.post("/people", email=f"{name}@acme.example", name=name, role="finance_approver")
        assert said in ada.get("/people").words


def test_a_role_is_given_on_the_pages_once_another_administrator_agrees(
    live: Office, browser: Browsers
) -> None:
    ada, ben = browser("ada"), browser("ben")
    person = f"/people/{live.ids['olga']}"
    given = {"action": "set_roles", "role": "admin"}

    assert ada.post(person, **given).location == "/people/proposals?proposed=yes"

    assert live.person("olga").roles == {PersonRole.OPERATIONS}
    (proposal,) = proposals(live)
    assert "Agreed, and done." in ben.post("/people/proposals", proposal=str(proposal), action="agree").words
    assert live.person("olga").roles == ADMIN


def test_what_one_administrator_may_do_alone_stays_so(live: Office, browser: Browsers) -> None:
    ada = browser("ada")
    assert ada.post("/people", email="olaf@acme.example", name="Olaf", role="auditor").status == 200
    assert ada.post(f"/people/{live.ids['kim']}", action="set_roles", role="finance_approver").status == 303
    assert live.person("kim").roles == FINANCE
    live.application.dispatch(DeactivatePerson(TENANT, live.ids["ada"], email("tom")))
    with pytest.raises(InvalidInput, match="One administrator is enough"):
        live.application.dispatch(
            ProposeAccess(TENANT, live.ids["ada"], AccessChange.SET_ROLES, email("uma"), AUDITOR)
        )


def test_who_was_deactivated_comes_back_as_approver_only_with_two(live: Office) -> None:
    ada = live.ids["ada"]
    live.application.dispatch(DeactivatePerson(TENANT, ada, email("ana")))

    with pytest.raises(Forbidden) as refused:
        invite(live, ada, FINANCE, name="ana")

    assert refused.value.code == "NEEDS_SECOND_PERSON"


def test_what_was_agreed_to_is_done_once_and_nothing_else_with_it(live: Office) -> None:
    ada, ben = live.ids["ada"], live.ids["ben"]
    wanted = ProposeAccess(TENANT, ada, AccessChange.SET_ROLES, email("olga"), FINANCE)
    proposal = live.application.dispatch(wanted)
    live.application.dispatch(DecideAccess(TENANT, ben, proposal, approve=True))
    live.application.dispatch(SetRoles(TENANT, ada, email("olga"), AUDITOR))

    for roles in (FINANCE, ADMIN):
        with pytest.raises(Forbidden):
            live.application.dispatch(SetRoles(TENANT, ada, email("olga"), roles))
    with pytest.raises(Conflict):
        live.application.dispatch(DecideAccess(TENANT, ben, proposal, approve=True))


def test_an_agreement_is_to_exactly_these_roles(live: Office) -> None:
    """One that was agreed to and not done yet, since its moment was refused."""
    ada, ben = live.ids["ada"], live.ids["ben"]
    wanted = ProposeAccess(TENANT, ada, AccessChange.SET_ROLES, email("olga"), FINANCE)
    proposal = live.application.dispatch(wanted)
    with live.uow() as uow:
        uow.access_proposals.decide(TENANT, proposal, AccessStatus.AGREED, ben)
        uow.commit()

    with pytest.raises(Forbidden):
        live.application.dispatch(SetRoles(TENANT, ada, email("olga"), FINANCE | ADMIN))
    live.application.dispatch(SetRoles(TENANT, ada, email("olga"), FINANCE))

    assert live.person("olga").roles == FINANCE


def test_a_proposal_is_rejected_with_a_reason_and_taken_back_by_who_made_it(
    live: Office, browser: Browsers
) -> None:
    ada, ben = live.ids["ada"], browser("ben")
    first = live.application.dispatch(
        ProposeAccess(TENANT, ada, AccessChange.INVITE, "nora@acme.example", FINANCE, "Nora")
    )
    silent = ben.post("/people/proposals", proposal=str(first), action="reject")
    assert silent.status == 422
    assert ben.post("/people/proposals", proposal=str(first), action="reject", comment="Not now").status == 303
    assert told(live)[0] == (
        "proposal.rejected.v1",
        "Rejected that nora@acme.example becomes finance approver: Not now",
    )
    second = live.application.dispatch(ProposeAccess(TENANT, ada, AccessChange.SET_ROLES, email("olga"), ADMIN))
    live.application.dispatch(DecideAccess(TENANT, ada, second, approve=False, comment="A mistake"))
    assert proposals(live) == []


def test_what_cannot_be_done_any_more_waits_again_and_is_rejected(live: Office) -> None:
    ada, ben = live.ids["ada"], live.ids["ben"]
    wanted = ProposeAccess(TENANT, ada, AccessChange.SET_ROLES, email("olga"), ADMIN)
    proposal = live.application.dispatch(wanted)
    live.application.dispatch(DeactivatePerson(TENANT, ben, email("ada")))

    with pytest.raises(Forbidden):
        live.application.dispatch(DecideAccess(TENANT, ben, proposal, approve=True))

    assert live.person("olga").roles == {PersonRole.OPERATIONS}
    assert standing(live) == [(proposal, AccessStatus.OPEN)]
    live.application.dispatch(DecideAccess(TENANT, ben, proposal, approve=False, comment="Ada left"))
    assert proposals(live) == []


def test_an_agreement_to_what_was_done_meanwhile_gives_nothing_later(live: Office) -> None:
    """Ada proposed one invitation twice, and Ben agreed to both before he deactivated the person."""
    twice = [propose(live, AccessChange.INVITE, email("nora"), FINANCE) for _ in range(2)]
    agree(live, twice[0])
    with pytest.raises(Conflict):
        agree(live, twice[1])
    assert standing(live) == [(twice[1], AccessStatus.OPEN)]

    live.application.dispatch(DeactivatePerson(TENANT, live.ids["ben"], email("nora")))

    assert standing(live) == []
    assert (
        "proposal.rejected.v1",
        "Rejected that nora@acme.example becomes finance approver: The account was deactivated",
    ) in (told(live))
    with pytest.raises(Forbidden) as refused:
        invite(live, live.ids["ada"], FINANCE)
    assert refused.value.code == "NEEDS_SECOND_PERSON"


def test_an_agreement_to_a_role_that_was_given_meanwhile_is_used_up(live: Office) -> None:
    for proposal in [propose(live, AccessChange.SET_ROLES, email("olga"), FINANCE) for _ in range(2)]:
        agree(live, proposal)
    live.application.dispatch(SetRoles(TENANT, live.ids["ben"], email("olga"), AUDITOR))

    assert standing(live) == []
    with pytest.raises(Forbidden):
        live.application.dispatch(SetRoles(TENANT, live.ids["ada"], email("olga"), FINANCE))


def test_an_agreement_to_give_a_role_invites_nobody(live: Office) -> None:
    """One that was agreed to and not done: the machine stopped in between."""
    proposal = propose(live, AccessChange.SET_ROLES, email("olga"), FINANCE)
    with live.uow() as uow:
        uow.people.set_access(TENANT, live.ids["olga"], Granted(AUDITOR), is_active=False)
        uow.access_proposals.decide(TENANT, proposal, AccessStatus.AGREED, live.ids["ben"])
        uow.commit()

    with pytest.raises(Forbidden):
        invite(live, live.ids["ada"], FINANCE, name="olga")


def test_nobody_agrees_to_their_own_roles(live: Office, browser: Browsers) -> None:
    """Neither under the account that gets them, nor under another one of the same person."""
    live.hire("cleo", PersonRole.ADMIN)
    ben = live.ids["ben"]
    live.application.dispatch(IdentifyPerson(TENANT, COMMAND_LINE, email("ben"), ("b.other@acme.example",), ()))
    own = propose(live, AccessChange.SET_ROLES, email("ben"), ADMIN | FINANCE)
    second = propose(live, AccessChange.INVITE, "b.other+new@acme.example", FINANCE)

    for proposal in (own, second):
        with pytest.raises(Forbidden) as refused:
            agree(live, proposal)
        assert refused.value.code == "OWN_ACCOUNT"
    assert ">Agree<" not in browser("ben").get("/people/proposals").markup
    assert browser("cleo").get("/people/proposals").markup.count(">Agree<") == 2

    agree(live, own, "cleo")
    assert live.person("ben").roles == ADMIN | FINANCE
    live.application.dispatch(DecideAccess(TENANT, ben, second, approve=False, comment="I have one"))
    assert proposals(live) == []


def test_nobody_proposes_roles_for_another_account_of_theirs(live: Office) -> None:
    live.application.dispatch(IdentifyPerson(TENANT, COMMAND_LINE, email("olga"), (email("ada"),), ()))

    with pytest.raises(Forbidden) as refused:
        propose(live, AccessChange.SET_ROLES, email("olga"), ADMIN)
    assert refused.value.code == "OWN_ACCOUNT"


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("email", f"{'n' * 300}@x.de", "The email has 305 characters: use 200 at most."),
        # Longer in small letters, as it is stored.
        ("email", f"{'İ' * 120}@x.de", "The email has 245 characters: use 200 at most."),
        ("name", "N" * 3_000, "The name has 3000 characters: use 2000 at most."),
        ("email", "no\u200bra@x.de", "U+200B ZERO WIDTH SPACE"),
        ("name", "Nora \u202earoN", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("name", "No\u200dra", "U+200D ZERO WIDTH JOINER"),
        ("name", "Nora\nAda", "U+000A CONTROL CHARACTER"),
    ],
)
def test_an_address_or_a_name_that_nobody_can_have_is_refused_and_people_go_on(
    live: Office, browser: Browsers, field: str, typed: str, message: str
) -> None:
    ada, ben = browser("ada"), browser("ben")
    form = {"email": "nora@x.de", "name": "Nora", field: typed}

    for role in ("finance_approver", "auditor"):
        refused = ada.post("/people", **form, role=role)
        assert (refused.status, message in refused.words) == (422, True)
    with pytest.raises(InvalidInput) as proposed:
        live.application.dispatch(
            ProposeAccess(TENANT, live.ids["ada"], AccessChange.INVITE, form["email"], FINANCE, form["name"])
        )
    with pytest.raises(InvalidInput) as created:
        live.application.dispatch(
            CreatePerson(TENANT, COMMAND_LINE, form["email"], form["name"], "orchards in the rain", AUDITOR)
        )
    for error in (proposed.value, created.value):
        assert (error.field, message in error.message) == (field, True)
    assert ben.get("/people").status == ben.get("/people/proposals").status == 200
    assert proposals(live) == []


def test_names_are_written_as_their_language_writes_them(live: Office) -> None:
    """Persian has a joiner between two parts of a word, and Japanese a choice between two forms of a letter."""
    for number, name in enumerate(("\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "\u845b\U000e0100\u57ce")):
        live.application.dispatch(
            InvitePerson(TENANT, live.ids["ada"], f"n{number}@acme.example", name, AUDITOR)
        )
    names = [each.name for each in live.application.queries.people(TENANT)]
    assert {"\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "\u845b\U000e0100\u57ce"} <= set(names)


def test_a_faulty_proposal_of_a_release_before_is_shown_and_rejected(
    live: Office, app: Flask, browser: Browsers
) -> None:
    proposal = propose(live, AccessChange.INVITE, email("nora"), FINANCE)
    with live.application.engine.begin() as connection:
        connection.execute(
            text("update access_proposals set name = repeat('N', 3000), email = repeat('n', 304)")
        )
    ben = browser("ben")
    headers = {"Authorization": f"Bearer {live.token('ben')}"}

    assert ben.get("/people").status == 200
    assert len(app.test_client().get("/api/v1/people/proposals", headers=headers).get_json()["rows"]) == 1
    assert ben.post("/people/proposals", proposal=str(proposal), action="agree").status == 422
    assert ben.post("/people/proposals", proposal=str(proposal), action="reject", comment="No").status == 303
    assert proposals(live) == []


def test_the_command_line_gives_such_roles_alone_only_while_nobody_could_agree(live: Office) -> None:
    asked: tuple[Command[Any], ...] = (
        InvitePerson(TENANT, COMMAND_LINE, "nora@acme.example", "Nora", FINANCE),
        SetRoles(TENANT, COMMAND_LINE, email("olga"), FINANCE),
        CreatePerson(TENANT, COMMAND_LINE, "nora@acme.example", "Nora", "orchards in the rain", ADMIN),
    )
    for command in asked:
        with pytest.raises(Forbidden) as refused:
            live.application.dispatch(command)
        assert refused.value.code == "NEEDS_SECOND_PERSON"

    live.application.dispatch(DeactivatePerson(TENANT, COMMAND_LINE, email("ben")))
    invite(live, COMMAND_LINE, ADMIN)

    assert told(live)[1] == (
        "access.given.alone.v1",
        "command-line alone makes nora@acme.example admin, while fewer than two administrators can sign in",
    )


def test_two_who_agree_at_once_make_one_link(live: Office) -> None:
    live.hire("cleo", PersonRole.ADMIN)
    proposal = live.application.dispatch(
        ProposeAccess(TENANT, live.ids["ada"], AccessChange.INVITE, "nora@acme.example", FINANCE, "Nora")
    )
    links, refused = [], []

    def agree(name: str) -> None:
        try:
            links.append(
                live.application.dispatch(DecideAccess(TENANT, live.ids[name], proposal, approve=True))
            )
        except (Conflict, Forbidden) as error:
            refused.append(error.code)

    both = [threading.Thread(target=agree, args=(name,)) for name in ("ben", "cleo")]
    for each in both:
        each.start()
    for each in both:
        each.join()

    assert (len(links), len(refused)) == (1, 1)
    assert proposals(live) == []


def test_the_database_itself_lets_nobody_agree_to_what_they_proposed(live: Office) -> None:
    live.application.dispatch(
        ProposeAccess(TENANT, live.ids["ada"], AccessChange.SET_ROLES, email("olga"), ADMIN)
    )
    with (
        pytest.raises(IntegrityError, match="two_administrators"),
        live.application.engine.begin() as connection,
    ):
        connection.execute(text("update access_proposals set status = 'agreed', decided_by = proposed_by"))


def test_the_api_proposes_agrees_and_rejects(live: Office, app: Flask) -> None:
    client = app.test_client()
    ada, ben = ({"Authorization": f"Bearer {live.token(name)}"} for name in ("ada", "ben"))
    body = {"change": "invite", "email": "nora@acme.example", "name": "Nora", "roles": ["finance_approver"]}
    alone = client.post(
        "/api/v1/people", headers=ada, json={key: body[key] for key in ("email", "name", "roles")}
    )
    assert (alone.status_code, alone.get_json()["code"]) == (403, "NEEDS_SECOND_PERSON")
    first = client.post("/api/v1/people/proposals", headers=ada, json=body).get_json()["id"]
    rows = client.get("/api/v1/people/proposals", headers=ben).get_json()["rows"]
    assert [(row["id"], row["roles"]) for row in rows] == [(first, ["finance_approver"])]
    own = client.post(f"/api/v1/people/proposals/{first}/agree", headers=ada)
    assert (own.status_code, own.get_json()["code"]) == (403, "OWN_PROPOSAL")
    agreed = client.post(f"/api/v1/people/proposals/{first}/agree", headers=ben)
    assert (agreed.status_code, agreed.get_json()["link"]) == (200, None)
    second = client.post(
        "/api/v1/people/proposals",
        headers=ada,
        json={"change": "set_roles", "email": email("olga"), "roles": ["admin"]},
    ).get_json()["id"]
    left = client.post(f"/api/v1/people/proposals/{second}/reject", headers=ben, json={"reason": "No"})
    assert (left.status_code, left.get_json()["rows"]) == (200, [])
    theirs = {"Authorization": f"Bearer {live.token('uma')}"}
    assert client.get("/api/v1/people/proposals", headers=theirs).status_code == 403
