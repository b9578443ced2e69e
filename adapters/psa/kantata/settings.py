"""The settings and secrets of a connection to Kantata, and the capabilities that follow from them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from oppsync.domain.plan.capabilities import PsaCapabilities
from oppsync.domain.values.model import Code, Frozen


class KantataSettings(Frozen):
    """`web_url`: where people open projects. Seconds: `timeout` of a whole call, `late_commit` how long after
    that a write may still happen, `search_lag` how long a search may miss it. `roles`: the name of each role
    that may be requested, with its id in Kantata."""

    base_url: Code
    web_url: Code | None = None
    timeout: Annotated[float, Field(gt=0, le=60)] = 15.0
    late_commit: Annotated[float, Field(ge=0)] = 30.0
    search_lag: Annotated[float, Field(ge=0)] = 15.0
    roles: dict[str, int] = {}


class KantataSecrets(Frozen):
    token: SecretStr


def capabilities(settings: KantataSettings) -> PsaCapabilities:
    return PsaCapabilities(revises=True, reopens=True)
