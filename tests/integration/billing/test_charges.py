"""Charges and refunds: the internal API, and what the user sees of them."""

import asyncio

import pytest
from tests.support.billing import ADMIN, Billing, charge, event, hold, refund
from tests.support.problems import assert_problem
from tests.support.tokens import bearer

USER = 7


@pytest.fixture(autouse=True)
async def wallet(billing: Billing) -> None:
    await billing.register(USER)


async def usage_of(billing: Billing, group_by: str) -> list[dict[str, object]]:
    params = {"group_by": group_by}
    return (await billing.http.get("/v1/me/usage", params=params, headers=bearer(USER))).json()["items"]


class TestOperations:
    async def test_charge_and_refund_return_the_documented_fields(self, billing: Billing) -> None:
        charged, refunded = await billing.operate(charge(USER, "a"), refund(USER, "a"))
        assert charged.keys() == {"status", "receipt_id", "tokens", "available", "replayed"}
        assert (charged["status"], charged["tokens"], charged["available"]) == (200, 5, 10)
        assert charged["replayed"] is False
        assert refunded == {"status": 200, "tokens": 5, "available": 15}

    async def test_repeated_charge_replays_the_first_answer(self, billing: Billing) -> None:
        first = await billing.charge(USER, "a")
        await billing.charge(USER, "b")
        assert await billing.charge(USER, "a") == first | {"replayed": True}
        assert (await billing.wallet(USER))["tokens"] == 5

    async def test_repeated_refund_replays_the_first_answer(self, billing: Billing) -> None:
        await billing.charge(USER, "a")
        first = await billing.refund(USER, "a")
        await billing.charge(USER, "b")
        assert await billing.refund(USER, "a") == first
        assert (await billing.wallet(USER))["tokens"] == 10

    async def test_charge_after_its_refund_is_refused(self, billing: Billing) -> None:
        assert await billing.refund(USER, "early") == {"status": 200, "tokens": 0, "available": 15}
        refused = await billing.charge(USER, "early")
        assert (refused["status"], refused["problem"]["code"]) == (409, "charge_refunded")
        assert (await billing.wallet(USER))["tokens"] == 15

    @pytest.mark.parametrize(
        ("operation", "status", "code"),
        [
            (charge(99), 404, "wallet_not_found"),
            (charge(USER, units=100), 402, "not_enough_tokens"),
            (charge(USER, "done"), 422, "idempotency_key_reused"),
            (charge(USER, api_key={"id": 3, "token_cap": 4}), 402, "token_cap_reached"),
            (charge(USER, quote_id="00000000-0000-0000-0000-000000000001"), 404, "quote_not_found"),
            (refund(99, "done"), 422, "idempotency_key_reused"),
            (charge(USER, resource="\x00"), 422, "invalid_input"),
        ],
    )
    async def test_refusal_has_status_and_code(
        self, billing: Billing, operation: dict[str, object], status: int, code: str
    ) -> None:
        await billing.charge(USER, "done", units=2)
        first, refused, last = await billing.operate(
            charge(USER, action="metadata"), operation, charge(USER, action="metadata")
        )
        assert (refused["status"], refused["problem"]["code"]) == (status, code)
        assert (first["status"], last["status"]) == (200, 200)

    async def test_hold_and_charge_of_one_key_are_separate(self, billing: Billing) -> None:
        await billing.operate(
            hold(USER, "same"), charge(USER, "same"), {"operation": "settle", "hold": "same"}
        )
        assert (await billing.wallet(USER)) == {"tokens": 5, "held": 0, "available": 5}

    async def test_refund_frees_the_token_cap_of_the_api_key(self, billing: Billing) -> None:
        capped = {"api_key": {"id": 3, "token_cap": 5}}
        await billing.charge(USER, "a", **capped)
        assert (await billing.charge(USER, "b", **capped))["problem"]["code"] == "token_cap_reached"
        await billing.refund(USER, "a")
        assert (await billing.charge(USER, "c", **capped))["status"] == 200

    async def test_quote_is_charged_at_its_own_price(self, billing: Billing) -> None:
        body = {"action": "predict", "units": 1}
        quote = (await billing.http.post("/v1/quotes", json=body, headers=bearer(USER))).json()
        await change_price(billing, 7)
        for _ in range(2):
            assert (await billing.charge(USER, quote_id=quote["id"]))["tokens"] == 5

    async def test_refund_after_the_wallet_was_closed_expires(self, billing: Billing) -> None:
        await billing.charge(USER, "a")
        await billing.deliver(event("user_deleted", user_id=USER))
        assert await billing.refund(USER, "a") == {"status": 200, "tokens": 5, "available": 0}
        assert (await billing.charge(USER, "b"))["problem"]["code"] == "wallet_not_found"
        headers = bearer(ADMIN, role="admin")
        house = (await billing.http.get("/v1/ledger/verify", headers=headers)).json()["house"]
        assert (house["revenue"], house["expired"]) == (0, 15)

    async def test_cancelled_caller_does_not_affect_the_batch(self, billing: Billing) -> None:
        calls = [asyncio.create_task(billing.charge(USER, f"k{n}")) for n in range(3)]
        await asyncio.sleep(0)
        calls[1].cancel()
        responses = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(responses[1], asyncio.CancelledError)
        assert (await billing.charge(USER, "k1"))["status"] == 200
        assert (await billing.wallet(USER))["tokens"] == 0


