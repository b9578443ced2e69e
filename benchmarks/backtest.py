"""`python -m benchmarks.backtest`: past deals tried by a changed configuration, on a Postgres of its own."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from cryptography.fernet import Fernet
from pydantic import SecretStr

from adapters.bootstrap import Application, build
from adapters.postgres import schema
from benchmarks import report
from benchmarks.house import PASSWORD
from benchmarks.vendors import record_id
from oppsync import __version__
from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.deal.opportunity import Opportunity, OpportunityRef
from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.plan.plan import LineKind, Plan, Provenance
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.planning.inputs import PlanInputs
from oppsync.domain.reading.recompute import recompute
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.states import State
from oppsync.kernel.settings import Settings
from oppsync.ports.storage.opportunities import ON_ACTION
from oppsync.services.configuration.commands import BacktestConfiguration
from sandbox.contracts import deals
from sandbox.embedded import EmbeddedServers
from sandbox.firm.demo_firm import bundle
from sandbox.firm.install import CRM_CONNECTION, ERP_CONNECTION, PEOPLE, DemoSystems, install

BATCH = 200
AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
CUSTOMER = ErpCustomer(code="CUST-1001", name="Globex GmbH", countries=("DE",), tax_ids=("DE136695976",))
NOWHERE = "http://127.0.0.1:9"


def main() -> None:
    parser = report.arguments("The last won deals, by the rows of now and by others.")
    parser.add_argument("--deals", type=int, default=1_000)
    parser.add_argument("--rates", type=int, default=2_000, help="rows of rates besides the demo firm's")
    options = parser.parse_args()
    machine = report.machine()
    with (
        tempfile.TemporaryDirectory(prefix="oppsync-bench-") as folder,
        EmbeddedServers(Path(folder)) as servers,
    ):
        settings = Settings(
            database_url=SecretStr(servers.database_url),
            redis_url=SecretStr(servers.redis_url),
            secret_keys=SecretStr(Fernet.generate_key().decode()),
            outbox_folder=Path(folder) / "mail",
        )
        application = build(settings, pool_size=2)
        try:
            rows = [measure(application, options.deals, options.rates)]
        finally:
            application.close()
    report.finish("backtest", machine, rows, options.json)


def measure(application: Application, count: int, rates: int) -> dict[str, object]:
    schema.upgrade(application.engine)
    empty = dict.fromkeys(DemoSystems.__dataclass_fields__, "x") | {
        name: NOWHERE for name in DemoSystems.__dataclass_fields__ if name.endswith("_url")
    }
    install(application, DemoSystems(**empty), {each.email: PASSWORD for each in PEOPLE})
    more = list(many_rates(rates))
    with application.uow() as uow:
        for row in more:
            uow.references.put(application.tenant_id, row)
        uow.commit()
    lines = store(application, count)
    report.say(f"{count} deals are stored; now they are tried")
    _, now = bundle()
    dearer = [
        changed(row, value={**row.value, "hourly": "99"}) if row.kind is ReferenceKind.COST_RATE else row
        for row in (*now, *more)
    ]
    began, worked = time.monotonic(), time.process_time()
    command = BacktestConfiguration(application.tenant_id, COMMAND_LINE, dearer, count)
    found = application.dispatch(command)
    seconds, cpu = time.monotonic() - began, time.process_time() - worked
    return {
        "deals": found.tried,
        "lines": lines,
        "differing": found.differing,
        "rows": len(dearer),
        "seconds": seconds,
        "cpu": cpu,
        "deals a second": found.tried / seconds,
    }


def many_rates(count: int) -> Iterator[ReferenceRow]:
    for number in range(count):
        yield ReferenceRow(
            kind=ReferenceKind.RATE_CARD,
            key=f"NA|Role {number}|USD",
            valid_from=date(2026, 1, 1),
            value={"card": "NA 2026", "hourly": "160"},
        )


def store(application: Application, count: int) -> int:
    """Deals with their plans and what those were made from, as the product keeps them. Returns their lines."""
    choose, lines, tenant = random.Random(7), 0, application.tenant_id  # noqa: S311
    _, rows = bundle()
    for first in range(0, count, BATCH):
        with application.uow() as uow:
            for number in range(first, min(first + BATCH, count)):
                record = sold(choose, number)
                lines += len(record.lines)
                inputs = inputs_of(record)
                content = recompute(inputs, rows)
                if isinstance(content, tuple):
                    raise SystemExit(f"the deal cannot be planned: {content[0].message}")
                made = Provenance(made_at=AT, source_version="1", record_digest="d", reference=())
                plan = Plan(content=content, provenance=made, systems=inputs.systems)
                ref = OpportunityRef(id=record.id)
                deal_id, _ = uow.opportunities.receive(tenant, CRM_CONNECTION, ref, new_traceparent())
                before = uow.opportunities.lock(tenant, deal_id)
                active = {"state": State.ACTIVE, "record": record, "plan_hash": plan.hash, "activated_at": AT}
                uow.opportunities.change(before, changed(before, **active), ON_ACTION)
                uow.plans.add(tenant, deal_id, plan)
                uow.plan_inputs.keep(tenant, deal_id, plan.hash, inputs)
            uow.commit()
    return lines


def sold(choose: random.Random, number: int) -> Opportunity:
    """One to eight lines of any billing model."""
    kinds = choose.choices(list(deals.LINES), k=choose.randint(1, 8))
    lines = [deals.LINES[kind](id=f"00k{number}x{place}") for place, kind in enumerate(kinds)]
    won_on = AT.date() - timedelta(days=choose.randint(0, 60))
    return deals.opportunity(*lines, id=record_id(number), won_on=won_on)


def inputs_of(record: Opportunity) -> PlanInputs:
    return PlanInputs(
        release=__version__,
        configuration=ConfigurationUse(fingerprint="f", number=1),
        moment=AT,
        record=record,
        customer=CUSTOMER,
        systems=PlanSystems(erp=ERP_CONNECTION),
        erp=ErpCapabilities(line_kinds=frozenset(LineKind)),
    )


if __name__ == "__main__":
    main()
