"""Format amounts, dates and times for pages: in the browser's locale, exactly and without ambiguity."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal
from flask import Flask, g, request
from markupsafe import Markup

from oppsync.domain.values.model import plain
from oppsync.domain.values.money import Money, digits_of
from oppsync.kernel.errors import TransientError
from web.context import application, maybe_signed_in

NO_BREAK = "\u00a0"
MINUS = "\u2212"
_DEFAULT = Locale("en", "GB")
_DAY = "d MMM y"
_MONTH = "MMM y"


def locale() -> Locale:
    """The first language the browser asks for that CLDR knows."""
    if "locale" not in g:
        g.locale = _negotiated(list(request.accept_languages.values()))
    found: Locale = g.locale
    return found


def _negotiated(wanted: list[str]) -> Locale:
    for tag in wanted:
        try:
            return Locale.parse(tag, sep="-")
        except (ValueError, UnknownLocaleError):
            continue
    return _DEFAULT


def number(value: Decimal | int, digits: int | None = None) -> str:
    """All digits, or exactly `digits` after the point."""
    amount = Decimal(value)
    places = len(plain(amount).partition(".")[2]) if digits is None else digits
    pattern = "#,##0" + ("." + "0" * places if places else "")
    text = format_decimal(amount, format=pattern, locale=locale())
    return text.replace("-", MINUS).replace(" ", NO_BREAK)


def money(value: Money | Decimal | None, currency: str | None = None) -> str:
    """ISO code before the amount: `EUR 1,250,000.00`; empty for None."""
    if value is None:
        return ""
    amount, code = (value.amount, value.currency) if isinstance(value, Money) else (value, currency)
    shown = number(amount, digits_of(amount, code))
    return f"{code}{NO_BREAK}{shown}" if code else shown


def day(value: date | None) -> Markup:
    if value is None:
        return Markup("")
    shown = format_date(value, _DAY, locale=locale()).replace(" ", NO_BREAK)
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), shown)


def month(value: str) -> Markup:
    """A calendar month: `Jun 2026` for `2026-06`."""
    shown = format_date(date.fromisoformat(f"{value}-01"), _MONTH, locale=locale()).replace(" ", NO_BREAK)
    return Markup('<time datetime="{}">{}</time>').format(value, shown)


def moment(value: datetime | None) -> Markup:
    """A date and a time where the firm is, with its zone."""
    if value is None:
        return Markup("")
    utc, there = value.astimezone(UTC), value.astimezone(zone())
    shown = format_date(there, _DAY, locale=locale()).replace(" ", NO_BREAK)
    clock = f"{there:%H:%M}{NO_BREAK}{there:%Z}"
    return Markup('<time datetime="{}">{}, {}</time>').format(utc.isoformat(timespec="seconds"), shown, clock)


def age(since: datetime) -> str:
    """How long ago, in its largest unit: `3 days`, `5 h`, `40 min`. Stands beside the moment itself."""
    past = max(timedelta(0), application().clock.now() - since)
    if past < timedelta(hours=1):
        return f"{past // timedelta(minutes=1)}{NO_BREAK}min"
    if past < timedelta(days=2):
        return f"{past // timedelta(hours=1)}{NO_BREAK}h"
    return count(past.days, "day")


def zone() -> tzinfo:
    """The firm's time zone, read once for a page; UTC before anybody is signed in, and while it cannot be
    read."""
    if "zone" not in g:
        me = maybe_signed_in()
        with suppress(TransientError, ZoneInfoNotFoundError):
            named = application().queries.time_zone(me.tenant_id) if me else None
            g.zone = ZoneInfo(named) if named else UTC
    found: tzinfo = g.get("zone", UTC)
    return found


def system_name(connection_id: str) -> str:
    """The name by which people know a connection, all read once for a page; the id of one that was removed."""
    if "system_names" not in g:
        me = maybe_signed_in()
        with application().uow.reading() as uow:
            found = uow.connections.of_tenant(me.tenant_id) if me else ()
        g.system_names = {each.id: each.name for each in found}
    return str(g.system_names.get(connection_id, connection_id))


def count(amount: int, one: str, many: str | None = None) -> str:
    """`1 project`, `4 projects`."""
    return f"{number(amount)}{NO_BREAK}{one if amount == 1 else many or one + 's'}"


def register_formats(app: Flask) -> None:
    for filter_ in (number, money, day, month, moment, age, count, system_name):
        app.add_template_filter(filter_)
