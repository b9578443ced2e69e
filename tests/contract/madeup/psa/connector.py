"""The connector of a made-up PSA: written after its API (`server.py`), as small as one that can do all."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, Field, SecretStr, ValidationError

from adapters.connectors.connector import Connector
from adapters.connectors.http.client import Answer, Gate, HttpClient, unanswered
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.capabilities import PsaCapabilities
from oppsync.domain.plan.orders import PsaOrder, StaffingOrder, WriteBack
from oppsync.domain.values.model import Code, Frozen
from oppsync.domain.work.connections import ConnectionRole
from oppsync.domain.work.observations import Observation, fine
from oppsync.kernel.errors import Misconfigured, VendorRejected
from oppsync.ports.clock import Clock
from oppsync.ports.psa import Psa

TITLE = "Made-up PSA"
OUTSIDE_ID = re.compile(r"[0-9]{1,18}")
LATE_COMMIT = timedelta(seconds=5)
GONE = 404
STATUS = "status"

Fields = Mapping[str, str]
Shape = TypeVar("Shape", bound=BaseModel)


class Settings(Frozen):
    """`timeout`: seconds of a whole call. `roles`: a plan's role -> the PSA's number of it."""

    base_url: Code
    timeout: Annotated[float, Field(gt=0, le=60)] = 10.0
    roles: dict[str, int] = {}


class Secrets(Frozen):
    token: SecretStr


def capabilities(settings: Settings) -> PsaCapabilities:
    return PsaCapabilities(staffing=True)


class Job(BaseModel):
    id: str
    name: str
    ref: str
    number: str
    closed: bool
    labels: dict[str, str]


class Jobs(BaseModel):
    jobs: list[Job]


class Opening(BaseModel):
    id: str
    ref: str
    minutes: int
    first_day: date
    last_day: date


class Openings(BaseModel):
    openings: list[Opening]


class MadeUpPsa:
    """Implements `oppsync.ports.psa.Psa`."""

    def __init__(self, settings: Settings, secrets: Secrets, clock: Clock, gate: Gate) -> None:
        self.capabilities = capabilities(settings)
        self.quarantine = timedelta(seconds=settings.timeout) + LATE_COMMIT
        self._roles = settings.roles
        self._http = HttpClient(
            TITLE,
            settings.base_url,
            headers={
                "authorization": f"Bearer {secrets.token.get_secret_value()}",
                "content-type": "application/x-www-form-urlencoded",
            },
            timeout=settings.timeout,
            total=settings.timeout,
            gate=gate,
        )

    def ping(self) -> None:
        self._jobs("nobody's")

    def inspect(self) -> Sequence[Observation]:
        self.ping()
        return [fine("It answers.")]

    def unknown_roles(self, roles: Collection[str]) -> Sequence[str]:
        return [role for role in roles if role not in self._roles]

    def known_roles(self) -> Sequence[str]:
        return sorted(self._roles)

    def find_project(self, order: PsaOrder) -> ExternalRecord | None:
        found = self._jobs(order.key)
        if not found:
            return None
        job = found[0]
        wanted = {"title": order.title, "project_number": order.project_number, "jobs": "1", "closed": "no"}
        there = {
            "title": job.name,
            "project_number": job.number,
            "jobs": str(len(found)),
            "closed": "yes" if job.closed else "no",
        }
        return self._landed(job, _differences(wanted, there))

    def create_project(self, order: PsaOrder, status: WriteBack) -> ExternalRecord:
        fields = {"name": order.title, "ref": order.key, "number": order.project_number, **_named(status)}
        return self._landed(_read(Job, self._write("POST", "/jobs", fields)))

    def revise_project(self, order: PsaOrder, outside_id: str) -> ExternalRecord:
        raise VendorRejected(f"Made up: correct the job {outside_id} there")

    def find_archived(self, key: str) -> ExternalRecord | None:
        found = self._jobs(key)
        return self._landed(found[0]) if found else None

    def archive_project(self, outside_id: str) -> ExternalRecord:
        return self._landed(_read(Job, self._write("PATCH", f"/jobs/{_known(outside_id)}", {"closed": "yes"})))

    def find_staffing(self, order: StaffingOrder) -> ExternalRecord | None:
        asked = self._http.request("GET", "/openings", write=False, params={"job": _known(order.project_id)})
        found = [each for each in _read(Openings, asked).openings if each.ref == order.key]
        if not found:
            return None
        request, opening = order.request, found[0]
        wanted = _terms(1, request.starts_on, request.ends_on, _minutes(request.hours))
        there = _terms(len(found), opening.first_day, opening.last_day, opening.minutes)
        return ExternalRecord(outside_id=opening.id, number=opening.id, differences=_differences(wanted, there))

    def request_staffing(self, order: StaffingOrder) -> ExternalRecord:
        request = order.request
        if request.role not in self._roles:
            raise Misconfigured(f"{TITLE}: the connection's setting roles does not know {request.role!r}")
        fields = {
            "job": _known(order.project_id),
            "ref": order.key,
            "role": str(self._roles[request.role]),
            "remark": f"{request.role} in {request.location}",
            "minutes": str(_minutes(request.hours)),
            "first_day": request.starts_on.isoformat(),
            "last_day": request.ends_on.isoformat(),
        }
        opening = _read(Opening, self._write("POST", "/openings", fields))
        return ExternalRecord(outside_id=opening.id, number=opening.id)

    def cancel_staffing(self, order: StaffingOrder, outside_id: str) -> ExternalRecord:
        self._http.request("DELETE", f"/openings/{_known(outside_id)}", write=True, expect=(GONE,))
        return ExternalRecord(outside_id=outside_id, number=outside_id, closed=True)

    def find_write_back(self, outside_id: str, wanted: WriteBack) -> ExternalRecord | None:
        job = _read(Job, self._http.request("GET", f"/jobs/{_known(outside_id)}", write=False))
        if not job.labels.get(STATUS):
            return None
        return self._landed(job, _differences(_labels(wanted), job.labels))

    def write_back(self, outside_id: str, wanted: WriteBack) -> ExternalRecord:
        return self._landed(_read(Job, self._write("PATCH", f"/jobs/{_known(outside_id)}", _named(wanted))))

    def _jobs(self, key: str) -> list[Job]:
        """The PSA also finds what only begins like the key."""
        answer = self._http.request("GET", "/jobs", write=False, params={"ref": key})
        return [job for job in _read(Jobs, answer).jobs if job.ref == key]

    def _write(self, method: str, path: str, fields: Fields) -> Answer:
        return self._http.request(method, path, write=True, content=urlencode(fields).encode())

    def _landed(self, job: Job, differences: dict[str, tuple[str, str]] | None = None) -> ExternalRecord:
        return ExternalRecord(
            outside_id=job.id,
            number=job.id,
            url=f"{self._http.base_url}/jobs/{job.id}",
            differences=differences or {},
            closed=job.closed,
        )


def _read(shape: type[Shape], answer: Answer) -> Shape:
    try:
        return shape.model_validate(answer.json())
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "body"
        words = f"{answer.call}: the answer is not as documented: {where}"
        raise unanswered(answer.after_write)(words) from None


def _known(outside_id: str) -> str:
    """The id, safe in an address. Raises VendorRejected for anything else."""
    if OUTSIDE_ID.fullmatch(outside_id) is None:
        raise VendorRejected(f"{TITLE}: {outside_id!r} is no number of its own")
    return outside_id


def _named(wanted: WriteBack) -> Fields:
    return {f"label.{name}": text for name, text in _labels(wanted).items()}


def _labels(wanted: WriteBack) -> dict[str, str]:
    at = wanted.activated_at
    return {
        STATUS: wanted.status.capitalize(),
        "project": wanted.project_number,
        "link": wanted.project_url,
        "since": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else "",
        "message": wanted.message,
    }


def _terms(openings: int, begin: date, end: date, minutes: int) -> dict[str, str]:
    return {
        "requests": str(openings),
        "starts on": begin.isoformat(),
        "ends on": end.isoformat(),
        "hours": f"{minutes // 60}:{minutes % 60:02}",
    }


def _minutes(hours: Decimal) -> int:
    return int((hours * 60).quantize(Decimal(1), ROUND_HALF_EVEN))


def _differences(wanted: Fields, there: Fields) -> dict[str, tuple[str, str]]:
    return {name: (text, there.get(name, "")) for name, text in wanted.items() if text != there.get(name, "")}


CONNECTOR: Connector[Settings, Secrets, PsaCapabilities, Psa] = Connector(
    role=ConnectionRole.PSA,
    vendor="madeup",
    title=TITLE,
    settings=Settings,
    secrets=Secrets,
    capabilities=capabilities,
    build=MadeUpPsa,
    maps=("roles",),
)
