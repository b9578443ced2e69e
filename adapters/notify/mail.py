"""Write a notification as an e-mail."""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from oppsync.domain.plan.orders import Message
from oppsync.kernel.plain_text import cleaned


def as_mail(message: Message, mail_from: str, now: datetime) -> EmailMessage:
    """The same message always has the same Message-ID, so a mail program shows a repeated one only once."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = mail_from
    mail["To"] = message.to
    mail["Subject"] = " ".join(cleaned(message.subject).split())
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{hashlib.sha256(message.key.encode()).hexdigest()[:40]}@{domain_of(mail_from)}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(cleaned(message.body))
    return mail


def domain_of(address: str) -> str:
    return parseaddr(address)[1].rpartition("@")[2] or "localhost"
