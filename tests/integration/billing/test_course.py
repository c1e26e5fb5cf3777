"""The course API of billing-service."""

import pytest
from tests.support.billing import ADMIN, Billing
from tests.support.problems import assert_problem
from tests.support.tokens import bearer

USER, OTHER = 7, 8
NAME, OTHER_NAME = "user7@example.org", "user8@example.org"
CARD, DECLINED = "1234-5678-9999-0000", "4000-0000-0000-0002"
AS_ADMIN = bearer(ADMIN, role="admin")


@pytest.fixture(autouse=True)
async def wallets(billing: Billing) -> None:
    await billing.register(ADMIN, "admin@example.org", "admin")
    await billing.register(USER, NAME)
    await billing.register(OTHER, OTHER_NAME)


async def test_user_sees_own_tokens(billing: Billing) -> None:
    response = await billing.http.get("/user/tokens", headers=bearer(USER))
    assert response.json() == {"username": NAME, "tokens": 15}


class TestAdminUsers:
    async def test_list_has_all_users(self, billing: Billing) -> None:
        body = (await billing.http.get("/admin/users", headers=AS_ADMIN)).json()
        assert (body["status"], body["count"]) == ("success", 3)
        assert {"id": USER, "email": NAME, "tokens": 15, "is_admin": False} in body["users"]
        assert {"id": ADMIN, "email": "admin@example.org", "tokens": 15, "is_admin": True} in body["users"]

    async def test_min_tokens_filters_users(self, billing: Billing) -> None:
        await billing.grant(USER, 1)
        body = (await billing.http.get("/admin/users?min_tokens=16", headers=AS_ADMIN)).json()
        assert [user["id"] for user in body["users"]] == [USER]


class TestAdminTokens:
    def body(self, **other: object) -> dict[str, object]:
        return {"email": NAME, "credit_card": CARD, "amount": 7, "a_field_of_the_client": 1, **other}

    async def test_top_up_adds_tokens(self, billing: Billing) -> None:
        response = await billing.http.post(f"/admin/users/{USER}/tokens", json=self.body(), headers=AS_ADMIN)
        assert response.status_code == 200
        message = "7 tokens were added."
        assert response.json() == {"status": "success", "message": message, "email": NAME, "amount": 7}
        assert (await billing.wallet(USER))["tokens"] == 22

    async def test_email_of_another_user_is_400(self, billing: Billing) -> None:
        body = self.body(email=OTHER_NAME)
        response = await billing.http.post(f"/admin/users/{USER}/tokens", json=body, headers=AS_ADMIN)
        assert_problem(response, 400)

    async def test_unknown_user_is_404(self, billing: Billing) -> None:
        response = await billing.http.post("/admin/users/99/tokens", json=self.body(), headers=AS_ADMIN)
        assert_problem(response, 404)

    async def test_declined_card_is_402(self, billing: Billing) -> None:
        body = self.body(credit_card=DECLINED)
        response = await billing.http.post(f"/admin/users/{USER}/tokens", json=body, headers=AS_ADMIN)
        assert_problem(response, 402, "card_declined")

    @pytest.mark.parametrize(("headers", "status"), [({}, 401), (bearer(USER), 403)])
    async def test_only_administrators_can_top_up_a_user(
        self, billing: Billing, headers: dict[str, str], status: int
    ) -> None:
        response = await billing.http.post(f"/admin/users/{USER}/tokens", json=self.body(), headers=headers)
        assert_problem(response, status)


class TestTokensByName:
    @pytest.mark.parametrize("name", [NAME, NAME.upper()])
    async def test_user_sees_own_tokens_by_name(self, billing: Billing, name: str) -> None:
        assert (await billing.http.get(f"/tokens/{name}", headers=bearer(USER))).json() == {"tokens": 15}

    async def test_administrator_sees_tokens_of_any_user(self, billing: Billing) -> None:
        assert (await billing.http.get(f"/tokens/{NAME}", headers=AS_ADMIN)).json() == {"tokens": 15}

    @pytest.mark.parametrize("name", [OTHER_NAME, "nobody"])
    async def test_name_of_another_or_unknown_user_is_404(self, billing: Billing, name: str) -> None:
        assert_problem(await billing.http.get(f"/tokens/{name}", headers=bearer(USER)), 404)

    async def test_unknown_name_is_404_for_administrator(self, billing: Billing) -> None:
        assert_problem(await billing.http.get("/tokens/nobody", headers=AS_ADMIN), 404)

    async def test_invalid_name_is_422(self, billing: Billing) -> None:
        assert_problem(await billing.http.get("/tokens/a%00b", headers=AS_ADMIN), 422)

    async def test_anonymous_is_401(self, billing: Billing) -> None:
        assert_problem(await billing.http.get(f"/tokens/{NAME}"), 401)


class TestAddTokens:
    def body(self, **other: object) -> dict[str, object]:
        return {"username": NAME, "credit_card": CARD, "amount": 10, "a_field_of_the_client": 1, **other}

    @pytest.mark.parametrize("headers", [bearer(USER), AS_ADMIN])
    async def test_owner_and_administrator_can_add_tokens(
        self, billing: Billing, headers: dict[str, str]
    ) -> None:
        response = await billing.http.post("/add_tokens", json=self.body(), headers=headers)
        assert response.status_code == 200
        assert response.json() == {"username": NAME, "tokens": 25}

    async def test_name_of_another_user_is_404(self, billing: Billing) -> None:
        response = await billing.http.post("/add_tokens", json=self.body(), headers=bearer(OTHER))
        assert_problem(response, 404)

    async def test_declined_card_is_402(self, billing: Billing) -> None:
        body = self.body(credit_card=DECLINED)
        response = await billing.http.post("/add_tokens", json=body, headers=bearer(USER))
        assert_problem(response, 402, "card_declined")

    @pytest.mark.parametrize("amount", [0, -5, 1.5, True, "ten"])
    async def test_amount_must_be_a_whole_number_above_zero(self, billing: Billing, amount: object) -> None:
        response = await billing.http.post("/add_tokens", json=self.body(amount=amount), headers=bearer(USER))
        assert_problem(response, 422)

    async def test_anonymous_is_401(self, billing: Billing) -> None:
        assert_problem(await billing.http.post("/add_tokens", json=self.body()), 401)
