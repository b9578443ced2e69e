"""Which statements Postgres was asked, and how often."""

from __future__ import annotations

from collections import Counter

from benchmarks.house import House

_ASKED = r"""select regexp_replace(query, '\s+', ' ', 'g'), calls from pg_stat_statements"""
SHOWN = 150  # characters


def read(house: House) -> Counter[str]:
    found = Counter[str]()
    with house.sql() as sql:
        for query, calls in sql.execute(_ASKED):
            found[query] += calls
    return found


def rows(worked: Counter[str], idle: Counter[str], deals: int) -> list[dict[str, object]]:
    """What was asked for each deal, most often first; `idle` was asked in as long a time without a deal."""
    asked = Counter({query: calls - idle[query] for query, calls in worked.items()})
    return [
        {"a deal": round(calls / deals, 1), "statement": query[:SHOWN]}
        for query, calls in asked.most_common()
        if calls >= deals / 2
    ]
