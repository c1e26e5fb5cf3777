"""Internal API of the ledger: hold, settle, release, refund and extend; deadlines of charges and holds."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from tests.support.billing import Billing, charge, event, hold, refund_hold, running_billing, until_waiting
from tests.support.postgres import Database
from tests.support.tokens import bearer, service_bearer

USER = 7
ENDS = ("settle", "release")


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

    async def test_repeated_hold_replays_the_first_answer_until_it_ends(self, billing: Billing) -> None:
        first = await billing.hold(USER, "a")
        assert await billing.hold(USER, "a") == first | {"replayed": True}
        await billing.settle("a")
        refused = await billing.hold(USER, "a")
        assert (refused["status"], refused["problem"]["code"]) == (409, "hold_ended")
        assert refused["problem"]["state"] == "settled"

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


class TestRefunds:
    async def test_refund_of_a_settled_hold_is_in_the_books(self, billing: Billing) -> None:
        await billing.hold(USER, "a", units=2, resource="a-model", api_key={"id": 3, "token_cap": 10})
        settled = await billing.settle("a", tokens=7)
        assert await billing.refund_hold(USER, "a") == {"status": 200, "tokens": 7, "available": 15}
        transfer = (await billing.ledger(USER))[0]
        assert (transfer["kind"], transfer["amount"], transfer["balance"]) == ("refund", 7, 15)
        assert transfer["note"] == f"receipt {settled['receipt_id']}"
        url = f"/v1/receipts/{transfer['receipt_id']}"
        receipt = (await billing.http.get(url, headers=bearer(USER))).json()
        assert (receipt["kind"], receipt["tokens"], receipt["resource"]) == ("refund", 7, "a-model")
        usage = await billing.http.get("/v1/me/usage?group_by=action", headers=bearer(USER))
        assert usage.json()["items"] == []
        assert (await billing.hold(USER, "b", units=2, api_key={"id": 3, "token_cap": 10}))["status"] == 200

    async def test_repeated_refund_has_the_same_answer(self, billing: Billing) -> None:
        await billing.hold(USER, "a")
        await billing.settle("a")
        first = await billing.refund_hold(USER, "a")
        await billing.charge(USER)
        assert await billing.refund_hold(USER, "a") == first
        assert (await billing.wallet(USER))["tokens"] == 10

    @pytest.mark.parametrize("steps", [[], ["hold"], ["hold", "release"], ["hold", "settle"]])
    async def test_refund_leaves_a_key_that_cannot_be_paid_with(
        self, billing: Billing, steps: list[str]
    ) -> None:
        operations = {"hold": hold(USER, "a"), **{name: {"operation": name, "hold": "a"} for name in ENDS}}
        if steps:
            await billing.operate(*[operations[step] for step in steps])
        assert (await billing.refund_hold(USER, "a"))["status"] == 200
        for late in ("hold", "settle"):
            (refused,) = await billing.operate(operations[late])
            assert (refused["status"], refused["problem"]["code"]) == (409, "hold_ended")
        assert (await billing.wallet(USER))["available"] == 15

    async def test_refund_in_the_batch_of_its_hold_is_in_the_books(self, billing: Billing) -> None:
        settle = {"operation": "settle", "hold": "a"}
        await billing.operate(hold(USER, "a"), settle, refund_hold(USER, "a"))
        assert (await billing.wallet(USER))["available"] == 15

    async def test_refund_after_the_wallet_was_closed_expires(self, billing: Billing) -> None:
        await billing.hold(USER, "a")
        await billing.settle("a")
        await billing.deliver(event("user_deleted", user_id=USER))
        assert await billing.refund_hold(USER, "a") == {"status": 200, "tokens": 5, "available": 0}

    async def test_refund_before_wallet_and_hold_exist_voids_the_key(self, billing: Billing) -> None:
        for _ in range(2):
            assert await billing.refund_hold(8, "a") == {"status": 200, "tokens": 0, "available": 0}
        await billing.register(8)
        assert (await billing.hold(8, "a"))["problem"]["code"] == "hold_ended"

    async def test_refund_by_another_user_is_422(self, billing: Billing) -> None:
        await billing.hold(USER, "a")
        refused = await billing.refund_hold(8, "a")
        assert (refused["status"], refused["problem"]["code"]) == (422, "idempotency_key_reused")

    async def test_refunds_and_settlements_on_two_replicas_pay_nothing(
        self, billing: Billing, database: Database
    ) -> None:
        async with running_billing(database) as other:
            keys = [f"k{n}" for n in range(3)]
            calls = [each.operate(hold(USER, key)) for key in keys for each in (billing, other)]
            calls += [each.operate({"operation": "settle", "hold": key}) for key in keys for each in (other,)]
            calls += [each.operate(refund_hold(USER, key)) for key in keys for each in (billing, other)]
            await asyncio.gather(*calls)
            assert (await billing.wallet(USER)) == {"tokens": 15, "held": 0, "available": 15}


class TestDeadlines:
    @pytest.mark.parametrize("operation", [charge, hold])
    async def test_operation_without_time_is_refused_and_moves_nothing(
        self, billing: Billing, operation: Callable[..., dict[str, object]]
    ) -> None:
        late, in_time = await billing.operate(
            operation(USER, timeout_ms=0), operation(USER, timeout_ms=60_000)
        )
        assert (late["status"], late["problem"]["code"]) == (503, "deadline_passed")
        assert in_time["status"] == 200
        assert (await billing.wallet(USER))["available"] == 10

    async def test_time_limit_counts_the_wait_for_the_wallet(
        self, billing: Billing, as_owner: asyncpg.Connection
    ) -> None:
        async with as_owner.transaction():
            await as_owner.execute("SELECT FROM billing.accounts WHERE owner_id = $1 FOR UPDATE", USER)
            call = asyncio.create_task(billing.charge(USER, "a", timeout_ms=50))
            await until_waiting(as_owner)
            await asyncio.sleep(0.05)
        assert (await call)["problem"]["code"] == "deadline_passed"
        assert (await billing.wallet(USER))["tokens"] == 15

    async def test_late_retry_of_a_charge_is_answered(self, billing: Billing) -> None:
        first = await billing.charge(USER, "a")
        assert await billing.charge(USER, "a", timeout_ms=0) == first | {"replayed": True}
