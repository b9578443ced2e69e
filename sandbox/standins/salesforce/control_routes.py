"""The Salesforce stand-in's control routes: whole deals, records, the journal, the webhook, its deliveries."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, Response, request

from sandbox.standins.salesforce.errors import SalesforceError
from sandbox.standins.salesforce.ids import full_id
from sandbox.standins.salesforce.notifier import Notifier, Settings
from sandbox.standins.salesforce.oauth import OAuth
from sandbox.standins.salesforce.org import Org
from sandbox.standins.surface import Refused, answer, asked, control_route
from sandbox.standins.wire import Json

MATCHED_BY = {"Account": "AccountNumber", "User": "Email", "Product2": "ProductCode"}
BY = "user"


def add_routes(app: Flask, org: Org, notifier: Notifier, sign_in: OAuth) -> None:
    app.register_error_handler(SalesforceError, lambda error: answer({"error": str(error)}, 400))
    _deal_routes(app, org)
    _record_routes(app, org)
    _webhook_routes(app, org, notifier)

    @control_route(app, "POST", "/tokens/revoke")
    def revoke_tokens() -> Response:
        sign_in.revoke_all()
        return answer({})


def _deal_routes(app: Flask, org: Org) -> None:
    @control_route(app, "POST", "/deals")
    def win_deal() -> Response:
        with org.transaction():
            return answer(_deal(org, asked()), 201)

    @control_route(app, "PATCH", "/deals/<deal_id>")
    def edit_deal(deal_id: str) -> Response:
        with org.transaction():
            return answer(_edited(org, deal_id, asked()))

    @control_route(app, "DELETE", "/deals/<deal_id>")
    def delete_deal(deal_id: str) -> Response:
        at = datetime.now(UTC) - timedelta(minutes=float(request.args.get("minutes_ago", "0")))
        with org.transaction():
            org.delete("Opportunity", deal_id, BY, at)
        return answer({})

    @control_route(app, "POST", "/deals/<deal_id>/undelete")
    def undelete_deal(deal_id: str) -> Response:
        with org.transaction():
            org.undelete(deal_id, BY)
        return answer({})

    @control_route(app, "POST", "/accounts/<account_id>/merge")
    def merge_accounts(account_id: str) -> Response:
        with org.transaction():
            org.merge_accounts(account_id, asked()["loser"], BY)
        return answer({})

    @control_route(app, "POST", "/recycle-bin/purge")
    def purge() -> Response:
        with org.transaction():
            org.bin.purge()
        return answer({})


def _record_routes(app: Flask, org: Org) -> None:
    @control_route(app, "GET", "/records/<record_id>")
    def record(record_id: str) -> Response:
        sobject = next((s for s in org.objects.values() if record_id.startswith(s.prefix)), None)
        if sobject is None:
            raise Refused(f"{record_id}: no object has ids that begin so")
        return answer(org.record(sobject, record_id))

    @control_route(app, "PATCH", "/records/<record_id>")
    def edit_record(record_id: str) -> Response:
        sobject = next(s for s in org.objects.values() if record_id.startswith(s.prefix))
        with org.transaction():
            org.update(sobject.name, record_id, asked(), BY)
        return answer(org.record(sobject, record_id))

    @control_route(app, "GET", "/records")
    def records() -> Response:
        sobject = org.sobject(request.args.get("type", ""))
        rows = org.books.rows(f'SELECT "Id" FROM "{sobject.name}" ORDER BY rowid')
        return answer([org.record(sobject, row["Id"]) for row in rows])

    @control_route(app, "GET", "/changes/<record_id>")
    def changes(record_id: str) -> Response:
        rows = org.books.rows("SELECT * FROM changes WHERE id = ? ORDER BY number", (full_id(record_id),))
        return answer([dict(row) for row in rows])


def _webhook_routes(app: Flask, org: Org, notifier: Notifier) -> None:
    @control_route(app, "PUT", "/webhook")
    def configure() -> Response:
        wanted = asked()
        secret = wanted.pop("secret", None)
        settings = Settings.model_validate(wanted)
        try:
            notifier.configure(settings, secret)
        except ValueError as error:
            raise Refused(str(error)) from error
        return answer(notifier.settings().model_dump())

    @control_route(app, "GET", "/webhook")
    def webhook() -> Response:
        return answer(notifier.settings().model_dump())

    @control_route(app, "GET", "/deliveries")
    def deliveries() -> Response:
        return answer([dict(row) for row in org.books.rows("SELECT * FROM deliveries ORDER BY number")])

    @control_route(app, "POST", "/deliveries/<delivery_id>/resend")
    def resend(delivery_id: str) -> Response:
        if not notifier.settings().url:
            raise Refused("no webhook is configured: PUT /_standin/webhook first")
        if not notifier.resend(delivery_id):
            raise Refused(f"{delivery_id}: no such delivery")
        row = org.books.rows("SELECT * FROM deliveries WHERE id = ?", (delivery_id,))[0]
        return answer(dict(row))

    @control_route(app, "POST", "/notifications")
    def notify() -> Response:
        ids = [org.find(org.objects["Opportunity"], record_id)["Id"] for record_id in asked().get("ids", [])]
        return answer({"deliveries": notifier.notify(ids)}, 201)


def _deal(org: Org, deal: Mapping[str, Json]) -> dict[str, Json]:
    """Make a whole deal; fields that are left out stay empty in the org."""
    account = _matched(org, "Account", deal.get("account"))
    owner = _matched(org, "User", deal.get("owner"))
    fields = {**deal.get("opportunity", {}), "AccountId": account, "OwnerId": owner}
    requester = _matched(org, "User", deal.get("created_by")) or owner
    opportunity = org.insert("Opportunity", fields, BY, created_by=requester)
    lines: list[str] = []
    milestones: list[str] = []
    for line in deal.get("lines", []):
        line_id, its_milestones = _line(org, opportunity, line)
        lines.append(line_id)
        milestones += its_milestones
    return {"id": opportunity, "account": account, "owner": owner, "lines": lines, "milestones": milestones}


def _edited(org: Org, deal_id: str, edit: Mapping[str, Json]) -> dict[str, Json]:
    """Change the lines and milestones with an Id, add the others, delete the ids in `delete`."""
    row = org.find(org.objects["Opportunity"], deal_id)
    opportunity = str(row["Id"])
    fields = dict(edit.get("opportunity", {}))
    if "account" in edit:
        fields["AccountId"] = _matched(org, "Account", edit["account"])
    if "owner" in edit:
        fields["OwnerId"] = _matched(org, "User", edit["owner"])
    lines = [_changed_line(org, opportunity, line) for line in edit.get("lines", [])]
    for milestone in edit.get("milestones", []):
        org.update("Billing_Milestone__c", milestone["Id"], _without(milestone, "Id"), BY)
    for gone in edit.get("delete", []):
        org.delete("OpportunityLineItem" if gone.startswith("00k") else "Billing_Milestone__c", gone, BY)
    if fields:
        org.update("Opportunity", opportunity, fields, BY)
    return {"id": opportunity, "lines": lines}


def _changed_line(org: Org, opportunity: str, line: Mapping[str, Json]) -> str:
    if "Id" not in line:
        return _line(org, opportunity, line)[0]
    org.update("OpportunityLineItem", line["Id"], _without(line, "Id"), BY)
    return str(line["Id"])


def _line(org: Org, opportunity: str, line: Mapping[str, Json]) -> tuple[str, Sequence[str]]:
    product = _matched(org, "Product2", line.get("Product2"))
    fields = _without(line, "Product2", "milestones") | {"OpportunityId": opportunity, "Product2Id": product}
    line_id = org.insert("OpportunityLineItem", fields, BY)
    milestones = [
        org.insert(
            "Billing_Milestone__c",
            {**milestone, "Opportunity__c": opportunity, "Opportunity_Line_Id__c": line_id},
            BY,
        )
        for milestone in line.get("milestones", [])
    ]
    return line_id, milestones


def _matched(org: Org, name: str, fields: Mapping[str, Json] | None) -> str | None:
    """Update the record with the same account number, e-mail or product code, or make a new one."""
    if fields is None:
        return None
    key = MATCHED_BY[name]
    row = org.books.row(f'SELECT * FROM "{name}" WHERE "{key}" = ?', (fields.get(key),))
    if row is None:
        return org.insert(name, fields, BY)
    if any(row[field] != value for field, value in fields.items()):
        org.update(name, row["Id"], fields, BY)
    return str(row["Id"])


def _without(fields: Mapping[str, Any], *names: str) -> dict[str, Json]:
    return {name: value for name, value in fields.items() if name not in names}
