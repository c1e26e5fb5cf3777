"""Request rates: debits on one or many wallets against a no-op route, and the gateway's overhead."""

import hashlib
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import orjson

from bench.environment import BenchEnvironment
from bench.load import Outcome, Request, drive

AUDIENCE = "billing-service"
CONNECTIONS = 32
DEBIT_SECONDS, GATEWAY_SECONDS = 5.0, 4.0
WALLETS = 10_000
EVENTS_PER_CALL = 500
FIRST_USER = 1_000_000
GATEWAY_ROUTE = "/v1/model-types"


async def measure_debits(environment: BenchEnvironment) -> dict[str, Outcome]:
    _open_wallets(environment)
    noop = Request("GET", f"{environment.url('billing')}/livez", {})
    return {
        "no-op route": await drive(lambda _n: noop, CONNECTIONS, DEBIT_SECONDS),
        "debits, one hot wallet": await drive(
            lambda _n: _debit(environment, FIRST_USER), CONNECTIONS, DEBIT_SECONDS
        ),
        f"debits, {WALLETS:,} wallets": await drive(
            lambda number: _debit(environment, FIRST_USER + number % WALLETS), CONNECTIONS, DEBIT_SECONDS
        ),
    }


async def measure_gateway(environment: BenchEnvironment) -> dict[str, Outcome]:
    """Rates of one small route, directly from its service and through the gateway."""
    headers = environment.new_user()
    direct = Request("GET", environment.url("ml") + GATEWAY_ROUTE, headers)
    proxied = Request("GET", environment.url("gateway") + GATEWAY_ROUTE, headers)
    return {
        "directly to the service": await drive(lambda _n: direct, CONNECTIONS, GATEWAY_SECONDS),
        "through the gateway": await drive(lambda _n: proxied, CONNECTIONS, GATEWAY_SECONDS),
    }


def _debit(environment: BenchEnvironment, user_id: int) -> Request:
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
    url, headers = f"{environment.url('billing')}/internal/operations", environment.service_headers(AUDIENCE)
    return Request("POST", url, headers, body, expect=b'"receipt_id"')


def _open_wallets(environment: BenchEnvironment) -> None:
    events = [_user_created(FIRST_USER + number) for number in range(WALLETS)]
    with httpx.Client(base_url=environment.url("billing"), timeout=60) as client:
        for start in range(0, WALLETS, EVENTS_PER_CALL):
            body = orjson.dumps(events[start : start + EVENTS_PER_CALL])
            headers = environment.service_headers(AUDIENCE)
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
