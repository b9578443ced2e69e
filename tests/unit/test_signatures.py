"""Standard Webhooks: what is accepted, and that everything else ends in SignatureRefused and no other error."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from adapters.connectors.signatures.raw_request import RawRequest
from adapters.connectors.signatures.registry import SIGNATURE_SCHEMES
from adapters.connectors.signatures.standard_webhooks import verify
from adapters.runtime.plugins import load
from oppsync.kernel.errors import Misconfigured, SignatureRefused

# Published by the specification's own test suite.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
STAMP = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

NOW = datetime.fromtimestamp(STAMP, UTC)
OTHER = "whsec_" + base64.b64encode(b"another secret of 24 byte").decode()


def request(body: bytes = BODY, **headers: str | None) -> RawRequest:
    named = {
        "Webhook-Id": headers.get("id", ID),
        "Webhook-Timestamp": headers.get("timestamp", str(STAMP)),
        "Webhook-Signature": headers.get("signature", SIGNATURE),
    }
    kept = {name: value for name, value in named.items() if value is not None}
    return RawRequest("POST", "https://x/webhooks/c", kept, body)


def signed(body: str, at: datetime, secret: str = SECRET) -> RawRequest:
    signature = Webhook(secret).sign(ID, at, body)
    return request(body.encode(), timestamp=str(int(at.timestamp())), signature=signature)


def test_the_specifications_own_vector_passes() -> None:
    assert verify(request(), [SECRET], NOW) == ID


def test_any_secret_and_any_signature_may_match_while_keys_rotate() -> None:
    several = request(signature=f"v1a,ed25519 v1,AAAA nonsense {SIGNATURE}")
    assert verify(several, [OTHER, SECRET], NOW) == ID


def svix(**others: str) -> RawRequest:
    """The same headers under the names that Svix, from whom the specification came, still sends."""
    named = {"svix-id": ID, "Svix-Timestamp": str(STAMP), "SVIX-SIGNATURE": SIGNATURE}
    return RawRequest("POST", "https://x/webhooks/c", named | others, BODY)


def test_svix_header_names_are_understood() -> None:
    assert verify(svix(), [SECRET], NOW) == ID


@pytest.mark.parametrize(
    "others",
    [
        {"svix-id": "msg_other"},
        {"Svix-Timestamp": str(STAMP + 1)},
        {"SVIX-SIGNATURE": "v1,AAAA"},
        {"webhook-id": "msg_other"},
        {"webhook-id": ID},
        {"webhook-signature": ""},
    ],
)
def test_one_family_of_names_is_read_and_never_a_mixture(others: dict[str, str]) -> None:
    with pytest.raises(SignatureRefused):
        verify(svix(**others), [SECRET], NOW)


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_either_way_are_let_in(seconds: int) -> None:
    assert verify(request(), [SECRET], NOW + timedelta(seconds=seconds)) == ID


@pytest.mark.parametrize("seconds", [-301, 301])
def test_anything_staler_or_further_ahead_is_refused(seconds: int) -> None:
    with pytest.raises(SignatureRefused, match="five minutes"):
        verify(request(), [SECRET], NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "changed",
    [
        request(BODY + b" "),
        request(b"\xff\xfe"),
        request(id=None),
        request(id=""),
        request(id="msg_other"),
        request(id="a b"),
        request(id="é"),
        request(id="x" * 201),
        request(timestamp=None),
        request(timestamp="nan"),
        request(timestamp="inf"),
        request(timestamp=f"{STAMP}.0"),
        request(timestamp=f" {STAMP}"),
        request(timestamp="16_14265330"),
        request(timestamp="٣"),
        request(timestamp="9" * 30),
        request(timestamp=str(STAMP + 1)),
        request(signature=None),
        request(signature=""),
        request(signature="v1"),
        request(signature="v1,"),
        request(signature="v1,é"),
        request(signature="v1,a,b"),
        request(signature="v2," + SIGNATURE[3:]),
        request(signature=SIGNATURE[:-2]),
    ],
)
def test_whatever_is_malformed_or_changed_is_refused(changed: RawRequest) -> None:
    with pytest.raises(SignatureRefused):
        verify(changed, [SECRET], NOW)


@pytest.mark.parametrize("secrets", [[], [OTHER], [""], ["whsec_"], ["whsec_%%%"], ["whsec_é"]])
def test_without_the_right_secret_nothing_is_let_in(secrets: list[str]) -> None:
    with pytest.raises(SignatureRefused) as caught:
        verify(request(), secrets, NOW)
    assert not any(secret and secret in caught.value.message for secret in secrets)


def test_a_secret_short_enough_to_guess_verifies_nothing() -> None:
    short = "whsec_" + base64.b64encode(b"x" * 23).decode()
    with pytest.raises(SignatureRefused):
        verify(signed("{}", NOW, short), [short], NOW)


@given(st.text(), st.sampled_from([0, 299, -299]))
def test_every_body_a_sender_signs_is_let_in(body: str, seconds: int) -> None:
    assert verify(signed(body, NOW + timedelta(seconds=seconds)), [OTHER, SECRET], NOW) == ID


HEADER = st.none() | st.text(max_size=60) | st.from_regex(r"(v1a?,[A-Za-z0-9+/=]{0,50} ?){1,4}")


@given(st.binary(max_size=200), HEADER, HEADER | st.integers().map(str), HEADER, st.lists(st.text(max_size=50)))
def test_nothing_but_a_refusal_comes_out_of_noise(
    body: bytes, delivery_id: str | None, timestamp: str | None, signature: str | None, secrets: list[str]
) -> None:
    noise = request(body, id=delivery_id, timestamp=timestamp, signature=signature)
    with pytest.raises(SignatureRefused):
        verify(noise, secrets, NOW)


@given(st.text(max_size=60), st.text(max_size=60), st.binary(max_size=60))
def test_noise_beside_a_good_time_is_refused_too(delivery_id: str, signature: str, body: bytes) -> None:
    with pytest.raises(SignatureRefused):
        verify(request(body, id=delivery_id, signature=signature), [SECRET], NOW)


def test_every_scheme_of_the_registry_can_be_loaded() -> None:
    assert all(callable(load(SIGNATURE_SCHEMES, name)) for name in SIGNATURE_SCHEMES)
    assert load(SIGNATURE_SCHEMES, "standard_webhooks") is verify


def test_a_scheme_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(Misconfigured, match="standard_webhooks"):
        load(SIGNATURE_SCHEMES, "smoke_signals")
