"""A stored call shows neither secrets nor people."""

from __future__ import annotations

import pytest

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
