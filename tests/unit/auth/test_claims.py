"""Claims of access tokens."""

from datetime import UTC, datetime, timedelta

from auth_service.tokens.rules import KeyRights, Subject, api_key_claims, session_claims

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADA = Subject(user_id=7, name="ada", role="user", generation=3)


def test_session_token_names_the_user_and_the_session() -> None:
    claims = session_claims(ADA, "the session", NOW, timedelta(minutes=60))
    assert claims | {"jti": 0} == {
        "iss": "farebox",
        "aud": "farebox",
        "sub": "7",
        "name": "ada",
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
