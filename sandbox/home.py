"""What the sandbox keeps between runs under `.oppsync/`: keys, passwords, tokens and addresses."""

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

# The ERP's seeded template takes half a minute to build, so all homes share it.
TRYTON_CACHE = CHECKOUT / ".oppsync" / "cache" / "tryton"


# Names of keys. By the first, a stack's stand-ins and their controllers recognise each other.
IDENTITY, TRYTON_REST_KEY = "identity", "tryton_rest_key"
SALESFORCE_CLIENT_SECRET, KANTATA_TOKEN = "salesforce_client_secret", "kantata_token"


class Addresses(Frozen):
    """The addresses of the running product and of the demo firm's systems."""

    web: str
    tryton: str
    salesforce: str
    kantata: str


@dataclass(frozen=True)
class Home:
    """A folder of the embedded default; only its owner can read the secret files in it."""

    root: Path

    @classmethod
    def here(cls) -> Home:
        """`OPPSYNC_HOME`, else `.oppsync/` in the checkout."""
        return cls(home_folder())

    def settings_for(self, servers: ServerAddresses) -> Settings:
        """The settings for servers of our own, with the keys and the mail folder of this home."""
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
        """`OPPSYNC_SECRET_KEYS` of the embedded default, made on first use."""
        return self._kept("secret_keys", lambda: secrets.token_urlsafe(32))

    def key(self, name: str) -> str:
        """A key for one of the demo firm's systems, made on first use and different in every stack."""
        return self._kept(name, lambda: secrets.token_hex(32))

    def key_file(self, name: str) -> Path:
        """The file of `key`, for commands: a path may be read by everybody on this machine, a key may not."""
        self.key(name)
        return self.root / name

    def webhook_secret(self) -> str:
        return self._kept(
            "webhook_secret", lambda: f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        )

    def passwords(self, emails: Iterable[str]) -> dict[str, str]:
        """E-mail -> password, with new passwords for people who have none yet."""
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
        """The addresses of the last start; None when there was none."""
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
        """Write a file as a whole or not at all, never readable by others in between."""
        self.root.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY), "w") as file:
            file.write(text)
        draft.replace(path)
