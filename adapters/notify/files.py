"""Write notifications to files, for development; any mail program can open them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from adapters.notify.mail import as_mail
from oppsync.domain.plan.orders import Message
from oppsync.kernel.errors import TransientError
from oppsync.ports.clock import Clock

NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9.@-]+")


class FileNotifier:
    """Writes one `.eml` file per message into `folder`, named by time, receiver and key."""

    delivers = False

    def __init__(self, folder: Path, mail_from: str, clock: Clock) -> None:
        self._folder = folder
        self._mail_from = mail_from
        self._clock = clock

    def send(self, message: Message) -> None:
        """Raises TransientError when the file cannot be written."""
        now = self._clock.now()
        name = NOT_IN_A_NAME.sub("_", f"{now:%Y%m%dT%H%M%S.%f}-{message.to}-{message.key}")[:200]
        path = self._folder / f"{name}.eml"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(".part")
            unfinished.write_bytes(as_mail(message, self._mail_from, now).as_bytes())
            os.replace(unfinished, path)
        except OSError as error:
            raise TransientError(f"{path} cannot be written: {error.strerror}") from None
