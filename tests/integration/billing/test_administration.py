"""Administration: grants, users, prices, quotes, the whole ledger and its verification."""

import asyncpg
import pytest
from tests.support.billing import ADMIN, Billing
from tests.support.problems import assert_problem
from tests.support.tokens import bearer

USER = 7
AS_ADMIN = bearer(ADMIN, role="admin")
GRANT = {"amount": 10, "reason": "a good question"}
KEY = {"Idempotency-Key": "my-key"}
PAGES = ["/v1/users", "/v1/ledger", "/v1/ledger/verify", "/v1/usage", "/admin/users"]


@pytest.fixture(autouse=True)
async def wallets(billing: Billing) -> None:
    await billing.register(ADMIN, "admin@example.org", "admin")
    await billing.register(USER, "Ada@example.org")


class TestAccess:
    @pytest.mark.parametrize("page", PAGES)
    async def test_anonymous_is_401(self, billing: Billing, page: str) -> None:
        assert_problem(await billing.http.get(page), 401)

    @pytest.mark.parametrize("page", PAGES)
    async def test_user_is_403(self, billing: Billing, page: str) -> None:
        assert_problem(await billing.http.get(page, headers=bearer(USER)), 403)

    @pytest.mark.parametrize("page", PAGES)
    async def test_api_key_of_administrator_is_403(self, billing: Billing, page: str) -> None:
        key = {"id": 1, "scopes": ["read", "train", "predict"], "cap": None}
        assert_problem(await billing.http.get(page, headers=bearer(ADMIN, role="admin", api_key=key)), 403)

    @pytest.mark.parametrize(("headers", "status"), [({}, 401), (bearer(USER), 403)])
    async def test_only_administrators_can_grant_or_change_prices(
        self, billing: Billing, headers: dict[str, str], status: int
    ) -> None:
        grant = await billing.http.post(f"/v1/users/{USER}/grants", json=GRANT, headers=headers)
        price = await billing.http.put("/v1/prices/train", json={"tokens": 0}, headers=headers)
        assert_problem(grant, status)
        assert_problem(price, status)


class TestGrants:
    async def test_grant_adds_tokens_and_records_the_reason(self, billing: Billing) -> None:
        response = await billing.http.post(f"/v1/users/{USER}/grants", json=GRANT, headers=AS_ADMIN)
        assert response.status_code == 201
        assert response.json() == {"user_id": USER, "amount": 10, "available": 25}
        row = (await billing.ledger(USER))[0]
        assert (row["kind"], row["amount"], row["note"]) == ("grant", 10, "a good question")

    async def test_same_key_grants_once(self, billing: Billing) -> None:
        url, headers = f"/v1/users/{USER}/grants", AS_ADMIN | KEY
        first = await billing.http.post(url, json=GRANT, headers=headers)
        again = await billing.http.post(url, json=GRANT, headers=headers)
        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"
        assert (await billing.wallet(USER))["tokens"] == 25

    async def test_same_key_for_another_user_is_422(self, billing: Billing) -> None:
        await billing.http.post(f"/v1/users/{USER}/grants", json=GRANT, headers=AS_ADMIN | KEY)
        response = await billing.http.post(f"/v1/users/{ADMIN}/grants", json=GRANT, headers=AS_ADMIN | KEY)
        assert_problem(response, 422, "idempotency_key_reused")

    async def test_unknown_user_is_404(self, billing: Billing) -> None:
        response = await billing.http.post("/v1/users/99/grants", json=GRANT, headers=AS_ADMIN)
        assert_problem(response, 404, "wallet_not_found")

    @pytest.mark.parametrize(
        "invalid",
        [{"amount": 0}, {"amount": 10**10}, {"amount": True}, {"reason": ""}, {"reason": "\x00"}, {"a": 1}],
    )
    async def test_invalid_grant_is_422(self, billing: Billing, invalid: dict[str, object]) -> None:
        response = await billing.http.post(f"/v1/users/{USER}/grants", json=GRANT | invalid, headers=AS_ADMIN)
        assert_problem(response, 422)

    @pytest.mark.parametrize("user_id", ["0", "-1", str(2**63), "ada"])
    async def test_invalid_user_id_is_422(self, billing: Billing, user_id: str) -> None:
        response = await billing.http.post(f"/v1/users/{user_id}/grants", json=GRANT, headers=AS_ADMIN)
        assert_problem(response, 422)