class TestHotRoute:
    async def test_invalid_body_is_answered_by_fastapi(self, billing: Billing) -> None:
        for body, status in ((b"{", 400), (b'{"operations": []}', 422)):
            response = await billing.http.post(
                "/internal/operations", content=body, headers=billing.service_headers
            )
            assert_problem(response, status)

    async def test_user_token_is_refused(self, billing: Billing) -> None:
        headers = bearer(USER) | {"Content-Type": "application/json"}
        response = await billing.http.post("/internal/operations", content=b"{}", headers=headers)
        assert_problem(response, 401)


class TestStatements:
    async def test_charge_looks_like_a_settled_hold(self, billing: Billing) -> None:
        charged = await billing.charge(USER, "charged", resource="a-model")
        await billing.hold(USER, "held", resource="a-model")
        settled = await billing.settle("held")
        one, other, _ = await billing.ledger(USER)
        own = {"id", "created_at", "balance", "receipt_id", "operation"}
        assert {k: v for k, v in one.items() if k not in own} == {
            k: v for k, v in other.items() if k not in own
        }
        first, second = [
            (await billing.http.get(f"/v1/receipts/{answer['receipt_id']}", headers=bearer(USER))).json()
            for answer in (charged, settled)
        ]
        own = {"id", "created_at"}
        assert {k: v for k, v in first.items() if k not in own} == {
            k: v for k, v in second.items() if k not in own
        }
        assert await usage_of(billing, "model") == [{"group": "a-model", "requests": 2, "tokens": 10}]

    async def test_refund_is_a_transfer_and_a_receipt(self, billing: Billing) -> None:
        charged = await billing.charge(USER, "a", resource="a-model")
        await billing.refund(USER, "a")
        transfer = (await billing.ledger(USER))[0]
        assert (transfer["kind"], transfer["amount"], transfer["balance"]) == ("refund", 5, 15)
        assert (transfer["operation"], transfer["note"]) == ("refund:a", f"receipt {charged['receipt_id']}")
        url = f"/v1/receipts/{transfer['receipt_id']}"
        receipt = (await billing.http.get(url, headers=bearer(USER))).json()
        assert (receipt["kind"], receipt["tokens"], receipt["resource"]) == ("refund", 5, "a-model")

    async def test_usage_is_net_of_refunds(self, billing: Billing) -> None:
        await billing.operate(charge(USER, "a", resource="one"), charge(USER, "b", resource="two"))
        await billing.refund(USER, "a")
        assert await usage_of(billing, "model") == [{"group": "two", "requests": 1, "tokens": 5}]
        assert await usage_of(billing, "action") == [{"group": "predict", "requests": 1, "tokens": 5}]

    async def test_void_is_no_receipt(self, billing: Billing) -> None:
        await billing.refund(USER, "early")
        export = (await billing.http.get("/v1/me/export", headers=bearer(USER))).json()
        assert export["receipts"] == []

    async def test_verification_counts_refunds(self, billing: Billing) -> None:
        await billing.operate(charge(USER, "a"), charge(USER, "b"), refund(USER, "a"))
        headers = bearer(ADMIN, role="admin")
        report = (await billing.http.get("/v1/ledger/verify", headers=headers)).json()
        assert (report["charged"], report["settled"], report["receipted"]) == (10, 10, 10)
        assert (report["refunded"], report["balanced"]) == (5, True)


async def change_price(billing: Billing, tokens: int) -> None:
    headers = bearer(ADMIN, role="admin")
    response = await billing.http.put("/v1/prices/predict", json={"tokens": tokens}, headers=headers)
    assert response.status_code == 200, response.text
