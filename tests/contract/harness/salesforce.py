"""Salesforce for the contract suite: its stand-in as a process, and a reading of its books."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from sandbox.contracts.harness import WON_ON, Access
from sandbox.firm.deals import time_and_materials
from sandbox.standins.control import SalesforceControl
from sandbox.standins.process import running

CLIENT_SECRET = "sf-secret-4f1c"
DATA = "/services/data/v62.0"


class SalesforceHarness:
    reading = {"method": "POST", "path": f"{DATA}/composite"}
    writing = {"method": "PATCH", "path": f"{DATA}/sobjects/Opportunity/"}
    no_such_id = "0060000000ZZZZZAA5"
    limit_reached = {"status": 403, "code": "REQUEST_LIMIT_EXCEEDED"}

    def __init__(self, url: str) -> None:
        self.control = SalesforceControl(url)
        settings = {"base_url": url, "billing_terms": True, "contract_terms": True, "owner_history": True}
        self.access = Access(settings, {"client_id": "oppsync-tests", "client_secret": CLIENT_SECRET})

    def win(self, won_on: date = WON_ON) -> str:
        return str(self.control.win_deal(time_and_materials(won_on))["id"])

    def lose(self, deal_id: str) -> None:
        self.control.edit(deal_id, {"opportunity": {"StageName": "Closed Lost"}})

    def hand_over(self, deal_id: str, name: str, email: str) -> None:
        self.control.edit(deal_id, {"owner": {"Name": name, "Email": email}})

    def delete(self, deal_id: str, minutes_ago: int) -> None:
        self.control.delete(deal_id, minutes_ago)

    def undelete(self, deal_id: str) -> None:
        self.control.undelete(deal_id)

    def forget_deletions(self) -> None:
        self.control.purge_recycle_bin()

    def now(self) -> datetime:
        time.sleep(0.002)  # stamps are of whole milliseconds
        return datetime.now(UTC)

    def notification(self, *deal_ids: str) -> bytes:
        return self._notification(dict.fromkeys(deal_ids, "2026-03-02T10:00:00.000Z"), deal_ids)

    def notification_of(self, deal_id: str) -> bytes:
        stamp = self.control.record(deal_id)["SystemModstamp"].replace("+0000", "Z")
        return self._notification({deal_id: stamp}, [deal_id])

    def _notification(self, stamps: Mapping[str, str], deal_ids: Sequence[str]) -> bytes:
        told = [{"id": deal_id, "system_modstamp": stamps[deal_id], "is_won": True} for deal_id in deal_ids]
        body = {
            "type": "opportunity.changed",
            "organization_id": "00DWs000000000BMAQ",
            "sent_at": "2026-03-02T10:00:01.000Z",
            "opportunities": told,
        }
        return json.dumps(body).encode()

    def end_sessions(self) -> None:
        self.control.revoke_tokens()

    def written(self, deal_id: str) -> dict[str, str]:
        record = self.control.record(deal_id)
        return {
            "status": record["oppsync_Status__c"] or "",
            "project_number": record["oppsync_Project_Number__c"] or "",
            "project_url": record["oppsync_Project_Link__c"] or "",
            "activated_at": (record["oppsync_Activated_At__c"] or "").replace(".000+0000", "Z"),
            "message": record["oppsync_Message__c"] or "",
        }


@contextmanager
def salesforce(folder: Path, *options: str) -> Iterator[SalesforceHarness]:
    credentials = ("--client-id", "oppsync-tests", "--client-secret", CLIENT_SECRET)
    with running("salesforce", folder / "salesforce.sqlite", *credentials, *options) as url:
        yield SalesforceHarness(url)