class TestUsers:
    async def test_list_has_users_with_their_tokens(self, billing: Billing) -> None:
        newest = (await billing.http.get("/v1/users", headers=AS_ADMIN)).json()["items"][0]
        tokens = {"tokens": 15, "held": 0, "available": 15}
        assert newest == {"id": USER, "name": "Ada@example.org", "role": "user", "disabled": False, **tokens}

    @pytest.mark.parametrize("part", ["ADA", "ada@", "Ada@example.org"])
    async def test_search_ignores_case(self, billing: Billing, part: str) -> None:
        users = (await billing.http.get("/v1/users", params={"q": part}, headers=AS_ADMIN)).json()["items"]
        assert [user["id"] for user in users] == [USER]

    @pytest.mark.parametrize("part", ["%", "_", "\\"])
    async def test_search_treats_wildcards_literally(self, billing: Billing, part: str) -> None:
        response = await billing.http.get("/v1/users", params={"q": part}, headers=AS_ADMIN)
        assert response.json()["items"] == []

    async def test_min_tokens_counts_available_tokens(self, billing: Billing) -> None:
        await billing.hold(USER)
        response = await billing.http.get("/v1/users", params={"min_tokens": 11}, headers=AS_ADMIN)
        assert [user["id"] for user in response.json()["items"]] == [ADMIN]

    async def test_next_page_starts_after_the_first(self, billing: Billing) -> None:
        first = (await billing.http.get("/v1/users", params={"page_size": 1}, headers=AS_ADMIN)).json()
        rest = {"page_size": 1, "page_token": first["next_page_token"]}
        second = (await billing.http.get("/v1/users", params=rest, headers=AS_ADMIN)).json()
        assert [user["id"] for user in first["items"] + second["items"]] == [USER, ADMIN]

    @pytest.mark.parametrize("invalid", [{"q": "\x00"}, {"q": "x" * 201}, {"min_tokens": str(2**63)}])
    async def test_invalid_search_is_422(self, billing: Billing, invalid: dict[str, str]) -> None:
        assert_problem(await billing.http.get("/v1/users", params=invalid, headers=AS_ADMIN), 422)


class TestPrices:
    async def test_prices_are_public(self, billing: Billing) -> None:
        items = (await billing.http.get("/v1/prices")).json()["items"]
        assert {price["action"]: (price["tokens"], price["per_units"]) for price in items} == {
            "train": (1, 1),
            "predict": (5, 1),
            "batch": (5, 1000),
            "metadata": (0, 1),
            "score": (1, 1),
        }

    async def test_change_adds_a_version_for_new_holds_only(self, billing: Billing) -> None:
        await billing.hold(USER, "before")
        changed = await billing.http.put("/v1/prices/predict", json={"tokens": 1}, headers=AS_ADMIN)
        assert (changed.json()["version"], changed.json()["tokens"]) == (2, 1)
        assert (await billing.hold(USER, "after"))["tokens"] == 1
        assert (await billing.settle("before"))["tokens"] == 5

    async def test_equal_price_adds_no_version(self, billing: Billing) -> None:
        for _ in range(2):
            changed = await billing.http.put("/v1/prices/predict", json={"tokens": 1}, headers=AS_ADMIN)
        assert changed.json()["version"] == 2

    @pytest.mark.parametrize(
        "invalid", [{"tokens": -1}, {"tokens": 1, "per_units": 0}, {"tokens": 10**7}, {}]
    )
    async def test_invalid_price_is_422(self, billing: Billing, invalid: dict[str, int]) -> None:
        assert_problem(await billing.http.put("/v1/prices/train", json=invalid, headers=AS_ADMIN), 422)


