"""Settings from the environment; read once, by the composition root, then passed."""

from __future__ import annotations

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LONGEST_RETENTION = 36_500  # days: Postgres has to reckon with them


class Settings(BaseSettings):
    """`secret_keys`: comma-separated random secrets, the first encrypts, all decrypt.

    Without `smtp_url` notifications are written as files into `outbox_folder`.
    """

    model_config = SettingsConfigDict(env_prefix="OPPSYNC_", extra="ignore", frozen=True)

    database_url: SecretStr = Field(validation_alias=AliasChoices("DATABASE_URL", "database_url"))
    redis_url: SecretStr = Field(
        validation_alias=AliasChoices("REDIS_TLS_URL", "REDIS_URL", "redis_url"),
    )
    # Heroku's Redis has a self-signed certificate: encrypted, but not verifiable.
    redis_tls_verify: bool = True
    secret_keys: SecretStr
    base_url: str = "http://127.0.0.1:8000"
    smtp_url: SecretStr | None = None
    mail_from: str = "oppsync@localhost"
    outbox_folder: Path = Path(".oppsync/mail")
    # Days until bodies are pruned; their digests stay, and so does the audit trail.
    retention_inbox_days: int = Field(default=90, ge=1, le=LONGEST_RETENTION)
    retention_effects_days: int = Field(default=90, ge=1, le=LONGEST_RETENTION)
    # Days until the recorded vendor calls of a deal are deleted.
    retention_calls_days: int = Field(default=30, ge=1, le=LONGEST_RETENTION)
    # Days until counted attempts to come in are deleted.
    retention_attempts_days: int = Field(default=365, ge=1, le=LONGEST_RETENTION)
    # Days until what a plan was made from is deleted, once it is no deal's plan any more.
    retention_inputs_days: int = Field(default=365, ge=1, le=LONGEST_RETENTION)
    # Days until a report on past deals is deleted, where its rows are neither a version's nor proposed.
    retention_backtests_days: int = Field(default=90, ge=1, le=LONGEST_RETENTION)
    # Roles whose people need a second factor, separated by commas.
    second_factor_roles: str = ""
    sentry_dsn: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("SENTRY_DSN", "sentry_dsn")
    )

    @field_validator("database_url", mode="before")
    @classmethod
    def _with_driver(cls, url: str) -> str:
        """Heroku gives `postgres://`; SQLAlchemy needs the driver in the URL."""
        for scheme in ("postgres://", "postgresql://"):
            if isinstance(url, str) and url.startswith(scheme):
                return "postgresql+psycopg://" + url.removeprefix(scheme)
        return url

    @field_validator("base_url")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @property
    def redis_address(self) -> str:
        """The URL for a Redis client; it contains a password."""
        url = self.redis_url.get_secret_value()
        if self.redis_tls_verify or not url.startswith("rediss://"):
            return url
        return f"{url}{'&' if '?' in url else '?'}ssl_cert_reqs=none"

    @property
    def secure_cookies(self) -> bool:
        return self.base_url.startswith("https://")
