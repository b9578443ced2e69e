"""Send notifications by e-mail."""

from __future__ import annotations

import smtplib
import ssl
from urllib.parse import unquote, urlsplit

from adapters.notify.mail import as_mail, domain_of
from oppsync.domain.plan.orders import Message
from oppsync.kernel.errors import Misconfigured, NotificationRefused, OppsyncError, TransientError
from oppsync.ports.clock import Clock

TIMEOUT_SECONDS = 10
PERMANENT = 500
PORTS = {"smtp": 587, "smtps": 465}


class SmtpNotifier:
    """Sends through `smtp://[user:password@]host[:port]`, or `smtps://` for TLS from the first byte.

    With `smtp` the connection changes to TLS when the server offers it; a password is sent over TLS only.
    Raises Misconfigured for another kind of address.
    """

    delivers = True

    def __init__(self, url: str, mail_from: str, clock: Clock) -> None:
        try:
            parts = urlsplit(url)
            default_port = PORTS[parts.scheme]
            self._port = parts.port or default_port
        except (ValueError, KeyError):
            raise Misconfigured("the mail server's address must begin with smtp:// or smtps://") from None
        if not parts.hostname:
            raise Misconfigured("the mail server's address names no host")
        self._host = parts.hostname
        self._tls_first = parts.scheme == "smtps"
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._mail_from = mail_from
        self._clock = clock

    def send(self, message: Message) -> None:
        """Raises NotificationRefused for a message that the mail server will never take, TransientError when it
        may take it later."""
        try:
            mail = as_mail(message, self._mail_from, self._clock.now())
        except ValueError as error:
            raise NotificationRefused(f"no mail can be addressed to it: {error}") from None
        try:
            with self._connected() as server:
                server.send_message(mail)
        except (smtplib.SMTPNotSupportedError, UnicodeEncodeError):
            raise NotificationRefused(f"{self._server} does not take addresses of this form") from None
        except smtplib.SMTPRecipientsRefused as error:
            ((code, _),) = error.recipients.values()
            raise self._answered(code) from None
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            raise self._answered(error.smtp_code) from None
        except smtplib.SMTPResponseException as error:
            raise self._failed(f"answered {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise self._failed(type(error).__name__) from None

    def _connected(self) -> smtplib.SMTP:
        us = domain_of(self._mail_from)
        tls = ssl.create_default_context()
        if self._tls_first:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, us, timeout=TIMEOUT_SECONDS, context=tls
            )
        else:
            server = smtplib.SMTP(self._host, self._port, us, timeout=TIMEOUT_SECONDS)
        try:
            self._sign_in(server, tls)
        except BaseException:
            server.close()
            raise
        return server

    def _sign_in(self, server: smtplib.SMTP, tls: ssl.SSLContext) -> None:
        server.ehlo()
        if not self._tls_first and server.has_extn("starttls"):
            server.starttls(context=tls)
        elif not self._tls_first and self._user:
            raise self._failed("offers no TLS, so the password was not sent")
        if self._user:
            server.login(self._user, self._password)

    @property
    def _server(self) -> str:
        return f"mail server {self._host}:{self._port}"

    def _answered(self, code: int) -> OppsyncError:
        """Turn the answer to this one message into an error: RFC 5321 makes 5xx permanent."""
        if code >= PERMANENT:
            return NotificationRefused(f"{self._server} answered {code}")
        return self._failed(f"answered {code}")

    def _failed(self, words: str) -> TransientError:
        return TransientError(f"{self._server}: {words}")
