"""Roles as the command line takes them: `finance_approver`, or with a limit `finance_approver@ACME-DE/DACH`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from oppsync.domain.values.limits import Granted, Limits, RoleLimit, in_order
from oppsync.domain.values.roles import PersonRole


class RoleType(click.ParamType[Granted]):
    """One role and its limit, as what is granted by it."""

    name = "role"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "ROLE[@ENTITIES][/REGIONS]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Granted:
        if isinstance(value, Granted):
            return value
        name, at, limit = value.partition("@")
        if name not in list(PersonRole):
            self.fail(f"{name!r} is no role. There are {', '.join(PersonRole)}.", param, ctx)
        role = PersonRole(name)
        if not at:
            return Granted(frozenset({role}))
        entities, _, regions = limit.partition("/")
        if not _codes(entities) and not _codes(regions):
            self.fail(
                f"{value!r} names neither entities nor regions: {name}@ENTITY,ENTITY/REGION,REGION.", param, ctx
            )
        limited = RoleLimit(role=role, entities=_codes(entities), regions=_codes(regions))
        return Granted(frozenset({role}), (limited,))


ROLE = RoleType()
ROLE_HELP = (
    f"One of {', '.join(PersonRole)}; an approver's may be limited, as in "
    "finance_approver@ACME-DE,ACME-CH/DACH or finance_approver@/DACH. Repeatable."
)


def together(roles: Iterable[Granted]) -> Granted:
    """All of them. Of a role that is named twice, both limits: the handler refuses that."""
    every = tuple(roles)
    limits = in_order(limit for each in every for limit in each.limits)
    return Granted(frozenset(role for each in every for role in each.roles), limits)


def with_and_without(before: Granted, add: Iterable[Granted], remove: Iterable[str]) -> Granted:
    """A role that is added anew has the limit that is named now."""
    added = together(add)
    gone = added.roles.union(map(PersonRole, remove))
    kept = Granted(before.roles - gone, tuple(each for each in before.limits if each.role not in gone))
    return together((kept, Granted(added.roles.difference(map(PersonRole, remove)), added.limits)))


def as_written(roles: Iterable[PersonRole], limits: Limits) -> str:
    """As the options take them."""
    by_role = {each.role: each for each in limits}
    return ", ".join(_written(role, by_role.get(role)) for role in roles)


def _written(role: PersonRole, limit: RoleLimit | None) -> str:
    if limit is None:
        return role.value
    regions = f"/{','.join(limit.regions)}" if limit.regions else ""
    return f"{role.value}@{','.join(limit.entities)}{regions}"


def _codes(text: str) -> tuple[str, ...]:
    return tuple(code for code in (part.strip() for part in text.split(",")) if code)
