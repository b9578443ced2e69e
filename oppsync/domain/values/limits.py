"""Limits of a role: an approver, or who works exceptions, may be one of some entities and regions only.

A limit bounds what somebody does to single deals. The other roles do nothing to one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, model_validator

from oppsync.domain.values.model import Code, Frozen
from oppsync.domain.values.roles import PersonRole, Role, is_approver, role_name

_WORKS_ON_DEALS = frozenset({PersonRole.OPERATIONS, PersonRole.INTEGRATION_ADMIN})
_OF_THE_WHOLE_FIRM = {
    PersonRole.ADMIN: "People and their roles belong to the whole firm.",
    PersonRole.AUDITOR: "It reads, as every role does, and reading is for the whole firm.",
    PersonRole.EXECUTIVE: "It reads, as every role does, and reading is for the whole firm.",
}


def is_limitable(role: str) -> bool:
    return is_approver(role) or role in _WORKS_ON_DEALS


def why_not_limitable(role: str) -> str:
    return next((why for each, why in _OF_THE_WHOLE_FIRM.items() if each == role), "")


def _in_order(codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(codes)))


Codes = Annotated[tuple[Code, ...], AfterValidator(_in_order)]


class Place(Frozen):
    """Where a deal is made: its contracting entity, its region, and those in which its lines are delivered."""

    entity: Code | None
    regions: tuple[Code, ...] = ()


class RoleLimit(Frozen):
    """The role counts for deals of these entities that stay within these regions; none named: for all."""

    role: Role
    entities: Codes = ()
    regions: Codes = ()

    @model_validator(mode="after")
    def _names_something(self) -> RoleLimit:
        if not self.entities and not self.regions:
            raise ValueError("names neither entities nor regions: leave the limit out for a role without one")
        return self

    def covers(self, place: Place | None) -> bool:
        """A deal of which entity or region is not known is not covered."""
        if place is None:
            return False
        of_entity = not self.entities or place.entity in self.entities
        in_region = not self.regions or (place.regions != () and set(place.regions) <= set(self.regions))
        return of_entity and in_region

    def widens(self, before: RoleLimit) -> bool:
        """Whether it lets through what `before` did not."""
        return _wider(self.entities, before.entities) or _wider(self.regions, before.regions)


Limits = tuple[RoleLimit, ...]
NO_LIMITS: Limits = ()


class Granted(NamedTuple):
    """Roles, and the limits of some of them."""

    roles: frozenset[str]
    limits: Limits = NO_LIMITS

    def limit_of(self, role: str) -> RoleLimit | None:
        return next((each for each in self.limits if each.role == role), None)

    def without_limit(self) -> frozenset[str]:
        """The roles that count for the whole firm."""
        return self.roles - {each.role for each in self.limits}

    def covers(self, roles: Iterable[str], place: Place | None) -> bool:
        """Whether one of these roles counts for a deal made there."""
        held = [(role, self.limit_of(role)) for role in roles if role in self.roles]
        return any(limit is None or limit.covers(place) for _, limit in held)


NOTHING_GRANTED = Granted(frozenset())


def in_order(limits: Iterable[RoleLimit]) -> Limits:
    """As they are compared: by role."""
    return tuple(sorted(limits, key=lambda each: each.role))


def granted_detail(granted: Granted) -> dict[str, object]:
    """For audit events."""
    limits = {str(each.role): each.model_dump(mode="json", exclude={"role"}) for each in granted.limits}
    return {"roles": sorted(granted.roles)} | ({"limits": limits} if limits else {})


def granted_in_words(granted: Granted) -> str:
    return ", ".join(_words(role, granted) for role in sorted(granted.roles)) or "somebody without a role"


def limit_in_words(limit: RoleLimit) -> str:
    """Such as "ACME-DE or ACME-US, in DACH"."""
    regions = f"in {' or '.join(limit.regions)}" if limit.regions else ""
    return ", ".join(part for part in (" or ".join(limit.entities), regions) if part)


def role_in_words(limit: RoleLimit) -> str:
    """Such as "finance approver for ACME-US, in NA only"."""
    of = "for " if limit.entities else ""
    return f"{role_name(limit.role)} {of}{limit_in_words(limit)} only"


def place_in_words(place: Place | None) -> str:
    if place is None or place.entity is None:
        return "the deal names no legal entity yet"
    regions = f", in {' and '.join(place.regions)}" if place.regions else ""
    return f"this deal is of {place.entity}{regions}"


def _words(role: str, granted: Granted) -> str:
    limit = granted.limit_of(role)
    name = role_name(role)
    return f"{name} ({limit_in_words(limit)} only)" if limit else name


def is_more(before: Granted, after: Granted) -> bool:
    """Whether a role was not there before, or counted for less."""
    return any(gains(role, before, after) for role in after.roles)


def gains(role: str, before: Granted, after: Granted) -> bool:
    """The same of one role that `after` has."""
    if role not in before.roles:
        return True
    was, now = before.limit_of(role), after.limit_of(role)
    return was is not None and (now is None or now.widens(was))


def _wider(after: tuple[str, ...], before: tuple[str, ...]) -> bool:
    return bool(before) and (not after or not set(after) <= set(before))
