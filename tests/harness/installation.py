"""An installation as who keeps its configuration works it: by `oppsync` on the command line alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner
from sqlalchemy import text

from adapters.bootstrap import Application
from adapters.cli.__main__ import oppsync
from oppsync.domain.configuration.bundle import fingerprint
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.values.scopes import EVERY_SCOPE
from oppsync.kernel.settings import Settings
from oppsync.services.admin.commands import CreatePerson, CreateToken
from tests.harness.builders import TENANT


class Installation:
    """One with a database and a secret key of its own. `tokens`: of people by name; the first acts where
    nobody is named."""

    def __init__(self, settings: Settings, application: Application, tokens: Mapping[str, str]) -> None:
        self.application = application
        self._environment = {
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "REDIS_URL": settings.redis_url.get_secret_value(),
            "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        }
        self._tokens = tokens

    def run(self, *arguments: object, by: str = "") -> str:
        environment = self._environment | {"OPPSYNC_TOKEN": self._tokens[by or next(iter(self._tokens))]}
        result = CliRunner().invoke(oppsync, [*map(str, arguments)], env=environment)
        assert result.exit_code == 0, result.output
        return result.output

    def config(self, *arguments: object, by: str = "") -> str:
        return self.run("config", *arguments, by=by)

    def agreed(self, *arguments: object, by: str) -> None:
        """Proposed by the first, and agreed to by another."""
        proposal = self.config(*arguments).rpartition("Proposed as ")[2].split()[0].rstrip(":")
        self.config("approve", proposal, by=by)

    def exported(self, folder: Path) -> dict[str, bytes]:
        self.config("export", folder)
        return {each.name: each.read_bytes() for each in folder.iterdir()}

    @property
    def fingerprint(self) -> str:
        with self.application.uow.reading() as uow:
            return fingerprint(uow.configurations.rows(TENANT))

    @property
    def newest(self) -> int:
        """The number of the version in force."""
        with self.application.uow.reading() as uow:
            return max(each.number for each in uow.configurations.versions(TENANT))

    def go_live(self) -> None:
        with self.application.engine.begin() as connection:
            connection.execute(text("update tenants set went_live_at = now()"))


def two_hired(application: Application) -> dict[str, str]:
    """Two who may agree to changes, with their tokens."""
    return {name: _hired(application, name) for name in ("fay", "fred")}


def _hired(application: Application, name: str) -> str:
    email, roles = f"{name}@example.com", frozenset({PersonRole.FINANCE_APPROVER})
    password = f"the long password of {name}"
    application.dispatch(CreatePerson(TENANT, COMMAND_LINE, email, name, password, roles))
    return application.dispatch(CreateToken(TENANT, COMMAND_LINE, f"{name}'s", email, EVERY_SCOPE))
