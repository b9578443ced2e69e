"""A close date that has not begun where the contracting entity is: the deal waits for its day.

The CRM writes the day of the person who closes the deal. Elsewhere the same day begins later, so a date that is
ahead by no more than time zones differ may be right, and is nobody's mistake.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from oppsync.domain.reference.entities import LegalEntity

# The same day begins at UTC+14 first and at UTC-12 last.
_LONGEST_WAIT = timedelta(hours=26)


def begins_later(won_on: date | None, entity: LegalEntity | None, now: datetime) -> datetime | None:
    """When the close date begins at the entity, if that is still to come and worth waiting for; else None."""
    if won_on is None or entity is None or won_on <= entity.today(now):
        return None
    begins_at = entity.begin_of(won_on)
    return begins_at if begins_at - now <= _LONGEST_WAIT else None


def in_words(won_on: date, entity: LegalEntity, begins_at: datetime) -> str:
    return (
        f"The close date {won_on} has not begun at {entity.name} ({entity.time_zone}) yet. It begins at "
        f"{begins_at:%Y-%m-%d %H:%M} UTC, and the deal then goes on by itself"
    )
