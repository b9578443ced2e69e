"""The results of a bench's runs, as text that also goes into docs/reliability.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.chaos.bench import RESTORE, Report
from tests.chaos.fault import Fault


def tables_of(reports: Sequence[Report], faults: Sequence[Fault]) -> str:
    return "\n".join(_lines(reports, faults)) + "\n"


def _lines(reports: Sequence[Report], faults: Sequence[Fault]) -> Iterator[str]:
    tried = _sum(report.tried for report in reports)
    traces = _sum(report.traces for report in reports)
    impossible = {name: why for report in reports for name, why in report.impossible.items()}
    yield "\n| fault | done | seen | what was seen |\n|---|---|---|---|"
    for fault in faults:
        if fault.name in impossible:
            yield f"| {fault.name} | 0 | 0 | not possible here: {impossible[fault.name]} |"
        elif tried[fault.name]:
            yield f"| {fault.name} | {tried[fault.name]} | {traces[fault.name]} | {fault.trace} |"
    if tried[RESTORE]:
        yield f"| {RESTORE} | {tried[RESTORE]} | {traces[RESTORE]} | confirmed effects forgotten |"
    died = _sum(report.died_at for report in reports)
    if died:
        yield "\nDied at: " + ", ".join(f"{place} {count}" for place, count in sorted(died.items())) + "."
    sent = _sum(report.sent for report in reports)
    yield "\nSent: " + ", ".join(f"{count} {name}" for name, count in sent.items()) + "."
    fates = _sum(report.fates for report in reports)
    total = sum(fates.values())
    yield f"Accepted {total} = " + " + ".join(f"{count} {fate}" for fate, count in fates.most_common()) + "."
    yield f"Things in the ERP: {sum(report.things for report in reports)}."
    recoveries = sorted(seconds for report in reports for seconds in report.recoveries)
    if recoveries:
        yield (
            f"A dead worker's deal went on after {_quantile(recoveries, 50):.1f} s (median), "
            f"{_quantile(recoveries, 99):.1f} s (p99), {recoveries[-1]:.1f} s (longest of {len(recoveries)})."
        )
    for report in reports:
        yield (
            f"seed {report.seed}: attacked for {report.attack_seconds:.0f} s, "
            f"at rest {report.settle_seconds:.0f} s later, {len(report.breaches)} breaches"
        )
        yield from (f"  BREACH {breach}" for breach in report.breaches)


def _quantile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that at least so many per cent of the values do not exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1]


def _sum(counters: Iterator[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return total
