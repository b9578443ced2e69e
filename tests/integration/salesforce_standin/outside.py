"""What stands around the Salesforce stand-in: its books, read by anybody, and a receiver of its webhooks."""

import json
import sqlite3
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.harness.waiting import HANG_SECONDS

WON = date(2026, 3, 2)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def in_the_books(folder: Path, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Read the books as anybody outside could, while the stand-in runs."""
    db = sqlite3.connect(folder / "salesforce.sqlite3", timeout=HANG_SECONDS)
    try:
        return db.execute(sql, parameters).fetchall()
    finally:
        db.close()


class Receiver:
    """A web server that receives notifications and answers with the next status of its list, then 202."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.taken: list[tuple[dict[str, str], str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                status = receiver.statuses.pop(0) if receiver.statuses else 202
                receiver.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b"noted")

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/demo"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def deals_told(self) -> list[tuple[str, bool]]:
        bodies = [json.loads(body) for _, body in self.taken]
        return [(item["id"], item["is_won"]) for body in bodies for item in body["opportunities"]]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
