"""`python -m benchmarks.acknowledgement`: how long a CRM waits for its answer, at fixed rates of arrival."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from benchmarks import report
from benchmarks.house import House
from benchmarks.webhooks import Sender


def row(house: House, rate: float, numbers: range) -> dict[str, object]:
    """Measure one rate. Latency counts from the moment a webhook was due, so waiting for its turn counts
    too."""
    sender = Sender(house.port, house.webhook_path, house.webhook_secret)
    answers = asyncio.run(sender.at_rate(numbers, rate))
    failed = sum(n for code, n in answers.statuses.items() if code >= HTTPStatus.INTERNAL_SERVER_ERROR)
    return {
        "arrivals a second": rate,
        "sent": len(numbers),
        "accepted": answers.statuses[HTTPStatus.ACCEPTED],
        "5xx": failed,
        "p50 ms": answers.percentile(50),
        "p99 ms": answers.percentile(99),
        "longest ms": answers.percentile(100),
    }


def main() -> None:
    parser = report.arguments("Acknowledgement of webhooks at fixed rates of arrival.")
    parser.add_argument("--rates", type=float, nargs="+", default=[20.0, 300.0])
    parser.add_argument("--seconds", type=float, default=60.0, help="for each rate")
    parser.add_argument("--workers", type=int, default=2, help="worker processes that work meanwhile")
    options = parser.parse_args()
    machine, rows, first = report.machine(), list[dict[str, object]](), 0
    with House(workers=options.workers) as house:
        for rate in options.rates:
            count = int(rate * options.seconds)
            rows.append(row(house, rate, range(first, first + count)))
            first += count
    report.finish("acknowledgement", machine, rows, options.json, seconds=options.seconds)


if __name__ == "__main__":
    main()
