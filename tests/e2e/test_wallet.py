"""The wallet: balance, ledger, usage, purchases and receipts."""

import csv
import io

import pytest
from tests.support.course import trained_model
from tests.support.people import Person
from tests.support.problems import assert_problem

CARD = "4242 4242 4242 4242"
DECLINED_CARD = "4000-0000-0000-0002"
FEATURES = {"features": {"x": 10, "noise": 3}}


async def test_new_wallet_has_the_opening_grant(user: Person) -> None:
    assert (await user.get("/v1/me/wallet")).json() == {"tokens": 15, "held": 0, "available": 15}


class TestLedger:
    async def test_ledger_explains_every_token_newest_first(self, user: Person) -> None:
        name = await trained_model(user)
        await user.post(f"/v1/models/{name}/predict", json=FEATURES)
        rows = (await user.get("/v1/me/ledger")).json()["items"]
        received = [(row["kind"], row["action"], row["amount"], row["balance"]) for row in rows]
        assert received == [
            ("charge", "predict", -5, 9),
            ("charge", "train", -1, 14),
            ("opening_grant", None, 15, 15),
        ]
        assert rows[0]["resource"] == rows[1]["resource"] == name

    async def test_ledger_is_paginated(self, user: Person) -> None:
        for _ in range(3):
            await trained_model(user)
        first = (await user.get("/v1/me/ledger", params={"page_size": 3})).json()
        query = {"page_size": 3, "page_token": first["next_page_token"]}
        second = (await user.get("/v1/me/ledger", params=query)).json()
        assert [row["balance"] for row in first["items"] + second["items"]] == [12, 13, 14, 15]
        assert second["next_page_token"] is None

    @pytest.mark.parametrize(
        "requested", [{"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}]
    )
    async def test_ledger_is_exported_as_csv(
        self, user: Person, requested: dict[str, dict[str, str]]
    ) -> None:
        await trained_model(user)
        response = await user.get("/v1/me/ledger", **requested)
        assert response.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(response.text)))
        assert [row["amount"] for row in rows] == ["-1", "15"]


class TestUsage:
    @pytest.mark.parametrize("group_by", ["day", "action", "model"])
    async def test_usage_sums_charges(self, user: Person, group_by: str) -> None:
        name = await trained_model(user)
        await user.post(f"/v1/models/{name}/predict", json=FEATURES)
        items = (await user.get("/v1/me/usage", params={"group_by": group_by})).json()["items"]
        assert sum(item["tokens"] for item in items) == 6
        assert sum(item["requests"] for item in items) == 2

    async def test_usage_names_the_actions(self, user: Person) -> None:
        await trained_model(user)
        response = await user.get("/v1/me/usage", params={"group_by": "action"})
        assert response.json()["items"] == [{"group": "train", "requests": 1, "tokens": 1}]


class TestPurchases:
    async def test_purchase_adds_tokens_and_stores_four_digits(self, user: Person) -> None:
        response = await user.post("/v1/purchases", json={"amount": 20, "credit_card": CARD})
        assert response.status_code == 201
        body = response.json()
        assert (body["amount"], body["available"]) == (20, 35)
        assert (body["card_brand"], body["card_last_four"]) == ("visa", "4242")
        receipt = await user.get(f"/v1/receipts/{body['receipt_id']}")
        assert receipt.json()["kind"] == "purchase"
        assert receipt.json()["tokens"] == 20
        assert "4242 4242" not in response.text + receipt.text

    async def test_declined_card_transfers_nothing(self, user: Person) -> None:
        purchase = {"amount": 20, "credit_card": DECLINED_CARD}
        assert_problem(await user.post("/v1/purchases", json=purchase), 402, "card_declined")
        assert await user.balance() == 15

    async def test_retried_purchase_is_booked_once(self, user: Person) -> None:
        purchase, key = {"amount": 20, "credit_card": CARD}, {"Idempotency-Key": "top-up"}
        first = await user.post("/v1/purchases", json=purchase, headers=key)
        again = await user.post("/v1/purchases", json=purchase, headers=key)
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        assert again.headers["idempotency-replayed"] == "true"
        assert await user.balance() == 35

    async def test_same_key_with_another_amount_is_422(self, user: Person) -> None:
        key = {"Idempotency-Key": "top-up"}
        await user.post("/v1/purchases", json={"amount": 20, "credit_card": CARD}, headers=key)
        response = await user.post("/v1/purchases", json={"amount": 21, "credit_card": CARD}, headers=key)
        assert_problem(response, 422, "idempotency_key_reused")
        assert await user.balance() == 35


class TestReceipts:
    async def test_receipt_explains_its_charge(self, user: Person) -> None:
        name = await trained_model(user)
        response = await user.post(f"/v1/models/{name}/predict", json=FEATURES)
        receipt = (await user.get(f"/v1/receipts/{response.headers['x-receipt-id']}")).json()
        assert (receipt["kind"], receipt["action"], receipt["tokens"]) == ("charge", "predict", 5)
        assert receipt["resource"] == name

    async def test_receipt_of_another_user_is_404(self, user: Person, bystander: Person) -> None:
        purchase = await user.post("/v1/purchases", json={"amount": 1, "credit_card": CARD})
        assert_problem(await bystander.get(f"/v1/receipts/{purchase.json()['receipt_id']}"), 404)
