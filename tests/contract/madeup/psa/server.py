"""A made-up PSA: jobs and openings in memory, over an HTTP API of its own.

Each call carries `Authorization: Bearer`. Writes are forms, answers are JSON; days are `2026-05-04`, work is
whole minutes. A refusal is `{"refused": WORDS}`.

    GET    /jobs?ref=TEXT           jobs whose reference begins so, in any case of letters, closed too
    GET    /jobs/ID                 one job
    POST   /jobs                    name, ref, number, labels; two jobs may have one reference
    PATCH  /jobs/ID                 closed=yes, or a label: `label.NAME=TEXT`
    GET    /openings?job=ID         the job's openings
    POST   /openings                job, ref, role, remark, minutes, first_day, last_day
    DELETE /openings/ID             unless somebody is named for it

Lists begin with the oldest. Labels are texts by name beside the job's memo, which people write.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from urllib.parse import parse_qsl

from sandbox.standins.faults import Fault
from sandbox.standins.wire import Call, Json, Reply

NAMELESS = "a job needs a name"
CLOSED = "the job is closed"
TAKEN = "somebody is named for this opening"
NOTHING = Reply(404, {"refused": "nothing has this address"})


class MadeUpPsa:
    """Implements `sandbox.standins.surface.Vendor`; from `close` on it is what people do there."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._lock = threading.Lock()
        self._numbers = 0
        self.jobs: dict[str, dict[str, Json]] = {}
        self.openings: dict[str, dict[str, Json]] = {}

    def answer(self, call: Call) -> Reply:
        if call.headers.get("authorization") != f"Bearer {self._token}":
            return _refused(401, "this token is not known")
        form = dict(parse_qsl(call.body.decode(), keep_blank_values=True))
        with self._lock:
            match call.segments:
                case ["jobs", *rest]:
                    return self._on_jobs(call, form, *rest)
                case ["openings", *rest]:
                    return self._on_openings(call, form, *rest)
        return NOTHING

    def refuse(self, fault: Fault) -> Reply:
        return fault.refusal({"refused": fault.code or "ordered failure"})

    def keeps_body_secret(self, call: Call) -> bool:
        return False

    def close(self, job_id: str) -> None:
        self.jobs[job_id]["closed"] = True

    def write_memo(self, job_id: str, text: str) -> None:
        self.jobs[job_id]["memo"] = text

    def name_somebody(self, opening_id: str) -> None:
        self.openings[opening_id]["person"] = "Grace"

    def _on_jobs(self, call: Call, form: Mapping[str, str], job_id: str = "") -> Reply:
        match call.method:
            case "GET" if not job_id:
                begin = call.args["ref"].casefold()
                found = [each for each in self.jobs.values() if each["ref"].casefold().startswith(begin)]
                return Reply(200, {"jobs": found})
            case "POST":
                return self._opened(form)
            case "GET" if job_id in self.jobs:
                return Reply(200, self.jobs[job_id])
            case "PATCH" if job_id in self.jobs:
                return self._changed(self.jobs[job_id], form)
        return NOTHING

    def _on_openings(self, call: Call, form: Mapping[str, str], opening_id: str = "") -> Reply:
        match call.method:
            case "GET":
                of_job = [each for each in self.openings.values() if each["job"] == call.args["job"]]
                return Reply(200, {"openings": of_job})
            case "POST":
                return self._advertised(form)
            case "DELETE" if opening_id in self.openings:
                return self._withdrawn(opening_id)
        return NOTHING

    def _opened(self, form: Mapping[str, str]) -> Reply:
        if not form["name"]:
            return _refused(422, NAMELESS)
        job = {"name": form["name"], "ref": form["ref"], "number": form["number"]}
        return self._kept(self.jobs, job | {"memo": "", "closed": False, "labels": _labels(form)})

    def _changed(self, job: dict[str, Json], form: Mapping[str, str]) -> Reply:
        job["closed"] = job["closed"] or form.get("closed") == "yes"
        job["labels"] = job["labels"] | _labels(form)
        return Reply(200, job)

    def _advertised(self, form: Mapping[str, str]) -> Reply:
        if form["job"] not in self.jobs:
            return _refused(422, "no such job")
        if self.jobs[form["job"]]["closed"]:
            return _refused(422, CLOSED)
        opening = {**form, "minutes": int(form["minutes"]), "person": None}
        return self._kept(self.openings, opening)

    def _withdrawn(self, opening_id: str) -> Reply:
        if self.openings[opening_id]["person"]:
            return _refused(409, TAKEN)
        del self.openings[opening_id]
        return Reply(200, {})

    def _kept(self, shelf: dict[str, dict[str, Json]], record: dict[str, Json]) -> Reply:
        self._numbers += 1
        shelf[str(self._numbers)] = {"id": str(self._numbers), **record}
        return Reply(201, shelf[str(self._numbers)])


def _labels(form: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix("label."): text for name, text in form.items() if name.startswith("label.")}


def _refused(status: int, words: str) -> Reply:
    return Reply(status, {"refused": words})
