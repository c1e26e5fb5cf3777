"""Access tokens and service tokens for tests of a single service, signed as by the real ones."""

import time

import jwt

from kit.service_tokens import ServiceIdentity
from kit.settings import ServiceSettings

JWT_SECRET = "9c1f0a7be25d4836a1c7f2e09d5b83647e6ab0c2d8f14953"
CLAIMS = {"iss": "farebox", "aud": "farebox"}


def access_token(
    user_id: int,
    *,
    role: str = "user",
    generation: int = 0,
    session_id: str = "test-session",
    api_key: dict[str, object] | None = None,
    group_id: int | None = None,
    lifetime: float = 3600,
) -> str:
    """A token like auth-service's; `api_key` is {"id", "scopes", "cap"}, bound to a group."""
    now = time.time()
    claims: dict[str, object] = {
        **CLAIMS,
        "sub": str(user_id),
        "role": role,
        "gen": generation,
        "sid": session_id,
        "iat": int(now),
        "exp": int(now + lifetime),
    }
    if group_id is not None:
        claims["group_id"] = group_id
    if api_key is not None:
        claims |= {"api_key": api_key, "sid": None}
    return jwt.encode(claims, JWT_SECRET, algorithm="HS256")


def bearer(user_id: int, **claims: object) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_token(user_id, **claims)}"}  # pyright: ignore[reportArgumentType] - passed through


def service_bearer(audience: str, caller: str = "ml-service") -> dict[str, str]:
    """Headers of another service's calls to this audience."""
    settings = ServiceSettings(jwt_secret=JWT_SECRET)  # pyright: ignore[reportArgumentType] - pydantic converts
    return ServiceIdentity(settings, caller).headers_for(audience)
