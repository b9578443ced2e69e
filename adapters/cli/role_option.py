"""Roles as the command line takes them: `finance_approver`, with a limit `finance_approver@ACME-DE/DACH`, and
`approver:tax` for an approver's role that the configuration names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from oppsync.domain.values.limits import Granted, Limits, RoleLimit, in_order
from oppsync.domain.values.roles import PersonRole, Role


class RoleType(click.ParamType[Granted]):
    """One role and its limit, as what is granted by it."""

    name = "role"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "ROLE[@ENTITIES][/REGIONS]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Granted:
        if isinstance(value, Granted):
            return value
        name, at, limit = value.partition("@")
        role = self._role(name, param, ctx)
        if not at:
            return Granted(frozenset({role}))
        entities, _, regions = limit.partition("/")
        if not _codes(entities) and not _codes(regions):
            self.fail(
                f"{value!r} names neither entities nor regions: {name}@ENTITY,ENTITY/REGION,REGION.", param, ctx
            )
        limited = RoleLimit(role=role, entities=_codes(entities), regions=_codes(regions))
        return Granted(frozenset({role}), (limited,))

    def _role(self, name: str, param: click.Parameter | None, ctx: click.Context | None) -> Role:
        try:
            return _ROLE.validate_python(name)
        except ValidationError:
            self.fail(_no_role(name), param, ctx)


def known_roles(ctx: click.Context, param: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        ROLE.convert(name, param, ctx)
    return names


def _no_role(name: str) -> str:
    return f"{name!r} is no role. There are {', '.join(PersonRole)}{_FURTHER}."


_ROLE: TypeAdapter[Role] = TypeAdapter(Role)
_FURTHER = ", and approver:CODE for an approval role of the configuration"
ROLE = RoleType()
ROLE_HELP = (
    f"One of {', '.join(PersonRole)}{_FURTHER}; an approver's may be limited, as in "
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
    removed = frozenset(remove)
    gone = added.roles | removed
    kept = Granted(before.roles - gone, tuple(each for each in before.limits if each.role not in gone))
    return together((kept, Granted(added.roles - removed, added.limits)))


def as_written(roles: Iterable[str], limits: Limits) -> str:
    """As the options take them."""
    by_role = {each.role: each for each in limits}
    return ", ".join(_written(role, by_role.get(role)) for role in roles)


def _written(role: str, limit: RoleLimit | None) -> str:
    if limit is None:
        return role
    regions = f"/{','.join(limit.regions)}" if limit.regions else ""
    return f"{role}@{','.join(limit.entities)}{regions}"


def _codes(text: str) -> tuple[str, ...]:
    return tuple(code for code in (part.strip() for part in text.split(",")) if code)
