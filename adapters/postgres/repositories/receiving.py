"""What a delivery brings, as one statement: its row in the inbox, a deal for each record it names, the links
between them, and a message for each deal.

The deals are locked in the order of the records, so that two deliveries at once do not deadlock; all writers of
several deals keep to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, Column, Integer, Text, bindparam, case, cast, func, select, true
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from adapters.postgres.notices import CHANNEL
from adapters.postgres.repositories.opportunities import receiving
from adapters.postgres.session import rows_of, to_be_set
from adapters.postgres.tables import inbox, inbox_opportunities, opportunities, outbox
from oppsync.domain.deal.opportunity import OpportunityRef
from oppsync.domain.work.intake import Delivery

STORED = ("id", "body_sha256", *Delivery.model_fields)


def _statement(stored: Any) -> Any:
    """`stored` has the event's id, or no row: then nothing is written and no row returned."""
    tenant, traceparent = bindparam("new_tenant_id", type_=Text), bindparam("new_traceparent", type_=Text)
    connection, stage = bindparam("new_connection_id", type_=Text), bindparam("of_stage", type_=Text)
    number, message_id = Column("number", Integer), Column("message_id", postgresql.UUID(as_uuid=True))
    deal = opportunities.c
    rows = rows_of("named", (number, message_id, deal.id, deal.source_id, deal.told_until))
    named = (
        select(*rows.c, stored.c.id.label("event_id")).select_from(rows.join(stored, true())).cte("named_rows")
    )
    new = (tenant, named.c.id, connection, named.c.source_id, named.c.told_until, traceparent)
    received = receiving(select(*new).order_by(named.c.number)).cte("received")
    both = received.join(named, received.c.source_id == named.c.source_id)
    linked = (
        insert(inbox_opportunities)
        .from_select(
            ["tenant_id", "inbox_id", "opportunity_id"],
            select(tenant, named.c.event_id, received.c.id).select_from(both),
        )
        .on_conflict_do_nothing()
        .cte("linked")
    )
    sent = (
        insert(outbox)
        .from_select(
            ["tenant_id", "id", "opportunity_id", "stage", "traceparent", "connection_id"],
            select(tenant, named.c.message_id, received.c.id, stage, traceparent, connection).select_from(both),
        )
        .cte("sent")
    )
    notice = case((bindparam("with_notice", type_=Boolean), cast(func.pg_notify(CHANNEL, ""), Text)))
    answer = select(
        stored.c.id.label("event_id"), received.c.id, received.c.source_id, received.c.is_new, notice
    )
    return answer.select_from(stored.outerjoin(received, true())).add_cte(linked, sent)


ACCEPT = _statement(
    insert(inbox)
    .values(to_be_set(inbox, STORED))
    .on_conflict_do_nothing(index_elements=["tenant_id", "connection_id", "delivery_id"])
    .returning(inbox.c.id)
    .cte("stored")
)
RECEIVE = _statement(select(bindparam("new_id", type_=inbox.c.id.type).label("id")).cte("stored"))


def named_rows(named: Sequence[OpportunityRef]) -> list[dict[str, Any]]:
    return [
        {
            "number": number,
            "message_id": str(uuid7()),
            "id": str(uuid7()),
            "source_id": ref.id,
            "told_until": None if ref.modified_at is None else ref.modified_at.isoformat(),
        }
        for number, ref in enumerate(named)
    ]
