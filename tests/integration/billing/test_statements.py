"""Statements of a user: wallet, ledger, usage, receipts and export."""

import csv

import pytest
from tests.support.billing import ADMIN, Billing
from tests.support.problems import assert_problem
from tests.support.tokens import bearer

USER, OTHER = 7, 8
OWN_PAGES = ["/v1/me/wallet", "/v1/me/ledger", "/v1/me/usage", "/v1/me/export", "/user/tokens"]
PREDICT_ONLY = {"id": 1, "scopes": ["predict"], "cap": None}


@pytest.fixture(autouse=True)
async def receipt_id(billing: Billing) -> str:
    """The receipt id of a user's only prediction."""
    await billing.register(USER)
    await billing.register(OTHER)
    await billing.hold(USER, "work", resource="my-model")
    return (await billing.settle("work"))["receipt_id"]


class TestAccess:
    @pytest.mark.parametrize("page", OWN_PAGES)
    async def test_anonymous_is_401(self, billing: Billing, page: str) -> None:
        assert_problem(await billing.http.get(page), 401)

    @pytest.mark.parametrize("page", OWN_PAGES)
    async def test_api_key_without_read_scope_is_403(self, billing: Billing, page: str) -> None:
        headers = bearer(USER, api_key=PREDICT_ONLY)
        assert_problem(await billing.http.get(page, headers=headers), 403)

    @pytest.mark.parametrize("page", ["/v1/me/wallet", "/v1/me/ledger", "/v1/me/export", "/user/tokens"])
    async def test_user_without_wallet_is_404(self, billing: Billing, page: str) -> None:
        assert_problem(await billing.http.get(page, headers=bearer(99)), 404, "wallet_not_found")


class TestWallet:
    async def test_wallet_shows_held_and_available_tokens(self, billing: Billing) -> None:
        await billing.hold(USER, "more")
        assert await billing.wallet(USER) == {"tokens": 10, "held": 5, "available": 5}


class TestLedger:
    async def test_transfer_has_reason_price_and_receipt(self, billing: Billing, receipt_id: str) -> None:
        charge, opening = await billing.ledger(USER)
        assert (charge["kind"], charge["amount"], charge["balance"]) == ("charge", -5, 10)
        assert (charge["action"], charge["resource"], charge["price_version"]) == ("predict", "my-model", 1)
        assert (charge["operation"], charge["receipt_id"]) == ("work", receipt_id)
        assert (opening["kind"], opening["amount"], opening["balance"]) == ("opening_grant", 15, 15)

    async def test_next_page_starts_after_the_first(self, billing: Billing) -> None:
        url, headers = "/v1/me/ledger", bearer(USER)
        first = (await billing.http.get(url, params={"page_size": 1}, headers=headers)).json()
        rest = {"page_size": 1, "page_token": first["next_page_token"]}
        second = (await billing.http.get(url, params=rest, headers=headers)).json()
        assert [first["items"][0]["kind"], second["items"][0]["kind"]] == ["charge", "opening_grant"]
        assert second["next_page_token"] is None

    @pytest.mark.parametrize("options", [{"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}])
    async def test_csv_by_parameter_or_accept_header(
        self, billing: Billing, options: dict[str, dict[str, str]]
    ) -> None:
        headers = bearer(USER) | options.get("headers", {})
        response = await billing.http.get("/v1/me/ledger", params=options.get("params"), headers=headers)
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(response.text.splitlines()))
        assert [(row["kind"], row["amount"]) for row in rows] == [("charge", "-5"), ("opening_grant", "15")]

    async def test_invalid_page_token_is_400(self, billing: Billing) -> None:
        params = {"page_token": "!"}
        assert_problem(await billing.http.get("/v1/me/ledger", params=params, headers=bearer(USER)), 400)


class TestUsage:
    @pytest.mark.parametrize(("group_by", "group"), [("action", "predict"), ("model", "my-model")])
    async def test_usage_is_summed_by_group(self, billing: Billing, group_by: str, group: str) -> None:
        params = {"group_by": group_by}
        response = await billing.http.get("/v1/me/usage", params=params, headers=bearer(USER))
        assert response.json()["items"] == [{"group": group, "requests": 1, "tokens": 5}]

    async def test_days_are_in_utc(self, billing: Billing) -> None:
        (entry,) = (await billing.http.get("/v1/me/usage", headers=bearer(USER))).json()["items"]
        (charge, _) = await billing.ledger(USER)
        assert entry["group"] == charge["created_at"][:10]

    @pytest.mark.parametrize("span", [{"from": "2100-01-01"}, {"to": "2001-01-01T00:00:00Z"}])
    async def test_usage_outside_the_range_is_excluded(self, billing: Billing, span: dict[str, str]) -> None:
        response = await billing.http.get("/v1/me/usage", params=span, headers=bearer(USER))
        assert response.json()["items"] == []

    @pytest.mark.parametrize("invalid", [{"group_by": "user"}, {"from": "0001-01-01"}, {"to": "soon"}])
    async def test_invalid_usage_query_is_422(self, billing: Billing, invalid: dict[str, str]) -> None:
        assert_problem(await billing.http.get("/v1/me/usage", params=invalid, headers=bearer(USER)), 422)

    async def test_usage_of_other_users_is_excluded(self, billing: Billing) -> None:
        assert (await billing.http.get("/v1/me/usage", headers=bearer(OTHER))).json()["items"] == []


class TestReceipts:
    async def test_owner_sees_receipt(self, billing: Billing, receipt_id: str) -> None:
        receipt = (await billing.http.get(f"/v1/receipts/{receipt_id}", headers=bearer(USER))).json()
        assert (receipt["kind"], receipt["tokens"], receipt["units"]) == ("charge", 5, 1)
        assert (receipt["action"], receipt["resource"]) == ("predict", "my-model")

    async def test_administrator_sees_receipt_of_any_user(self, billing: Billing, receipt_id: str) -> None:
        headers = bearer(ADMIN, role="admin")
        assert (await billing.http.get(f"/v1/receipts/{receipt_id}", headers=headers)).status_code == 200

    async def test_receipt_of_another_user_is_404(self, billing: Billing, receipt_id: str) -> None:
        response = await billing.http.get(f"/v1/receipts/{receipt_id}", headers=bearer(OTHER))
        assert_problem(response, 404, "receipt_not_found")

    async def test_api_key_of_administrator_sees_own_receipts_only(
        self, billing: Billing, receipt_id: str
    ) -> None:
        key = {"id": 1, "scopes": ["read"], "cap": None}
        headers = bearer(ADMIN, role="admin", api_key=key)
        response = await billing.http.get(f"/v1/receipts/{receipt_id}", headers=headers)
        assert_problem(response, 404, "receipt_not_found")

    async def test_receipt_is_401_for_anonymous(self, billing: Billing, receipt_id: str) -> None:
        assert_problem(await billing.http.get(f"/v1/receipts/{receipt_id}"), 401)


async def test_export_contains_wallet_ledger_and_receipts(billing: Billing, receipt_id: str) -> None:
    export = (await billing.http.get("/v1/me/export", headers=bearer(USER))).json()
    assert export["wallet"] == {"tokens": 10, "held": 0, "available": 10}
    assert [row["kind"] for row in export["ledger"]] == ["charge", "opening_grant"]
    assert [receipt["id"] for receipt in export["receipts"]] == [receipt_id]
