"""Owners of exception codes: who acts on a code in this firm, where the code's own owner does not."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from oppsync.domain.reference.book import ANY, reference_key
from oppsync.domain.values.findings.finding import OwnerRole
from oppsync.domain.values.model import Frozen


class ExceptionOwner(Frozen):
    """Key: `<code>|<entity code>|<region>`, where `*` stands for every other entity or region.

    A row that names the deal's entity comes before one that names its region alone.
    """

    owner: OwnerRole


def owner_of(
    owners: Mapping[str, OwnerRole], code: str, entity: str | None, region: str | None
) -> OwnerRole | None:
    """`owners`: key -> owner. None when no row is about this code there."""
    places = product(*([each, ANY] if each else [ANY] for each in (entity, region)))
    keys = (reference_key(code, *place) for place in places)
    return next((owners[key] for key in keys if key in owners), None)
