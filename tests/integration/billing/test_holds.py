"""Internal API of the ledger: hold, settle, release and extend."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.billing import Billing, hold
from tests.support.tokens import bearer, service_bearer

USER = 7


@pytest.fixture(autouse=True)
async def wallet(billing: Billing) -> None:
    await billing.register(USER)


class TestCallers:
    async def test_anonymous_is_401(self, billing: Billing) -> None:
        response = await billing.http.post("/internal/operations", json={"operations": [hold(USER)]})
        assert response.status_code == 401

    async def test_access_token_of_user_is_401(self, billing: Billing) -> None:
        body = {"operations": [hold(USER)]}
        response = await billing.http.post("/internal/operations", json=body, headers=bearer(USER))
        assert response.status_code == 401

    async def test_service_token_for_another_service_is_401(self, billing: Billing) -> None:
        body = {"operations": [hold(USER)]}
        headers = service_bearer("ml-service")
        response = await billing.http.post("/internal/operations", json=body, headers=headers)
        assert response.status_code == 401


class TestOperations:
    async def test_hold_extend_and_settle_return_the_documented_fields(self, billing: Billing) -> None:
        held, extended, settled = await billing.operate(
            hold(USER, "a"),
            {"operation": "extend", "hold": "a", "ttl_seconds": 100},
            {"operation": "settle", "hold": "a"},
        )
        assert held == {"status": 200, "hold": "a", "tokens": 5, "available": 10, "replayed": False}
        assert extended["status"] == 200
        assert datetime.fromisoformat(extended["expires_at"]) > datetime.now(UTC) + timedelta(seconds=90)
        assert settled.keys() == {"status", "receipt_id", "tokens", "available"}
        assert (settled["tokens"], settled["available"]) == (5, 10)

    async def test_refused_hold_does_not_affect_the_others(self, billing: Billing) -> None:
        first, refused, third = await billing.operate(hold(USER, "a"), hold(USER, units=100), hold(USER, "b"))
        assert (first["status"], third["status"]) == (200, 200)
        assert refused["status"] == 402
        assert refused["problem"]["code"] == "not_enough_tokens"
        assert (refused["problem"]["required"], refused["problem"]["available"]) == (500, 10)

    async def test_invalid_operation_does_not_affect_the_others(self, billing: Billing) -> None:
        first, refused = await billing.operate(hold(USER, "a"), hold(USER, resource="\x00"))
        assert first["status"] == 200
        assert (refused["status"], refused["problem"]["code"]) == (422, "invalid_input")

    @pytest.mark.parametrize(
        ("operation", "status", "code"),
        [
            ({"operation": "settle", "hold": "none"}, 404, "hold_not_found"),
            ({"operation": "release", "hold": "none"}, 404, "hold_not_found"),
            (hold(99), 404, "wallet_not_found"),
            (hold(USER, "done"), 422, "idempotency_key_reused"),
            ({"operation": "release", "hold": "done"}, 409, "hold_ended"),
            ({"operation": "extend", "hold": "done", "ttl_seconds": 5}, 409, "hold_ended"),
        ],
    )
    async def test_refusal_has_status_and_code(
        self, billing: Billing, operation: dict[str, object], status: int, code: str
    ) -> None:
        await billing.hold(USER, "done", units=2)
        await billing.settle("done")
        (refused,) = await billing.operate(operation)
        assert (refused["status"], refused["problem"]["code"]) == (status, code)

    async def test_repeated_hold_after_settle_replays_the_first_answer(self, billing: Billing) -> None:
        first = await billing.hold(USER, "a")
        await billing.settle("a")
        assert await billing.hold(USER, "a") == first | {"replayed": True}

    async def test_free_action_has_receipt_and_no_transfer(self, billing: Billing) -> None:
        await billing.hold(USER, "a", action="metadata")
        settled = await billing.settle("a")
        receipt = await billing.http.get(f"/v1/receipts/{settled['receipt_id']}", headers=bearer(USER))
        assert receipt.json()["tokens"] == 0
        assert [transfer["kind"] for transfer in await billing.ledger(USER)] == ["opening_grant"]

    async def test_token_cap_of_api_key_is_enforced(self, billing: Billing) -> None:
        key = {"id": 3, "token_cap": 9}
        assert (await billing.hold(USER, "a", api_key=key))["status"] == 200
        refused = await billing.hold(USER, "b", api_key=key)
        assert (refused["status"], refused["problem"]["code"]) == (402, "token_cap_reached")
        await billing.release("a")
        assert (await billing.hold(USER, "c", api_key=key))["status"] == 200

    async def test_token_cap_counts_settled_tokens_only(self, billing: Billing) -> None:
        key = {"id": 3, "token_cap": 5}
        await billing.hold(USER, "a", api_key=key)
        await billing.settle("a", tokens=1)
        refused = await billing.hold(USER, "b", api_key=key)
        assert refused["problem"]["available"] == 4


class TestCancelledCallers:
    async def test_cancelled_caller_does_not_affect_the_batch(self, billing: Billing) -> None:
        calls = [asyncio.create_task(billing.hold(USER, f"k{n}")) for n in range(3)]
        await asyncio.sleep(0)
        calls[1].cancel()
        responses = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(responses[1], asyncio.CancelledError)
        assert responses[0]["status"] == responses[2]["status"] == 200
        again = await billing.hold(USER, "k1")
        assert again["status"] == 200
        assert (await billing.wallet(USER))["available"] == 0
