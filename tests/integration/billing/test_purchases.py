"""Purchases with the simulated card provider, and with a fake that records charges."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.support.billing import ADMIN, Billing, event, running_billing
from tests.support.postgres import Database
from tests.support.problems import assert_problem
from tests.support.tokens import bearer

from billing_service.purchases.cards import Card

USER = 7
CARD = "1234-5678-9999-0000"
PURCHASE = {"amount": 10, "credit_card": CARD}
KEY = {"Idempotency-Key": "my-key"}


@pytest.fixture(autouse=True)
async def wallet(billing: Billing) -> None:
    await billing.register(USER)


class RecordingCards:
    """A card provider that records charges and refunds, and can be paused within a charge."""

    def __init__(self) -> None:
        self.charged: Counter[str] = Counter()
        self.refunded: list[str] = []
        self.charging = asyncio.Event()
        self.resume = asyncio.Event()
        self.resume.set()

    async def charge(self, key: str, card: Card, tokens: int) -> None:
        self.charging.set()
        await self.resume.wait()
        assert card.number.isdigit()
        assert tokens > 0
        self.charged[key] += 1

    async def refund(self, key: str) -> None:
        self.refunded.append(key)


class TestPurchases:
    async def test_purchase_adds_tokens_and_a_receipt(self, billing: Billing) -> None:
        response = await billing.http.post("/v1/purchases", json=PURCHASE, headers=bearer(USER))
        assert response.status_code == 201
        bought = response.json()
        assert (bought["amount"], bought["available"]) == (10, 25)
        assert (bought["card_brand"], bought["card_last_four"]) == ("card", "0000")
        receipt = await billing.http.get(f"/v1/receipts/{bought['receipt_id']}", headers=bearer(USER))
        assert (receipt.json()["kind"], receipt.json()["tokens"]) == ("purchase", 10)

    async def test_same_key_buys_once_and_is_marked_as_replayed(self, billing: Billing) -> None:
        first = await billing.http.post("/v1/purchases", json=PURCHASE, headers=bearer(USER) | KEY)
        again = await billing.http.post("/v1/purchases", json=PURCHASE, headers=bearer(USER) | KEY)
        assert again.json() == first.json()
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        assert (await billing.wallet(USER))["tokens"] == 25

    @pytest.mark.parametrize("other", [{"amount": 11}, {"credit_card": "4242424242424242"}])
    async def test_same_key_with_other_input_is_422(self, billing: Billing, other: dict[str, object]) -> None:
        await billing.http.post("/v1/purchases", json=PURCHASE, headers=bearer(USER) | KEY)
        response = await billing.http.post("/v1/purchases", json=PURCHASE | other, headers=bearer(USER) | KEY)
        assert_problem(response, 422, "idempotency_key_reused")

    async def test_two_users_can_use_the_same_key(self, billing: Billing) -> None:
        await billing.register(8)
        for user in (USER, 8):
            await billing.http.post("/v1/purchases", json=PURCHASE, headers=bearer(user) | KEY)
        assert (await billing.wallet(8))["tokens"] == 25

    async def test_declined_card_is_402_and_adds_nothing(self, billing: Billing) -> None:
        purchase = {"amount": 10, "credit_card": "4000-0000-0000-0002"}
        response = await billing.http.post("/v1/purchases", json=purchase, headers=bearer(USER))
        assert_problem(response, 402, "card_declined")
        assert (await billing.wallet(USER))["tokens"] == 15

    @pytest.mark.parametrize(
        "invalid",
        [
            {"amount": 0},
            {"amount": -1},
            {"amount": 1.5},
            {"amount": "10"},
            {"amount": True},
            {"amount": 1_000_001},
            {"amount": 10**30},
            {"credit_card": "12345678901"},
            {"credit_card": 4242424242424242},
            {"credit_card": "4242-4242-4242-424x"},
            {"credit_card": None},
            {"surprise": 1},
        ],
    )
    async def test_invalid_purchase_is_422_and_card_number_is_not_repeated(
        self, billing: Billing, invalid: dict[str, object]
    ) -> None:
        response = await billing.http.post("/v1/purchases", json=PURCHASE | invalid, headers=bearer(USER))
        assert_problem(response, 422)
        assert "4242" not in response.text

    async def test_anonymous_is_401(self, billing: Billing) -> None:
        assert_problem(await billing.http.post("/v1/purchases", json=PURCHASE), 401)

    async def test_api_key_is_403(self, billing: Billing) -> None:
        headers = bearer(USER, api_key={"id": 1, "scopes": ["read", "train", "predict"], "cap": None})
        assert_problem(await billing.http.post("/v1/purchases", json=PURCHASE, headers=headers), 403)

    async def test_user_without_wallet_is_404(self, billing: Billing) -> None:
        response = await billing.http.post("/v1/purchases", json=PURCHASE, headers=bearer(99))
        assert_problem(response, 404, "wallet_not_found")


class TestSwitchedOff:
    @pytest.fixture
    async def switched_off(self, database: Database) -> AsyncIterator[Billing]:
        async with running_billing(database, cards=RecordingCards(), purchases="off") as running:
            yield running

    async def test_purchase_is_403_and_adds_nothing(self, switched_off: Billing) -> None:
        response = await switched_off.http.post("/v1/purchases", json=PURCHASE, headers=bearer(USER))
        assert_problem(response, 403, "purchases_off")
        assert (await switched_off.wallet(USER))["tokens"] == 15

    @pytest.mark.parametrize("headers", [bearer(USER), bearer(ADMIN, role="admin")])
    async def test_purchase_of_the_course_api_is_403(
        self, switched_off: Billing, headers: dict[str, str]
    ) -> None:
        body = {"username": f"user{USER}@example.org", "credit_card": CARD, "amount": 10}
        response = await switched_off.http.post("/add_tokens", json=body, headers=headers)
        assert_problem(response, 403, "purchases_off")
        assert (await switched_off.wallet(USER))["tokens"] == 15

    async def test_purchase_by_an_administrator_is_403(self, switched_off: Billing) -> None:
        body = {"email": f"user{USER}@example.org", "credit_card": CARD, "amount": 10}
        headers = bearer(ADMIN, role="admin")
        response = await switched_off.http.post(f"/admin/users/{USER}/tokens", json=body, headers=headers)
        assert_problem(response, 403, "purchases_off")
        assert (await switched_off.wallet(USER))["tokens"] == 15

    async def test_administrator_can_grant(self, switched_off: Billing) -> None:
        await switched_off.grant(USER, 10)
        assert (await switched_off.wallet(USER))["tokens"] == 25

    async def test_prices_say_whether_tokens_can_be_bought(
        self, billing: Billing, switched_off: Billing
    ) -> None:
        modes = [(await each.http.get("/v1/prices")).json()["purchases"] for each in (billing, switched_off)]
        assert modes == ["simulated", "off"]


class TestCardProvider:
    async def test_provider_receives_one_key_for_all_retries(self, database: Database) -> None:
        cards = RecordingCards()
        async with running_billing(database, cards=cards) as billing:
            headers = bearer(USER) | KEY
            purchases = [billing.http.post("/v1/purchases", json=PURCHASE, headers=headers) for _ in range(5)]
            responses = await asyncio.gather(*purchases)
            assert {response.status_code for response in responses} == {201}
            assert len(cards.charged) == 1
            assert (await billing.wallet(USER))["tokens"] == 25

    async def test_charge_is_refunded_if_the_wallet_closed_meanwhile(self, database: Database) -> None:
        cards = RecordingCards()
        cards.resume.clear()
        async with running_billing(database, cards=cards) as billing:
            buying = asyncio.create_task(
                billing.http.post("/v1/purchases", json=PURCHASE, headers=bearer(USER))
            )
            await cards.charging.wait()
            await billing.deliver(event("user_deleted", user_id=USER))
            cards.resume.set()
            assert_problem(await buying, 404, "wallet_not_found")
            assert cards.refunded == list(cards.charged)


async def test_no_table_stores_the_card_number(billing: Billing, database: Database) -> None:
    await billing.http.post("/v1/purchases", json=PURCHASE, headers=bearer(USER))
    connection = await asyncpg.connect(database.admin_dsn)
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'billing'")
    for (table,) in tables:
        rows = await connection.fetch(f'SELECT * FROM billing."{table}"')  # noqa: S608 - names from the catalogue
        assert "1234567899990000" not in str(rows)
        assert CARD not in str(rows)
    await connection.close()
