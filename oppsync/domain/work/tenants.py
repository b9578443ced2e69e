"""The firm of an installation, and what it did on the way to going live."""

from __future__ import annotations

from pydantic import AwareDatetime

from oppsync.domain.values.model import Code, Frozen, Text

LONGEST_FIRM_NAME = 200


class TriedDeal(Frozen):
    """The last deal of the CRM that was previewed to see whether the set-up is complete. `stopped_by`: the
    codes of what would stop it."""

    at: AwareDatetime
    record_id: Code
    name: Text
    plan_hash: Code | None = None
    stopped_by: tuple[Code, ...] = ()

    @property
    def would_become_a_plan(self) -> bool:
        return self.plan_hash is not None and not self.stopped_by


class Tenant(Frozen):
    """`time_zone` is None until somebody named the firm. `went_live_by` and `second_admin` are actors."""

    id: Code
    name: Text
    time_zone: Code | None = None
    went_live_at: AwareDatetime | None = None
    went_live_by: Code | None = None
    second_admin: Code | None = None
    tried_deal: TriedDeal | None = None

    @property
    def is_live(self) -> bool:
        return self.went_live_at is not None
