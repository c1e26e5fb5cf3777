"""Authentication: valid, invalid, revoked and expired access tokens."""

import base64
import json
import time
from collections.abc import Callable
from types import SimpleNamespace

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from tests.support.tokens import JWT_SECRET, access_token, bearer, service_bearer

from kit.authentication import Authentication, TokenVerifier
from kit.errors import Unauthenticated
from kit.settings import ServiceSettings
from kit.trust_store import Revocation, TrustStore, TrustUpdate

CLAIMS = {"iss": "farebox", "aud": "farebox", "sub": "7", "role": "user", "gen": 0}
KEY = {"id": 5, "scopes": ["read"], "cap": None}


def signed(secret: str = JWT_SECRET, algorithm: str = "HS256", **changed: object) -> str:
    now = int(time.time())
    claims = {**CLAIMS, "iat": now, "exp": now + 3600, **changed}
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, secret, algorithm=algorithm)


def unsigned(**header: str) -> str:
    parts = [header, {**CLAIMS, "iat": int(time.time()), "exp": int(time.time()) + 3600}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, ""])


def as_bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_valid_token_identifies_its_caller(client: httpx.AsyncClient) -> None:
    response = await client.get("/probe/reader", headers=bearer(7))
    assert response.json() == {"user_id": 7, "role": "user"}


async def test_token_of_the_previous_release_with_a_name_is_accepted(client: httpx.AsyncClient) -> None:
    response = await client.get("/probe/reader", headers=as_bearer(signed(name="pat@example.org")))
    assert response.status_code == 200


REFUSED = {
    "empty": lambda: "",
    "no token at all": lambda: "not-a-token",
    "three odd parts": lambda: "aaaa.bbbb.cccc",
    "expired": lambda: signed(exp=int(time.time()) - 1),
    "for another audience": lambda: signed(aud="another"),
    "for a service": lambda: signed(aud="auth-service"),
    "of another issuer": lambda: signed(iss="another"),
    "of nobody": lambda: signed(sub=None),
    "of a name": lambda: signed(sub="seven"),
    "without an end": lambda: signed(exp=None),
    "without a generation": lambda: signed(gen=None),
    "without a role": lambda: signed(role=None),
    "of another secret": lambda: signed(secret=JWT_SECRET[::-1]),
    "of another algorithm": lambda: signed(algorithm="HS384"),
    "of a number": lambda: signed(sub="7.0"),
    "of a number with a sign": lambda: signed(sub="+7"),
    "of a number of 30 digits": lambda: signed(sub="7" * 30),
    "of a number beyond the database's": lambda: signed(sub="9" * 19),
    "with padding": lambda: signed() + "=",
    "longer than any of ours": lambda: signed(note="x" * 5000),
    "living longer than any of ours": lambda: signed(exp=int(time.time()) + 25 * 3600),
    "issued in the future": lambda: signed(iat=int(time.time()) + 180, exp=int(time.time()) + 3600),
    "with times of fractions": lambda: signed(exp=time.time() + 60.5),
    "of half an API key": lambda: signed(api_key={"id": 5}),
    "unsigned": lambda: unsigned(alg="none", typ="JWT"),
    "unsigned with any signature": lambda: unsigned(alg="none", typ="JWT") + "c2lnbmVk",
    "with an empty signature": lambda: unsigned(alg="HS256", typ="JWT"),
    "a service's own": lambda: service_bearer("probe-service")["Authorization"].removeprefix("Bearer "),
}


@pytest.mark.parametrize("make_token", REFUSED.values(), ids=REFUSED.keys())
async def test_invalid_token_is_refused(client: httpx.AsyncClient, make_token: Callable[[], str]) -> None:
    token = make_token()
    response = await client.get("/probe/reader", headers=as_bearer(token))
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert not token or token not in response.text


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic cGF0"}, {"Authorization": "Bearer"}])
async def test_request_without_a_token_is_401_with_www_authenticate(
    client: httpx.AsyncClient, header: dict[str, str]
) -> None:
    assert (await client.get("/probe/reader", headers=header)).status_code == 401


