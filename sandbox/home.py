"""What the sandbox keeps between runs: keys, passwords, tokens and addresses, under `.oppsync/`."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr, ValidationError

from adapters.runtime.local_set import CHECKOUT, OWNER_ONLY, home_folder
from oppsync.domain.values.model import Frozen
from oppsync.kernel.settings import Settings
from sandbox.embedded import ServerAddresses

# The ERP's seeded template: half a minute to build, the same for every home.
TRYTON_CACHE = CHECKOUT / ".oppsync" / "cache" / "tryton"


# Names of keys: by the first a stack's stand-ins and whoever directs them recognise each other.
IDENTITY, TRYTON_REST_KEY = "identity", "tryton_rest_key"
SALESFORCE_CLIENT_SECRET, KANTATA_TOKEN = "salesforce_client_secret", "kantata_token"


class Addresses(Frozen):
    """Where the running product and the demo firm's systems listen."""

    web: str
    tryton: str
    salesforce: str
    kantata: str


@dataclass(frozen=True)
class Home:
    """A folder of the embedded default; secrets in it are files that only their owner reads."""

    root: Path

    @classmethod
    def here(cls) -> Home:
        """`OPPSYNC_HOME`, else `.oppsync/` in the checkout."""
        return cls(home_folder())

    def settings_for(self, servers: ServerAddresses) -> Settings:
        """Of servers of our own: keys and mail folder of this home."""
        return Settings(
            database_url=SecretStr(servers.database_url),
            redis_url=SecretStr(servers.redis_url),
            secret_keys=SecretStr(os.environ.get("OPPSYNC_SECRET_KEYS") or self.secret_keys()),
            outbox_folder=self.mail,
        )

    @property
    def servers(self) -> Path:
        return self.root / "servers"

    @property
    def tryton(self) -> Path:
        return self.root / "tryton"

    @property
    def mail(self) -> Path:
        return self.root / "mail"

    def books(self, vendor: str) -> Path:
        """The SQLite file of a stand-in."""
        return self.root / "standins" / f"{vendor}.sqlite"

    def log(self, name: str) -> Path:
        return self.root / "log" / f"{name}.log"

    def secret_keys(self) -> str:
        """`OPPSYNC_SECRET_KEYS` of the embedded default, made at first use."""
        return self._kept("secret_keys", lambda: secrets.token_urlsafe(32))

    def key(self, name: str) -> str:
        """What opens one of the demo firm's systems, made at first use; no other stack has the same."""
        return self._kept(name, lambda: secrets.token_hex(32))

    def key_file(self, name: str) -> Path:
        """Where `key` keeps it: a path can stand in a command that everybody on this machine may read."""
        self.key(name)
        return self.root / name

    def webhook_secret(self) -> str:
        return self._kept(
            "webhook_secret", lambda: f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        )

    def passwords(self, emails: Iterable[str]) -> dict[str, str]:
        """E-mail -> password, made for people who have none yet."""
        return self._pairs("passwords", emails, lambda: secrets.token_urlsafe(12))

    def token(self, email: str, is_known: Callable[[str], bool], make: Callable[[], str]) -> str:
        """An API token that acts as this person: the kept one if it `is_known`, else a new one."""
        known = self._read_pairs("tokens")
        if email not in known or not is_known(known[email]):
            known[email] = make()
            self._write_pairs("tokens", known)
        return known[email]

    def remember(self, addresses: Addresses) -> None:
        (self.root / "addresses.json").write_text(addresses.model_dump_json(indent=2) + "\n")

    def addresses(self) -> Addresses | None:
        """Of the last start; None when there was none."""
        try:
            return Addresses.model_validate_json((self.root / "addresses.json").read_text())
        except (FileNotFoundError, ValidationError):
            return None

    def _kept(self, name: str, make: Callable[[], str]) -> str:
        path = self.root / name
        if not path.exists():
            self._write(path, make() + "\n")
        return path.read_text().strip()

    def _pairs(self, name: str, keys: Iterable[str], make: Callable[[], str]) -> dict[str, str]:
        known = self._read_pairs(name)
        pairs = known | {key: make() for key in keys if key not in known}
        if pairs != known:
            self._write_pairs(name, pairs)
        return pairs

    def _read_pairs(self, name: str) -> dict[str, str]:
        path = self.root / name
        lines = path.read_text().splitlines() if path.exists() else []
        return dict(line.split(maxsplit=1) for line in lines if " " in line)

    def _write_pairs(self, name: str, pairs: dict[str, str]) -> None:
        self._write(self.root / name, "".join(f"{key} {value}\n" for key, value in pairs.items()))

    def _write(self, path: Path, text: str) -> None:
        """All or nothing, and never readable by others in between."""
        self.root.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY), "w") as file:
            file.write(text)
        draft.replace(path)
