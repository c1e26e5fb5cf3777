"""The Idempotency-Key header, and the two ways in which a repeated key is refused."""

import hashlib
from typing import Annotated, NewType

import orjson
from fastapi import Header

from kit.problems import ServiceError

Key = NewType("Key", str)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="A retry with the same key gets the first answer and has one effect.",
    ),
]
REPLAYED = {"Idempotency-Replayed": "true"}


class KeyReused(ServiceError):
    status = 422
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used with other input; use a new key for a new request.")


class TwinRunning(ServiceError):
    status = 409
    code = "idempotency_twin_running"

    def __init__(self) -> None:
        super().__init__(
            "A request with this Idempotency-Key is still running; ask again in a moment.",
            headers={"Retry-After": "1"},
        )


def fingerprint(*parts: object) -> bytes:
    """SHA-256 of the input that a key stands for; equal input gives equal bytes whatever its key order."""
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS, default=str)).digest()
