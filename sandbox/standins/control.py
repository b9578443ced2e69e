"""Control a stand-in from the demo and the tests, and read its books."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlsplit

from sandbox.standins.wire import IDENTITY, Json, from_json, to_json

TIMEOUT_SECONDS = 30
Record = dict[str, Any]


class ControlRefused(Exception):
    """The stand-in refused the order; the text is its own message."""


class WrongNeighbour(Exception):
    """The system that answers belongs to another stack; the text is a sentence for people."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"What answers on {url} belongs to another demo or `make up` on this machine, and is left alone. "
            "End that one, or start this one again with --first-port and a port of its own."
        )


class StandinControl:
    """One stand-in at `url` (http://127.0.0.1:PORT). Numbers are returned as Decimals. Raises ControlRefused.

    With the `identity` of a stack, orders go only to a stand-in of that stack; from any other it raises
    WrongNeighbour.
    """

    def __init__(self, url: str, identity: str = "") -> None:
        self.url = url
        self._address = urlsplit(url)
        self._identity = identity

    def is_ready(self) -> bool:
        try:
            return bool(self._ask("GET", "/health")["ready"])
        except OSError:
            return False

    def faults(self, rules: Sequence[Mapping[str, Json]]) -> None:
        """Replace all rules; the fields are those of `sandbox.standins.faults.Fault`."""
        self._ask("PUT", "/faults", [dict(rule) for rule in rules])

    def clear_faults(self) -> None:
        self._ask("DELETE", "/faults")

    def fault_report(self) -> list[Record]:
        """Each rule with `hits`."""
        return list(self._ask("GET", "/faults"))

    def requests(self) -> list[Record]:
        """Vendor calls, oldest first: at, method, path, query, body, faulty, status (None: unanswered)."""
        return list(self._ask("GET", "/requests"))

    def clear_requests(self) -> None:
        self._ask("DELETE", "/requests")

    def changes(self, record_id: str) -> list[Record]:
        """Every committed write of one record, oldest first."""
        return list(self._ask("GET", f"/changes/{quote(record_id)}"))

    def _check_who_answers(self, identity: str) -> None:
        if identity != self._identity:
            raise WrongNeighbour(self.url)

    def _ask(self, method: str, path: str, body: Json = None) -> Json:
        connection = HTTPConnection(self._address.hostname or "", self._address.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(
                method,
                f"/_standin{path}",
                None if body is None else to_json(body),
                {IDENTITY: self._identity} if self._identity else {},
            )
            response = connection.getresponse()
            self._check_who_answers(response.headers.get(IDENTITY, ""))
            content = response.read()
        finally:
            connection.close()
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise ControlRefused(f"{method} {path}: {response.status} {content.decode(errors='replace')}")
        return from_json(content)


class SalesforceControl(StandinControl):
    """Deals are shaped as in `sandbox.firm.deals`."""

    def win_deal(self, deal: Mapping[str, Json]) -> Record:
        """Win a deal; returns the ids of what was made: {id, account, owner, lines, milestones}."""
        return dict(self._ask("POST", "/deals", dict(deal)))

    def edit(self, deal_id: str, changes: Mapping[str, Json]) -> Record:
        """`opportunity`, `account`, `owner`; `lines` (without Id: added); `milestones`; `delete`: ids."""
        return dict(self._ask("PATCH", f"/deals/{quote(deal_id)}", dict(changes)))

    def delete(self, deal_id: str, minutes_ago: float = 0) -> None:
        """Into the recycle bin, as of some minutes ago: the vendor lists what was deleted by whole minutes."""
        self._ask("DELETE", f"/deals/{quote(deal_id)}?minutes_ago={minutes_ago}")

    def undelete(self, deal_id: str) -> None:
        self._ask("POST", f"/deals/{quote(deal_id)}/undelete", {})

    def purge_recycle_bin(self) -> None:
        self._ask("POST", "/recycle-bin/purge", {})

    def merge_accounts(self, master: str, loser: str) -> None:
        self._ask("POST", f"/accounts/{quote(master)}/merge", {"loser": loser})

    def edit_record(self, record_id: str, fields: Mapping[str, Json]) -> Record:
        """An account or a user is changed, by a person."""
        return dict(self._ask("PATCH", f"/records/{quote(record_id)}", dict(fields)))

    def record(self, record_id: str) -> Record:
        return dict(self._ask("GET", f"/records/{quote(record_id)}"))

    def records(self, sobject: str) -> list[Record]:
        return list(self._ask("GET", f"/records?type={quote(sobject)}"))

    def configure_webhook(
        self, url: str, secret: str | None = None, suppress: bool = False, echo: bool = False
    ) -> None:
        """Kept across restarts. `suppress` keeps deliveries unsent; `echo` also notifies of oppsync's own
        write-backs."""
        wanted: Record = {"url": url, "suppress": suppress, "echo": echo}
        self._ask("PUT", "/webhook", wanted if secret is None else wanted | {"secret": secret})

    def deliveries(self) -> list[Record]:
        """Oldest first: id, body (text), state, attempts, status, answer."""
        return list(self._ask("GET", "/deliveries"))

    def resend(self, delivery_id: str) -> Record:
        """Send the same delivery again at once; returns it with the receiver's answer."""
        return dict(self._ask("POST", f"/deliveries/{quote(delivery_id)}/resend", {}))

    def notify(self, ids: Sequence[str]) -> list[str]:
        """Notify of these opportunities, changed or not; returns the deliveries' ids, with up to 100 deals in
        each."""
        return list(self._ask("POST", "/notifications", {"ids": list(ids)})["deliveries"])

    def revoke_tokens(self) -> None:
        self._ask("POST", "/tokens/revoke", {})


class KantataControl(StandinControl):
    def workspaces(self) -> list[Record]:
        return list(self._ask("GET", "/workspaces"))

    def resources(self) -> list[Record]:
        """The resources of all projects, with `service_model_ref` (our key) and `allocations`."""
        return list(self._ask("GET", "/resources"))


class TrytonControl(StandinControl):
    """Ask for changes by a reference in Tryton's form: `project.work,12`."""

    def records(self, model: str) -> list[Record]:
        """Every record of a model with its plain fields, in order of creation."""
        return list(self._ask("GET", f"/records/{quote(model)}"))
