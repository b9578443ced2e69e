"""A small mail server on a socket."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import MappingProxyType

NOBODY: Mapping[str, str] = MappingProxyType({})


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail as RFC 5321 asks. `refusal` is what it answers to every receiver instead of 250, `refusals` to
    those in it; `on_mail` runs before a mail is taken."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, refusal: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _MailHandler)
        self.refusal = refusal
        self.refusals = NOBODY
        self.on_mail: Callable[[], object] = lambda: None
        self.heard: list[str] = []
        self.mails: list[EmailMessage] = []

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    def asked_for(self, address: str) -> int:
        """How often somebody had mail for this address."""
        return sum(line.upper().startswith("RCPT") and f"<{address}>" in line for line in self.heard)

    def answer_to(self, line: str) -> str:
        own = (said for who, said in self.refusals.items() if f"<{who}>" in line)
        return next(own, self.refusal) or "250 fine"


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
                case "RCPT":
                    self._say(self.server.answer_to(line))
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 fine")

    def _take(self) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        self.server.on_mail()
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
