"""The settings and secrets of a connection to Kantata, and the capabilities that follow from them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from oppsync.domain.plan.capabilities import PsaCapabilities
from oppsync.domain.values.model import Code, Frozen


class KantataSettings(Frozen):
    """`timeout` is of a whole call; `late_commit`: how long after that a write may still happen;
    `search_lag`: how long a search may miss it."""

    base_url: Code = Field(
        title="Address of the API", description="https://api.mavenlink.com, unless yours is another"
    )
    web_url: Code | None = Field(
        default=None, title="Address of the pages", description="Where people open projects"
    )
    roles: dict[str, int] = Field(
        default={},
        title="Roles",
        description="Name of each role that may be requested = its id in Kantata, one a line",
    )
    timeout: Annotated[float, Field(gt=0, le=60)] = Field(default=15.0, title="Seconds to wait for an answer")
    late_commit: Annotated[float, Field(ge=0)] = Field(
        default=30.0, title="Seconds after which an unanswered write can be looked up"
    )
    search_lag: Annotated[float, Field(ge=0)] = Field(
        default=15.0, title="Seconds by which a search may be late"
    )


class KantataSecrets(Frozen):
    token: SecretStr = Field(title="Access token", description="Of the account's integration user")


def capabilities(settings: KantataSettings) -> PsaCapabilities:
    return PsaCapabilities(revises=True, reopens=True)
