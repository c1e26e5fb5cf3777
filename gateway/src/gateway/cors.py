"""Which pages of other origins may call from a browser: none, unless a setting names them."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware

EXPOSED = [
    "X-Request-Id",
    "X-Tokens-Charged",
    "X-Tokens-Balance",
    "X-Receipt-Id",
    "Idempotency-Replayed",
    "Location",
    "Preference-Applied",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
]


def allow_origins(app: Starlette, origins: Sequence[str]) -> None:
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=EXPOSED,
        )
