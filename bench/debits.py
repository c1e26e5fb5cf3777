"""Debits over HTTP on one hot wallet and on many, against a route that does nothing in the same process."""

import hashlib
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import orjson

from bench.bed import Bed
from bench.load import Outcome, Request, drive

AUDIENCE = "billing-service"
CONNECTIONS = 32
SECONDS = 5.0
WALLETS = 10_000
EVENTS_A_CALL = 500
FIRST_USER = 1_000_000


async def measure(bed: Bed) -> dict[str, Outcome]:
    _open_wallets(bed)
    noop = Request("GET", f"{bed.url('billing')}/livez", {})
    return {
        "no-op route": await drive(lambda _n: noop, CONNECTIONS, SECONDS),
        "debits, one hot wallet": await drive(lambda _n: _debit(bed, FIRST_USER), CONNECTIONS, SECONDS),
        f"debits, {WALLETS:,} wallets": await drive(
            lambda number: _debit(bed, FIRST_USER + number % WALLETS), CONNECTIONS, SECONDS
        ),
    }


def _debit(bed: Bed, user_id: int) -> Request:
    key = uuid4().hex
    hold = {
        "operation": "hold",
        "key": key,
        "user_id": user_id,
        "action": "train",
        "units": 1,
        "ttl_seconds": 30,
    }
    operations = [hold, {"operation": "settle", "hold": key}]
    body = orjson.dumps({"operations": operations})
    url, headers = f"{bed.url('billing')}/internal/operations", bed.service_headers(AUDIENCE)
    return Request("POST", url, headers, body, expect=b'"receipt_id"')


def _open_wallets(bed: Bed) -> None:
    events = [_user_created(FIRST_USER + number) for number in range(WALLETS)]
    with httpx.Client(base_url=bed.url("billing"), timeout=60) as client:
        for start in range(0, WALLETS, EVENTS_A_CALL):
            body = orjson.dumps(events[start : start + EVENTS_A_CALL])
            headers = bed.service_headers(AUDIENCE)
            client.post("/internal/events", content=body, headers=headers).raise_for_status()


def _user_created(user_id: int) -> dict[str, object]:
    name = f"bench-{user_id}"
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {
        "id": str(uuid4()),
        "kind": "user_created",
        "occurred_at": datetime.now(UTC).isoformat(),
        "data": {"user_id": user_id, "name": name, "name_digest": digest, "role": "user"},
    }
