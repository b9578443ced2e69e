"""Notifications: as files, and through a small mail server on a real socket."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from adapters.notify.files import FileNotifier
from adapters.notify.smtp import SmtpNotifier
from oppsync.domain.plan.orders import Message
from oppsync.domain.values.model import changed
from oppsync.kernel.errors import Misconfigured, NotificationRefused, TransientError
from tests.harness.mail import mail_server

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


def test_a_mail_that_is_not_taken_now_comes_back_later() -> None:
    with mail_server("450 later") as server, pytest.raises(TransientError):
        SmtpNotifier(server.url, FROM, Noon()).send(MESSAGE)
    assert server.mails == []


def test_a_mailbox_that_does_not_exist_is_refused_for_good() -> None:
    with mail_server("550 nobody here") as server, pytest.raises(NotificationRefused, match="answered 550"):
        SmtpNotifier(server.url, FROM, Noon()).send(MESSAGE)
    assert server.mails == []


@pytest.mark.parametrize("address", ["grace\n@firm.example", "gräce@firm.example"])
def test_an_address_that_no_mail_can_be_sent_to_is_refused_for_good(address: str) -> None:
    with mail_server() as server, pytest.raises(NotificationRefused):
        SmtpNotifier(server.url, FROM, Noon()).send(changed(MESSAGE, to=address))
    assert server.mails == []


def test_only_a_mail_server_delivers(tmp_path: Path) -> None:
    assert SmtpNotifier("smtp://mail.firm.example", FROM, Noon()).delivers
    assert not FileNotifier(tmp_path, FROM, Noon()).delivers


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
