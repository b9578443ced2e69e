"""A stored call shows neither secrets nor people."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adapters.connectors.http.redact import redact
from adapters.connectors.traffic.redaction import LONGEST, LONGEST_READ, redacted_body, redacted_target

SECRETS = frozenset({"s3cr3t/with+signs"})


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"", None),
        (b'{"amount": 12.50, "name": "Web shop"}', '{"amount":"12.50","name":"Web shop"}'),
        (b'{"access_token": "abc", "instance_url": "x"}', '{"access_token":"[redacted]","instance_url":"x"}'),
        (b'{"client-secret": 7}', '{"client-secret":"[redacted]"}'),
        (b'{"Billing_Email__c": "a@b.example", "Phone": "1"}', None),
        (
            b'{"Owner": {"attributes": {"type": "User"}, "Name": "Jane Doe", "Id": "005"}}',
            '{"Owner":{"attributes":{"type":"User"},"Name":"[personal]","Id":"005"}}',
        ),
        (b'[{"contacts": [{"name": "Jane", "age": 3}]}]', '[{"contacts":[{"name":"[personal]","age":3}]}]'),
        (b'{"address": {"street": "Main St 1"}}', '{"address":{"street":"[personal]"}}'),
        (b'{"text": "ask jane.doe@firm.example, now"}', '{"text":"ask [personal], now"}'),
        (b'{"text": "the s3cr3t/with+signs"}', '{"text":"the [redacted]"}'),
        (b"grant_type=x&client_secret=abc&y=1", "grant_type=x&client_secret=[redacted]&y=1"),
        (b"<h1>jane@firm.example is away</h1>", "<h1>[personal] is away</h1>"),
        (b'{"phone": null, "email": "", "is_owner": true}', '{"phone":null,"email":"","is_owner":true}'),
        (b'{"emails_sent": 3}', '{"emails_sent":3}'),
        (b"a\x00b\xff", "ab\ufffd"),
    ],
)
def test_bodies(body: bytes, kept: str | None) -> None:
    if kept is None and body:
        kept = '{"Billing_Email__c":"[personal]","Phone":"[personal]"}'
    assert redacted_body(body, SECRETS) == kept


def test_addresses_keep_their_path_and_lose_what_is_secret() -> None:
    target = "/q?email=jane%40firm.example&api_token=abc&d=s3cr3t%2Fwith%2Bsigns&code=ACME"
    assert redacted_target(target, SECRETS) == "/q?email=[personal]&api_token=[redacted]&d=[redacted]&code=ACME"


def test_what_is_long_is_cut_after_it_was_redacted() -> None:
    body = b'{"a": "' + b"x" * (LONGEST - 12) + b'", "b": "s3cr3t/with+signs"}'
    kept = redacted_body(body, SECRETS) or ""
    assert kept.endswith(f"… ({len(body)} bytes)")
    assert len(kept) < LONGEST + 30
    assert "s3c" not in kept


def test_of_what_is_huge_only_the_size_is_kept() -> None:
    assert redacted_body(b"x" * (LONGEST_READ + 1), SECRETS) == f"({LONGEST_READ + 1} bytes)"


def test_nesting_without_end_is_no_trouble() -> None:
    assert redacted_body(b"[" * 30_000, SECRETS) is not None
    assert redacted_body(b'{"a":' * 60 + b'"x"' + b"}" * 60, SECRETS) is not None


def _html_numbers(secret: str) -> str:
    return "".join(f"&#{ord(sign)};" for sign in secret)


def _wrapped_in_base64(before: str) -> Callable[[str], str]:
    return lambda secret: base64.b64encode(f"{before}{secret}, and more".encode()).decode()


WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": lambda secret: secret,
    "percent-encoded": lambda secret: quote(secret, safe=""),
    "percent-encoded in small letters": lambda secret: re.sub(
        "%..", lambda found: found[0].lower(), quote(secret, safe="")
    ),
    "some signs percent-encoded": quote,
    "every sign percent-encoded": lambda secret: "".join(f"%{byte:02X}" for byte in secret.encode()),
    "plus-encoded": quote_plus,
    "percent-encoded twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "in JSON": lambda secret: json.dumps(secret)[1:-1],
    "in JSON with slashes escaped": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "in JSON by numbers": lambda secret: "".join(
        f"\\u{unit:04x}" for unit in memoryview(secret.encode("utf-16-le")).cast("H")
    ),
    "in JSON in JSON": lambda secret: json.dumps(json.dumps(secret))[3:-3],
    "in JSON in an address": lambda secret: quote(json.dumps(secret)[1:-1], safe=""),
    "in HTML in an address": lambda secret: quote(html.escape(secret), safe=""),
    "in an address in Latin-1": lambda secret: quote(
        secret, safe="", encoding="latin-1", errors="xmlcharrefreplace"
    ),
    "in HTML": html.escape,
    "in HTML in JSON": lambda secret: json.dumps(html.escape(secret))[1:-1].replace("&", "\\u0026"),
    "in JSON in HTML": lambda secret: html.escape(json.dumps(secret)[1:-1]),
    "in JSON in HTML twice": lambda secret: html.escape(html.escape(json.dumps(secret)[1:-1])),
    "in HTML by numbers": _html_numbers,
    "in HTML twice": lambda secret: html.escape(html.escape(secret)),
    "in HTML by hexadecimal numbers": lambda secret: "".join(f"&#x{ord(sign):X};" for sign in secret),
    "in an address in HTML": lambda secret: html.escape(quote_plus(secret)),
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in base64 for addresses": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "in base64 after one sign": _wrapped_in_base64("a"),
    "in base64 after two signs": _wrapped_in_base64("ab"),
    "in base64 as a password": _wrapped_in_base64("client:"),
    "in base64 in an address": lambda secret: quote(base64.b64encode(secret.encode()).decode(), safe=""),
    "in base64 in base64": lambda secret: base64.b64encode(base64.b64encode(secret.encode())).decode(),
    "in JSON in base64": lambda secret: base64.b64encode(json.dumps(secret)[1:-1].encode()).decode(),
    "in an address in base64": lambda secret: base64.b64encode(quote(secret, safe="").encode()).decode(),
    "in HTML in base64": lambda secret: base64.b64encode(html.escape(secret).encode()).decode(),
    "in hexadecimal digits": lambda secret: secret.encode().hex(),
}
AWKWARD = ["s3cr3t/with+signs", "a\"b\\c<d>&e'f g%20h", "+/+/+/+/ü€𝄞", "pass@firm.example!XY9", "%41%42%43%44"]


@pytest.mark.parametrize("secret", AWKWARD)
@pytest.mark.parametrize("written", WRITTEN)
def test_a_secret_is_known_however_it_is_written(written: str, secret: str) -> None:
    text = WRITTEN[written](secret)

    shown = redact(f"before {text} after", [secret])

    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert "[redacted]" in shown
    # Of base64 the signs at either end are made of their neighbours too.
    assert len(shown) <= len("before  after") + len("[redacted]") + (30 if "base64" in written else 0)
    for longer in range(len(text) - 7):
        assert text[longer : longer + 8] not in shown or "base64 a" in written


@given(st.text(min_size=8), st.sampled_from(sorted(WRITTEN)))
def test_any_secret_is_known_however_it_is_written(secret: str, written: str) -> None:
    assume(not any("\ud800" <= sign <= "\udfff" for sign in secret))
    assert "[redacted]" in redact(WRITTEN[written](secret), [secret])


@given(st.text(alphabet='abcxyz &%\\+"/<0123456789;#u', max_size=200))
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text, ["S3CR3T-S3CR3T"]) == text


def test_bodies_and_addresses_lose_a_secret_that_looks_like_something_else() -> None:
    """An address of a mailbox, and two fields: each would be removed in part only."""
    for secret in ("pass@firm.example!XY9", "some key=a b c d"):
        for shown in (
            redacted_body(f'{{"text": "it is {secret}"}}'.encode(), [secret]),
            redacted_body(f"it is {secret}".encode(), [secret]),
            redacted_target(f"/q?text={quote(secret)}", [secret]),
        ):
            assert shown is not None
            assert shown.count("[redacted]") == 1
            assert not any(piece in shown for piece in ("XY9", "b c", "c d", "%20d", "firm"))