async def test_every_token_is_503_before_the_first_trust_update(
    app: FastAPI, settings: ServiceSettings
) -> None:
    app.state.container = SimpleNamespace(authentication=Authentication.create(settings, "probe-service"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://probe") as client:
        response = await client.get("/probe/reader", headers=bearer(7))
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "revocation",
    [
        Revocation(user_id=7, generation=1),
        Revocation(session_id="test-session"),
    ],
)
async def test_cached_token_is_refused_once_revoked(
    client: httpx.AsyncClient, authentication: Authentication, revocation: Revocation
) -> None:
    token = bearer(7)
    assert (await client.get("/probe/reader", headers=token)).status_code == 200
    authentication.trust.apply(TrustUpdate(cursor=1, revocations=[revocation]))
    assert (await client.get("/probe/reader", headers=token)).status_code == 401


async def test_token_of_the_current_generation_stays_valid(
    client: httpx.AsyncClient, authentication: Authentication
) -> None:
    authentication.trust.apply(TrustUpdate(cursor=1, revocations=[Revocation(user_id=7, generation=1)]))
    assert (await client.get("/probe/reader", headers=bearer(7, generation=1))).status_code == 200


async def test_token_of_a_revoked_api_key_is_refused(
    client: httpx.AsyncClient, authentication: Authentication
) -> None:
    authentication.trust.apply(TrustUpdate(cursor=1, revocations=[Revocation(api_key_id=5)]))
    assert (await client.get("/probe/reader", headers=bearer(7, api_key=KEY))).status_code == 401


async def test_token_issued_by_a_clock_that_is_a_minute_ahead_is_valid(client: httpx.AsyncClient) -> None:
    token = signed(iat=int(time.time()) + 60)
    assert (await client.get("/probe/reader", headers=as_bearer(token))).status_code == 200


def test_cached_token_expires(settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    trust = TrustStore()
    trust.apply(TrustUpdate(cursor=0))
    verifier, token = TokenVerifier(settings, trust), access_token(7, lifetime=60)
    verifier.verify(token)
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(Unauthenticated, match="expired"):
        verifier.verify(token)


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/probe/reader", bearer(7, api_key=KEY), 200),
        ("/probe/trainer", bearer(7, api_key=KEY), 403),
        ("/probe/trainer", bearer(7, api_key=KEY | {"scopes": ["train"]}), 200),
        ("/probe/owner", bearer(7), 200),
        ("/probe/owner", bearer(7, api_key=KEY), 403),
        ("/probe/administrator", bearer(7), 403),
        ("/probe/administrator", bearer(7, role="admin"), 200),
        ("/probe/administrator", bearer(7, role="admin", api_key=KEY), 403),
        ("/probe/administrator", {}, 401),
    ],
)
async def test_token_opens_routes_of_its_scopes_and_role_only(
    client: httpx.AsyncClient, path: str, token: dict[str, str], status: int
) -> None:
    assert (await client.get(path, headers=token)).status_code == status


class TestSignedByKey:
    """EdDSA: the verifier has public keys only."""

    @pytest.fixture
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.generate()

    @pytest.fixture
    def verifier(self, private: Ed25519PrivateKey) -> TokenVerifier:
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        key = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "k1", "x": _base64(public)}
        trust = TrustStore()
        trust.apply(TrustUpdate(cursor=0, keys=[key]))
        settings = ServiceSettings.model_validate({"jwt_secret": JWT_SECRET, "jwt_algorithm": "EdDSA"})
        return TokenVerifier(settings, trust)

    @staticmethod
    def claims() -> dict[str, object]:
        return {**CLAIMS, "iat": int(time.time()), "exp": int(time.time()) + 60}

    def test_token_signed_by_a_published_key_is_valid(
        self, verifier: TokenVerifier, private: Ed25519PrivateKey
    ) -> None:
        token = jwt.encode(self.claims(), private, algorithm="EdDSA", headers={"kid": "k1"})
        assert verifier.verify(token).user_id == 7

    def test_token_signed_by_an_unknown_key_is_refused(
        self, verifier: TokenVerifier, private: Ed25519PrivateKey
    ) -> None:
        token = jwt.encode(self.claims(), private, algorithm="EdDSA", headers={"kid": "k2"})
        with pytest.raises(Unauthenticated):
            verifier.verify(token)

    def test_shared_secret_is_refused_under_eddsa(self, verifier: TokenVerifier) -> None:
        token = jwt.encode(self.claims(), JWT_SECRET, algorithm="HS256", headers={"kid": "k1"})
        with pytest.raises(Unauthenticated):
            verifier.verify(token)

    def test_public_key_is_refused_as_an_hmac_secret(
        self, verifier: TokenVerifier, private: Ed25519PrivateKey
    ) -> None:
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        token = jwt.encode(self.claims(), public, algorithm="HS256", headers={"kid": "k1"})
        with pytest.raises(Unauthenticated):
            verifier.verify(token)


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
