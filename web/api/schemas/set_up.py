"""Setting an installation up."""

from __future__ import annotations

from pydantic import Field

from oppsync.domain.values.model import Code, Frozen, Text


class FirmRequest(Frozen):
    """`time_zone`: a name of the IANA list, such as `Europe/Berlin`."""

    name: Text
    time_zone: Code


class TestDealRequest(Frozen):
    record: Code = Field(description="The deal's id in the CRM.")


class GoLiveRequest(Frozen):
    second: Code = Field(description="The e-mail address of the second administrator.")
