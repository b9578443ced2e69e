"""Commands of the set-up."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.reading.preview import PlanPreview
from oppsync.domain.values.actor import Asker, AskingPerson
from oppsync.kernel.bus import Command


@dataclass(frozen=True)
class NameFirm(Command[None]):
    """Set the firm's name and its time zone. Raises Forbidden; InvalidInput for an empty name and a zone that
    the IANA list does not have."""

    tenant_id: str
    actor: Asker
    name: str
    time_zone: str


@dataclass(frozen=True)
class TryDeal(Command[PlanPreview]):
    """Preview a record of the CRM, and remember what it would become. Raises Forbidden, InvalidInput, and as
    `PreviewPlan` does."""

    tenant_id: str
    actor: Asker
    record_id: str


@dataclass(frozen=True)
class GoLive(Command[None]):
    """From now on what needs two people needs two. `second_email`: another administrator who can sign in.
    Raises Forbidden; InvalidInput for somebody who cannot be the second; Conflict (code ALREADY_LIVE)."""

    tenant_id: str
    actor: AskingPerson
    second_email: str
