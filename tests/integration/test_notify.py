"""Notifications: as files, and through a small mail server on a real socket."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from adapters.notify.files import FileNotifier
from adapters.notify.smtp import SmtpNotifier
from oppsync.domain.plan.orders import Message
from oppsync.domain.values.model import changed
from oppsync.kernel.errors import Misconfigured, TransientError

FROM = "oppsync <oppsync@firm.example>"
MESSAGE = Message(
    key="oppsync:default:sf:006:notification:finance/grace",
    to="grace@firm.example",
    subject="Approve: Müller AG",
    body="Please decide:\nhttps://oppsync.firm.example/approvals/1",
)


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


class MailServer(socketserver.ThreadingTCPServer):
    """Accepts mail as RFC 5321 asks; `refusal` is its answer to a receiver instead of 250."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, refusal: str) -> None:
        super().__init__(("127.0.0.1", 0), _MailHandler)
        self.refusal = refusal
        self.heard: list[str] = []
        self.mails: list[EmailMessage] = []

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _MailHandler(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            self.server.heard.append(line)
            match line.split()[0].upper():
                case "DATA":
                    self._say("354 go on")
                    self._take()
                case "RCPT" if self.server.refusal:
                    self._say(self.server.refusal)
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 fine")

    def _take(self) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        self.server.mails.append(message_from_bytes(b"".join(lines), policy=default))
        self._say("250 taken")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def mail_server(refusal: str = "") -> Iterator[MailServer]:
    with MailServer(refusal) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def test_a_mail_arrives_as_it_was_written() -> None:
    with mail_server() as server:
        SmtpNotifier(server.url, FROM, Noon()).send(MESSAGE)
    [mail] = server.mails
    assert (mail["To"], mail["From"], mail["Subject"]) == (MESSAGE.to, FROM, MESSAGE.subject)
    assert mail.get_content().splitlines() == MESSAGE.body.splitlines()


def test_the_same_notification_sent_twice_is_one_message_to_a_mail_program() -> None:
    with mail_server() as server:
        for key in (MESSAGE.key, MESSAGE.key, "another"):
            SmtpNotifier(server.url, FROM, Noon()).send(changed(MESSAGE, key=key))
    first, again, other = (mail["Message-ID"] for mail in server.mails)
    assert first == again != other


@pytest.mark.parametrize("refusal", ["450 later", "550 nobody here"])
def test_a_mail_that_is_not_taken_comes_back_later(refusal: str) -> None:
    with mail_server(refusal) as server, pytest.raises(TransientError):
        SmtpNotifier(server.url, FROM, Noon()).send(MESSAGE)
    assert server.mails == []


def test_a_mail_server_that_is_away_means_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TransientError, match="ConnectionRefusedError"):
        SmtpNotifier(f"smtp://127.0.0.1:{port}", FROM, Noon()).send(MESSAGE)


def test_a_password_is_never_sent_in_the_clear() -> None:
    with mail_server() as server:
        notifier = SmtpNotifier(server.url.replace("//", "//oppsync:s3cret%40@"), FROM, Noon())
        with pytest.raises(TransientError, match="offers no TLS") as caught:
            notifier.send(MESSAGE)
    assert not any(line.startswith("AUTH") for line in server.heard)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["mail.firm.example", "http://x:25", "smtp://", "smtp://x:abc", "smtp://u:s3cret@"]
)
def test_an_address_that_is_no_mail_server_is_told_at_once(url: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        SmtpNotifier(url, FROM, Noon())
    assert "s3cret" not in caught.value.message


def test_without_a_mail_server_each_message_is_a_file(tmp_path: Path) -> None:
    notifier = FileNotifier(tmp_path / "mail", FROM, Noon())
    notifier.send(MESSAGE)
    notifier.send(changed(MESSAGE, to="mallory/../../x@firm.example"))
    ours, other = sorted((tmp_path / "mail").iterdir())
    assert ours.name.startswith("20260105T120000.000000-grace@firm.example-")
    assert "mallory_" in other.name
    mail = message_from_bytes(ours.read_bytes(), policy=default)
    assert (mail["To"], mail["Subject"]) == (MESSAGE.to, MESSAGE.subject)
    assert "https://oppsync.firm.example/approvals/1" in mail.get_content()


def test_a_folder_that_cannot_be_written_means_later(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file stands where the folder should be")
    with pytest.raises(TransientError, match="cannot be written"):
        FileNotifier(tmp_path / "mail", FROM, Noon()).send(MESSAGE)
