"""What the token may see in Kantata: projects, and the roles that staffing requests name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adapters.psa.kantata.client import KantataClient
from oppsync.domain.work.observations import Observation, fine, lacks_record, note


def inspected(client: KantataClient, mapped: Mapping[str, int]) -> Iterator[Observation]:
    known = {role.id: role.name for role in client.roles()}
    yield fine("Projects can be searched, and roles listed.")
    yield from _roles(mapped, known)
    yield note(
        "Whether projects may be created shows with the first deal: the set-up guide names the user's rights."
    )


def _roles(mapped: Mapping[str, int], known: Mapping[str, str]) -> Iterator[Observation]:
    if not mapped:
        offered = ", ".join(f"{name} = {number}" for number, name in known.items()) or "none"
        yield note(f"No role is mapped, so no staffing can be requested. The account has: {offered}.")
    for name, number in mapped.items():
        if str(number) in known:
            yield fine(f"The role {name} is {known[str(number)]} ({number}) there.")
        else:
            yield lacks_record(
                f"The role {name} is mapped to {number}, which the account does not have.",
                "Correct the setting roles: the set-up guide says where Kantata shows the ids.",
            )