class TestQuotes:
    async def test_quoted_price_applies_after_a_price_change(self, billing: Billing) -> None:
        work = {"action": "predict", "units": 2}
        quote = (await billing.http.post("/v1/quotes", json=work, headers=bearer(USER))).json()
        assert quote["tokens"] == 10
        await billing.http.put("/v1/prices/predict", json={"tokens": 9}, headers=AS_ADMIN)
        assert (await billing.hold(USER, units=2, quote_id=quote["id"]))["tokens"] == 10

    async def test_quote_of_another_user_is_404(self, billing: Billing) -> None:
        work = {"action": "predict"}
        quote = (await billing.http.post("/v1/quotes", json=work, headers=bearer(USER))).json()
        refused = await billing.hold(ADMIN, quote_id=quote["id"])
        assert (refused["status"], refused["problem"]["code"]) == (404, "quote_not_found")

    async def test_same_key_replays_the_quote(self, billing: Billing) -> None:
        responses = [
            await billing.http.post("/v1/quotes", json={"action": "train"}, headers=bearer(USER) | KEY)
            for _ in range(2)
        ]
        assert responses[0].json() == responses[1].json()
        assert responses[1].headers["idempotency-replayed"] == "true"

    async def test_same_key_for_other_work_is_422(self, billing: Billing) -> None:
        await billing.http.post("/v1/quotes", json={"action": "train"}, headers=bearer(USER) | KEY)
        response = await billing.http.post("/v1/quotes", json={"action": "batch"}, headers=bearer(USER) | KEY)
        assert_problem(response, 422, "idempotency_key_reused")

    async def test_anonymous_is_401(self, billing: Billing) -> None:
        assert_problem(await billing.http.post("/v1/quotes", json={"action": "train"}), 401)


class TestLedger:
    async def test_entry_names_both_accounts(self, billing: Billing) -> None:
        await billing.hold(USER, "work")
        await billing.settle("work")
        entry = (await billing.http.get("/v1/ledger", headers=AS_ADMIN)).json()["items"][0]
        assert (entry["debit"], entry["credit"], entry["amount"]) == (f"wallet:{USER}", "revenue", 5)

    async def test_usage_is_summed_by_user(self, billing: Billing) -> None:
        await billing.hold(USER, "work")
        await billing.settle("work")
        response = await billing.http.get("/v1/usage", params={"group_by": "user"}, headers=AS_ADMIN)
        assert response.json()["items"] == [{"group": str(USER), "requests": 1, "tokens": 5}]


class TestVerify:
    async def test_unmodified_books_balance(self, billing: Billing) -> None:
        await billing.hold(USER, "work")
        verification = (await billing.http.get("/v1/ledger/verify", headers=AS_ADMIN)).json()
        assert (verification["balanced"], verification["sum"], verification["open_holds"]) == (True, 0, 1)
        assert verification["house"]["grants"] == -30
        assert verification["differences"] == []

    @pytest.mark.parametrize(
        ("tampering", "repair"),
        [
            ("posted = posted + 1", "posted = posted - 1"),
            ("held = held + 1", "held = held - 1"),
        ],
    )
    async def test_tampered_balance_is_reported(
        self, billing: Billing, as_owner: asyncpg.Connection, tampering: str, repair: str
    ) -> None:
        where = f"WHERE owner_id = {USER}"
        await as_owner.execute(f"UPDATE billing.accounts SET {tampering} {where}")  # noqa: S608 - above
        verification = (await billing.http.get("/v1/ledger/verify", headers=AS_ADMIN)).json()
        assert not verification["balanced"]
        assert [difference["owner_id"] for difference in verification["differences"]] == [USER]
        await as_owner.execute(f"UPDATE billing.accounts SET {repair} {where}")  # noqa: S608 - above
