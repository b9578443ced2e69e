"""What every PSA must do, whatever its vendor."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from adapters.connectors.connector import AnyConnector
from oppsync.domain.plan.orders import PsaOrder, StaffingOrder, WriteBack
from oppsync.domain.plan.plan import StaffingRequest
from oppsync.domain.values.keys import EffectKind, outside_key
from oppsync.domain.values.model import changed
from oppsync.kernel.errors import (
    AmbiguousAnswer,
    BusinessError,
    Misconfigured,
    OppsyncError,
    RateLimited,
    TransientError,
    VendorRejected,
    VendorUnavailable,
)
from oppsync.ports.psa import Psa
from sandbox.contracts.connector import ConnectorContract
from sandbox.contracts.harness import Access, FixedClock, PsaHarness

ACTIVE = WriteBack(
    status="active",
    project_number="P-17",
    project_url="https://erp.firm.example/P-17",
    activated_at=datetime(2026, 5, 4, 9, 30, 15, 250_000, tzinfo=UTC),
)


REJECTED = WriteBack(status="rejected", message="The margin is too thin.\nTalk to us.")


def connect(connector: AnyConnector, access: Access) -> Psa:
    psa: Psa = connector.connect(access.settings, access.secrets, FixedClock())
    return psa


def every_call(psa: Psa, order: PsaOrder, outside_id: str) -> list[Callable[[], Any]]:
    of_staffing: list[Callable[[], Any]] = [
        lambda: psa.find_staffing(asked(outside_id)),
        lambda: psa.request_staffing(asked(outside_id)),
    ]
    return [
        lambda: psa.find_project(order),
        lambda: psa.create_project(order, ACTIVE),
        lambda: psa.find_write_back(outside_id, ACTIVE),
        lambda: psa.write_back(outside_id, ACTIVE),
        *(of_staffing if psa.capabilities.staffing else ()),
    ]


# A staffing request.
def asked(project_id: str, key: str = "", **changes: Any) -> StaffingOrder:
    request = StaffingRequest(
        path="00kL2/staffing/consultant/dach",
        role="Consultant",
        location="DACH",
        hours=Decimal("66.7"),
        starts_on=date(2026, 6, 1),
        ends_on=date(2026, 9, 15),
    )
    own = outside_key("default", "crm", uuid4().hex, EffectKind.STAFFING, request.path)
    return StaffingOrder(key=key or own, project_id=project_id, request=changed(request, **changes))


class PsaContract(ConnectorContract):
    """The suite of a PSA without staffing requests. For one that takes them, inherit `StaffingContract`, which
    includes this."""

    def test_what_it_claims_is_tested(self, connector: AnyConnector, place: PsaHarness) -> None:
        claimed = connector.capabilities_of(place.access.settings)
        assert claimed.staffing == isinstance(self, StaffingContract)
        assert claimed.revises == claimed.reopens
        if claimed.staffing:
            in_steps = place.asking != place.asking_last
            assert in_steps == isinstance(self, StaffingInStepsContract)

    @pytest.fixture
    def harness(self, place: PsaHarness) -> PsaHarness:
        place.control.clear_faults()
        return place

    @pytest.fixture
    def psa(self, connector: AnyConnector, harness: PsaHarness) -> Psa:
        return connect(connector, harness.access)

    @pytest.fixture
    def order(self) -> PsaOrder:
        key = outside_key("default", "crm", uuid4().hex, EffectKind.PSA_PROJECT, "root")
        return PsaOrder(key=key, title="Globex GmbH: Cloud advisory", project_number="P-17")

    def test_a_project_is_found_again_under_our_key(
        self, psa: Psa, harness: PsaHarness, order: PsaOrder
    ) -> None:
        assert psa.find_project(order) is None
        created = psa.create_project(order, ACTIVE)
        [project] = harness.projects(order.key)
        assert (project["id"], project["title"]) == (created.outside_id, order.title)
        assert psa.find_project(order) == created

    def test_only_the_exact_key_counts(self, psa: Psa, order: PsaOrder) -> None:
        psa.create_project(order, ACTIVE)
        for other in (order.key + "x", order.key[:-1], order.key.upper(), order.key + "%"):
            assert psa.find_project(changed(order, key=other)) is None

    def test_a_project_that_was_archived_is_still_ours_but_closed(
        self, psa: Psa, harness: PsaHarness, order: PsaOrder
    ) -> None:
        created = psa.create_project(order, ACTIVE)
        harness.archive(created.outside_id)
        found = psa.find_project(order)
        assert found is not None
        assert (found.outside_id, found.closed) == (created.outside_id, True)
        assert list(found.differences.values()) == [("no", "yes")]

    def test_a_project_is_archived_and_that_may_be_repeated(self, psa: Psa, order: PsaOrder) -> None:
        assert psa.find_archived(order.key) is None
        created = psa.create_project(order, ACTIVE)
        before = psa.find_archived(order.key)
        assert before is not None
        assert not before.closed
        for _ in range(2):
            assert psa.archive_project(created.outside_id).closed
        after = psa.find_archived(order.key)
        assert after is not None
        assert (after.outside_id, after.closed) == (created.outside_id, True)

    def test_planned_anew_a_project_is_changed_and_opened_again_where_the_psa_can(
        self, psa: Psa, harness: PsaHarness, order: PsaOrder
    ) -> None:
        created = psa.create_project(order, ACTIVE)
        psa.write_back(created.outside_id, ACTIVE)
        psa.archive_project(created.outside_id)
        anew = changed(order, title="Another title", was=(order,), closed_by_us=True)
        found = psa.find_project(anew)
        assert found is not None
        assert found.revisable == (found.differences.keys() if psa.capabilities.revises else frozenset())
        by_somebody = psa.find_project(changed(anew, closed_by_us=False))
        assert by_somebody is not None
        assert by_somebody.differences.keys() - by_somebody.revisable
        if not psa.capabilities.revises:
            return

        for _ in range(2):
            psa.revise_project(anew, created.outside_id)

        again = psa.find_project(anew)
        assert again is not None
        assert (again.outside_id, again.closed, again.differences) == (created.outside_id, False, {})
        assert psa.find_write_back(created.outside_id, ACTIVE) is not None
        [there] = harness.projects(order.key)
        assert there["title"] == "Another title"

    def test_another_title_or_number_under_our_key_is_told(self, psa: Psa, order: PsaOrder) -> None:
        psa.create_project(order, ACTIVE)
        wanted = changed(order, title="Another", project_number="P-18")
        found = psa.find_project(wanted)
        assert found is not None
        assert found.differences == {
            "title": ("Another", order.title),
            "project_number": ("P-18", "P-17"),
        }

    def test_two_projects_under_our_key_are_told(self, psa: Psa, order: PsaOrder) -> None:
        first = psa.create_project(order, ACTIVE)
        psa.create_project(order, ACTIVE)
        found = psa.find_project(order)
        assert found is not None
        assert (found.outside_id, list(found.differences.values())) == (first.outside_id, [("1", "2")])

    def test_a_project_is_created_with_its_status(self, psa: Psa, harness: PsaHarness, order: PsaOrder) -> None:
        created = psa.create_project(order, ACTIVE)
        found = psa.find_write_back(created.outside_id, ACTIVE)
        assert found is not None
        assert (found.outside_id, found.differences) == (created.outside_id, {})
        [there] = harness.projects(order.key)
        for text in ("Active", "P-17", "https://erp.firm.example/P-17", "2026-05-04T09:30:15Z"):
            assert text in there["text"]

    def test_what_is_written_back_stands_in_the_psas_own_books(
        self, psa: Psa, harness: PsaHarness, order: PsaOrder
    ) -> None:
        project = psa.create_project(order, REJECTED).outside_id
        assert psa.write_back(project, ACTIVE).outside_id == project
        [project_found] = harness.projects(order.key)
        for text in ("Active", "P-17", "https://erp.firm.example/P-17", "2026-05-04T09:30:15Z"):
            assert text in project_found["text"]
        found = psa.find_write_back(project, ACTIVE)
        assert found is not None
        assert found.differences == {}
        found = psa.find_project(order)
        assert found is not None
        assert found.differences == {}

    def test_a_later_write_back_leaves_nothing_of_the_earlier_and_all_that_people_wrote(
        self, psa: Psa, harness: PsaHarness, order: PsaOrder
    ) -> None:
        project = psa.create_project(order, REJECTED).outside_id
        harness.describe(project, "Ask Grace about the kick-off: [urgent]")
        found = psa.find_write_back(project, ACTIVE)
        assert found is not None
        assert ("Active", "Rejected") in found.differences.values()
        psa.write_back(project, ACTIVE)
        psa.write_back(project, ACTIVE)
        [kept] = harness.projects(order.key)
        text = kept["text"]
        assert text.startswith("Ask Grace about the kick-off: [urgent]")
        assert "margin" not in text
        assert text.count("Active") == 1

    @pytest.mark.parametrize(
        "fault", [{"status": 500}, {"status": 503, "retry_after": 9}, {"drop_connection": True}]
    )
    @pytest.mark.parametrize("committed", [True, False])
    def test_a_create_without_an_answer_is_ambiguous_until_it_is_looked_up(
        self, psa: Psa, harness: PsaHarness, order: PsaOrder, fault: dict[str, Any], committed: bool
    ) -> None:
        harness.control.faults([{**harness.creating, **fault, "after_commit": committed}])
        with pytest.raises(AmbiguousAnswer) as caught:
            psa.create_project(order, ACTIVE)
        assert caught.value.retry_after == (timedelta(seconds=9) if "retry_after" in fault else None)
        assert (psa.find_project(order) is not None) is committed
        assert len(harness.projects(order.key)) == int(committed)

    def test_a_write_back_without_an_answer_is_found(
        self, psa: Psa, harness: PsaHarness, order: PsaOrder
    ) -> None:
        project = psa.create_project(order, REJECTED).outside_id
        harness.control.faults([{**harness.writing, "drop_connection": True, "after_commit": True}])
        with pytest.raises(AmbiguousAnswer):
            psa.write_back(project, ACTIVE)
        found = psa.find_write_back(project, ACTIVE)
        assert found is not None
        assert found.differences == {}

    @pytest.mark.parametrize("fault", [{"status": 500}, {"drop_connection": True}])
    def test_a_search_that_fails_may_simply_come_back(
        self, psa: Psa, harness: PsaHarness, order: PsaOrder, fault: dict[str, Any]
    ) -> None:
        harness.control.faults([{**harness.searching, **fault}])
        with pytest.raises(VendorUnavailable):
            psa.find_project(order)
        assert psa.find_project(order) is None

    def test_too_many_requests_are_waited_out_as_long_as_the_vendor_asks(
        self, psa: Psa, harness: PsaHarness, order: PsaOrder
    ) -> None:
        harness.control.faults([{**harness.creating, "status": 429, "retry_after": 7}])
        with pytest.raises(RateLimited) as caught:
            psa.create_project(order, ACTIVE)
        assert caught.value.retry_after == timedelta(seconds=7)
        assert psa.find_project(order) is None

    @pytest.mark.parametrize("outside_id", ["999999999", "x", "1/../2", "", "\uff11"])
    def test_a_project_that_does_not_exist_is_for_a_person(self, psa: Psa, outside_id: str) -> None:
        with pytest.raises(BusinessError):
            psa.find_write_back(outside_id, ACTIVE)
        with pytest.raises(BusinessError):
            psa.write_back(outside_id, ACTIVE)

    def test_what_the_psa_refuses_is_told_in_its_words(
        self, psa: Psa, harness: PsaHarness, order: PsaOrder
    ) -> None:
        with pytest.raises(VendorRejected, match=re.escape(harness.refusals["untitled"])):
            psa.create_project(changed(order, title=""), ACTIVE)

    def test_nobody_at_the_address_means_later(
        self, connector: AnyConnector, harness: PsaHarness, order: PsaOrder
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        for ask in every_call(connect(connector, harness.access.at(f"http://127.0.0.1:{port}")), order, "1"):
            with pytest.raises(VendorUnavailable):
                ask()

    def test_wrong_credentials_are_told_without_them(
        self, connector: AnyConnector, harness: PsaHarness, order: PsaOrder
    ) -> None:
        wrong = {name: f"wrong-{value}" for name, value in harness.access.secrets.items()}
        for ask in every_call(connect(connector, Access(harness.access.settings, wrong)), order, "1"):
            with pytest.raises(Misconfigured) as caught:
                ask()
            assert not any(value in caught.value.message for value in wrong.values())

    def test_unusable_settings_and_secrets_are_told_by_name(
        self, connector: AnyConnector, harness: PsaHarness
    ) -> None:
        with pytest.raises(Misconfigured, match="base_url"):
            connect(connector, Access({}, harness.access.secrets))
        for name in harness.access.secrets:
            with pytest.raises(Misconfigured, match=name):
                connect(connector, Access(harness.access.settings, {}))

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503])
    def test_no_secret_stands_in_any_error(
        self, psa: Psa, harness: PsaHarness, order: PsaOrder, status: int
    ) -> None:
        secrets = tuple(harness.access.secrets.values())
        harness.control.faults(
            [{"path": "/", "count": None, "status": status, "code": f"TOLD {' '.join(secrets)}"}]
        )
        for ask in every_call(psa, order, "1"):
            with pytest.raises(OppsyncError) as caught:
                ask()
            assert isinstance(caught.value, TransientError) == (status in (429, 500, 503))
            assert not any(secret in repr(caught.value) for secret in secrets)

    def test_the_quarantine_outlasts_the_longest_call(
        self, connector: AnyConnector, harness: PsaHarness
    ) -> None:
        slow = connect(connector, Access(harness.access.settings | {"timeout": 40}, harness.access.secrets))
        assert slow.quarantine > timedelta(seconds=40)


class StaffingContract(PsaContract):
    """The suite of a PSA that takes staffing requests."""

    @pytest.fixture
    def project(self, psa: Psa, order: PsaOrder) -> str:
        return psa.create_project(order, ACTIVE).outside_id

    def test_somebody_asked_for_is_found_again_under_our_key(
        self, psa: Psa, harness: PsaHarness, project: str
    ) -> None:
        wanted = asked(project)
        assert psa.find_staffing(wanted) is None

        made = psa.request_staffing(wanted)

        [request] = harness.requests(wanted.key)
        assert request["text"] == "Consultant in DACH"
        assert (request["id"], request["project"], request["role"], request["minutes"]) == (
            made.outside_id,
            project,
            "17",
            "4002",
        )
        assert psa.find_staffing(wanted) == made
        for other in (wanted.key + "x", wanted.key[:-1], wanted.key.upper(), wanted.key + "%"):
            assert psa.find_staffing(asked(project, other)) is None

    def test_one_deal_of_two_firms_asks_for_somebody_for_each(self, psa: Psa, harness: PsaHarness) -> None:
        """In one account of the vendor, with the same record of the CRM."""
        record_id, made = uuid4().hex, []
        for tenant_id in ("acme", "globex"):
            key = outside_key(tenant_id, "crm", record_id, EffectKind.PSA_PROJECT, "project")
            project = psa.create_project(
                PsaOrder(key=key, title="Both", project_number="P-1"), ACTIVE
            ).outside_id
            wanted = asked(
                project, outside_key(tenant_id, "crm", record_id, EffectKind.STAFFING, "00k/staffing/a")
            )
            assert psa.find_staffing(wanted) is None
            made.append((wanted, psa.request_staffing(wanted)))
        for wanted, landed in made:
            assert psa.find_staffing(wanted) == landed
            assert len(harness.requests(wanted.key)) == 1

    def test_another_run_or_other_hours_under_our_key_are_told(self, psa: Psa, project: str) -> None:
        wanted = asked(project)
        psa.request_staffing(wanted)

        found = psa.find_staffing(asked(project, wanted.key, hours=Decimal(80), ends_on=date(2026, 9, 30)))

        assert found is not None
        assert found.differences == {"ends on": ("2026-09-30", "2026-09-15"), "hours": ("80:00", "66:42")}

    def test_a_request_that_a_person_has_staffed_is_still_ours(
        self, psa: Psa, harness: PsaHarness, project: str
    ) -> None:
        wanted = asked(project)
        made = psa.request_staffing(wanted)
        harness.staff(made.outside_id)

        assert psa.find_staffing(wanted) == made

    @pytest.mark.parametrize(
        "fault", [{"status": 500}, {"status": 503, "retry_after": 9}, {"drop_connection": True}]
    )
    @pytest.mark.parametrize("call", ["asking", "asking_last"])
    @pytest.mark.parametrize("committed", [True, False])
    def test_a_request_without_an_answer_is_ambiguous_and_completed_not_repeated(
        self, psa: Psa, harness: PsaHarness, fault: dict[str, Any], committed: bool, call: str
    ) -> None:
        wanted = asked(
            psa.create_project(PsaOrder(key=uuid4().hex, title="T", project_number="P"), ACTIVE).outside_id
        )
        harness.control.faults([{**getattr(harness, call), **fault, "after_commit": committed}])
        with pytest.raises(AmbiguousAnswer) as caught:
            psa.request_staffing(wanted)
        assert caught.value.retry_after == (timedelta(seconds=9) if "retry_after" in fault else None)
        whole = committed and getattr(harness, call) == harness.asking_last
        assert (psa.find_staffing(wanted) is not None) is whole

        if not whole:
            psa.request_staffing(wanted)

        found = psa.find_staffing(wanted)
        assert found is not None
        assert found.differences == {}
        assert len(harness.requests(wanted.key)) == 1

    def test_too_many_requests_before_anything_is_made_are_simply_waited_out(
        self, psa: Psa, harness: PsaHarness, project: str
    ) -> None:
        wanted = asked(project)
        harness.control.faults([{**harness.asking, "status": 429, "retry_after": 7}])
        with pytest.raises(RateLimited) as caught:
            psa.request_staffing(wanted)
        assert caught.value.retry_after == timedelta(seconds=7)
        assert harness.requests(wanted.key) == []

    def test_a_project_that_a_person_has_closed_takes_no_request(
        self, psa: Psa, harness: PsaHarness, project: str
    ) -> None:
        harness.archive(project)
        with pytest.raises(VendorRejected, match=re.escape(harness.refusals["archived"])):
            psa.request_staffing(asked(project))

    def test_a_role_that_the_settings_do_not_know_is_told_by_name(self, psa: Psa, project: str) -> None:
        with pytest.raises(Misconfigured, match=r"roles.*'Architect'"):
            psa.request_staffing(asked(project, role="Architect"))

    def test_the_roles_that_it_would_refuse_are_known_before(self, psa: Psa) -> None:
        assert psa.unknown_roles(["Consultant", "Architect"]) == ["Architect"]
        assert "Consultant" in psa.known_roles()

    def test_a_request_is_cancelled_and_that_may_be_repeated(
        self, psa: Psa, harness: PsaHarness, project: str
    ) -> None:
        wanted, other = asked(project), asked(project)
        made = psa.request_staffing(wanted).outside_id
        psa.request_staffing(other)

        for _ in range(2):
            assert psa.cancel_staffing(wanted, made).closed

        assert psa.find_staffing(wanted) is None
        assert harness.requests(wanted.key) == []
        assert len(harness.requests(other.key)) == 1

    def test_a_cancelling_without_an_answer_is_found_to_be_done(
        self, psa: Psa, harness: PsaHarness, project: str
    ) -> None:
        wanted = asked(project)
        made = psa.request_staffing(wanted).outside_id
        harness.control.faults([{**harness.cancelling, "drop_connection": True, "after_commit": True}])
        with pytest.raises(AmbiguousAnswer):
            psa.cancel_staffing(wanted, made)
        assert psa.find_staffing(wanted) is None

    def test_a_request_that_a_person_has_staffed_is_for_a_person_to_cancel(
        self, psa: Psa, harness: PsaHarness, project: str
    ) -> None:
        wanted = asked(project)
        made = psa.request_staffing(wanted).outside_id
        harness.staff(made)
        with pytest.raises(VendorRejected, match=re.escape(harness.refusals["staffed"])):
            psa.cancel_staffing(wanted, made)


class StaffingInStepsContract(StaffingContract):
    """The suite of a PSA where a staffing request takes several calls."""

    def test_too_many_requests_half_way_leave_something_that_a_search_may_not_see_yet(
        self, psa: Psa, harness: PsaHarness, project: str
    ) -> None:
        """If it were asked for again at once, it would be made twice."""
        wanted = asked(project)
        harness.control.faults([{**harness.asking_last, "status": 429, "retry_after": 7}])

        with pytest.raises(AmbiguousAnswer) as caught:
            psa.request_staffing(wanted)

        assert caught.value.retry_after == timedelta(seconds=7)
        psa.request_staffing(wanted)
        [request] = harness.requests(wanted.key)
        assert request["minutes"] == "4002"
