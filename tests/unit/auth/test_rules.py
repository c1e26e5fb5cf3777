"""Pure rules of login delays, refresh tokens, claims, signing keys and API keys."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from auth_service.api_keys.service import digest_of, format_secret
from auth_service.passwords.service import FREE_FAILURES_OF_NETWORK, FailureCounter
from auth_service.sessions.service import PresentedToken, Verdict, judge
from auth_service.tokens.rules import (
    KeyRights,
    KeyTimes,
    Subject,
    api_key_claims,
    is_published,
    public_jwk,
    session_claims,
    signer_among,
    successor_due,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
OF_NETWORK = FailureCounter(b"", FREE_FAILURES_OF_NETWORK)
ADA = Subject(user_id=7, role="user", generation=3)


def test_delay_starts_after_five_failures_and_doubles_up_to_a_minute() -> None:
    assert [OF_NETWORK.delay_after(failures) for failures in range(14)] == [0] * 5 + [
        1,
        2,
        4,
        8,
        16,
        32,
        60,
        60,
        60,
    ]


def test_delay_is_at_most_a_minute() -> None:
    assert OF_NETWORK.delay_after(10**9) == 60


UNUSED = PresentedToken(
    expires_at=NOW + DAY,
    used_at=None,
    repeated_at=None,
    arrived_at=NOW,
    by_same_client=False,
    successor_is_unused=False,
)
USED = replace(UNUSED, used_at=NOW - SECOND, by_same_client=True, successor_is_unused=True)


@pytest.mark.parametrize(
    ("token", "verdict"),
    [
        (UNUSED, "rotate"),
        (replace(UNUSED, expires_at=NOW), "expired"),
        (USED, "repeat"),
        (replace(USED, used_at=NOW - 10 * SECOND), "repeat"),
        (replace(USED, used_at=NOW - 11 * SECOND), "reused"),
        (replace(USED, by_same_client=False), "reused"),
        (replace(USED, successor_is_unused=False), "reused"),
        (replace(USED, repeated_at=NOW - SECOND / 2), "reused"),
        (replace(USED, used_at=NOW + SECOND), "concurrent"),
        (replace(USED, used_at=NOW + SECOND, by_same_client=False), "concurrent"),
        (replace(USED, repeated_at=NOW + SECOND), "concurrent"),
    ],
)
def test_verdict_depends_on_earlier_uses(token: PresentedToken, verdict: Verdict) -> None:
    assert judge(token) == verdict


def test_session_token_contains_user_and_session() -> None:
    claims = session_claims(ADA, "the session", NOW, timedelta(minutes=60))
    assert claims | {"jti": 0} == {
        "iss": "farebox",
        "aud": "farebox",
        "sub": "7",
        "role": "user",
        "gen": 3,
        "sid": "the session",
        "jti": 0,
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 3600,
    }


def test_api_key_token_has_scopes_and_cap_and_no_session() -> None:
    claims = api_key_claims(ADA, KeyRights(5, ["read"], 100), NOW, NOW + timedelta(minutes=2))
    assert claims["api_key"] == {"id": 5, "scopes": ["read"], "cap": 100}
    assert "sid" not in claims


def test_two_tokens_of_one_session_differ() -> None:
    first, second = (session_claims(ADA, "the session", NOW, timedelta(minutes=60)) for _ in range(2))
    assert first["jti"] != second["jti"]


OLD = KeyTimes("old", NOW - 10 * DAY, NOW + DAY)
PRESENT = KeyTimes("present", NOW - DAY, None)
NEXT = KeyTimes("next", NOW + SECOND, None)


def test_newest_key_that_may_sign_is_the_signer() -> None:
    assert signer_among([OLD, NEXT, PRESENT], NOW) == PRESENT
    assert signer_among([OLD, NEXT, PRESENT], NOW + SECOND) == NEXT


def test_without_a_usable_key_there_is_no_signer() -> None:
    assert signer_among([], NOW) is None
    assert signer_among([NEXT], NOW) is None


def test_key_is_published_before_it_signs_and_until_its_end() -> None:
    assert is_published(NEXT, NOW)
    assert is_published(OLD, NOW)
    assert not is_published(OLD, NOW + DAY)


def test_successor_is_due_when_the_newest_key_has_signed_for_its_term() -> None:
    assert not successor_due([OLD, PRESENT], NOW, longest_service=2 * DAY)
    assert successor_due([OLD, PRESENT], NOW, longest_service=DAY)
    assert not successor_due([OLD, PRESENT, NEXT], NOW, longest_service=DAY)
    assert successor_due([], NOW, longest_service=DAY)


def test_public_jwk_has_no_private_part() -> None:
    assert set(public_jwk("id", "x")) == {"kty", "crv", "x", "kid", "alg", "use"}


def test_api_key_is_its_prefix_and_all_its_random_bits() -> None:
    secret = format_secret(bytes(32))
    assert secret.startswith("fbx_")
    assert len(secret) == len("fbx_") + 43


def test_api_keys_that_differ_in_one_bit_have_different_digests() -> None:
    assert digest_of(format_secret(bytes(32))) != digest_of(format_secret(bytes(31) + b"\x01"))
