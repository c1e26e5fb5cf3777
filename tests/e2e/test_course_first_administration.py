"""The course API, first dialect: administration of users."""

import httpx
from tests.support.people import Person, new_user, unused_name
from tests.support.problems import assert_problem

CARD = "1234-5678-9999-0000"
NEW_PASSWORD = "another password"


class TestAdminUsers:
    async def test_users_are_listed_with_their_tokens(self, admin: Person, user: Person) -> None:
        response = await admin.get("/admin/users")
        assert response.status_code == 200
        body = response.json()
        assert body["status"] == "success"
        assert body["count"] == len(body["users"])
        mine = next(item for item in body["users"] if item["id"] == user.id)
        assert mine == {"id": user.id, "email": user.name, "tokens": 15, "is_admin": False}

    async def test_users_are_filtered_by_tokens(self, admin: Person, user: Person) -> None:
        users = (await admin.get("/admin/users", params={"min_tokens": 16})).json()["users"]
        assert all(user["tokens"] >= 16 for user in users)
        assert user.id not in {user["id"] for user in users}

    async def test_list_is_for_administrators(self, bystander: Person) -> None:
        assert_problem(await bystander.get("/admin/users"), 403)


class TestAdminTokens:
    async def test_admin_adds_tokens(self, admin: Person, user: Person) -> None:
        purchase = {"email": user.name, "credit_card": CARD, "amount": 7}
        response = await admin.post(f"/admin/users/{user.id}/tokens", json=purchase)
        assert response.status_code == 200
        body = response.json()
        assert (body["email"], body["amount"]) == (user.name, 7)
        assert body.keys() == {"status", "message", "email", "amount"}
        assert await user.balance() == 22

    async def test_email_of_another_user_is_400(self, admin: Person, user: Person, bystander: Person) -> None:
        purchase = {"email": bystander.name, "credit_card": CARD, "amount": 7}
        assert_problem(await admin.post(f"/admin/users/{user.id}/tokens", json=purchase), 400)
        assert await user.balance() == 15

    async def test_tokens_for_unknown_user_are_404(self, admin: Person) -> None:
        purchase = {"email": unused_name(), "credit_card": CARD, "amount": 7}
        assert_problem(await admin.post("/admin/users/987654321/tokens", json=purchase), 404)


class TestAdminResetPassword:
    async def test_admin_resets_password(self, http: httpx.AsyncClient, admin: Person, user: Person) -> None:
        change = {"email": user.name, "new_password": NEW_PASSWORD}
        response = await admin.post(f"/admin/users/{user.id}/reset_password", json=change)
        assert response.status_code == 200
        assert response.json().keys() == {"status", "message"}
        login = await http.post("/user/login", json={"email": user.name, "pwd": NEW_PASSWORD})
        assert login.status_code == 200

    async def test_reset_is_for_administrators(self, user: Person, bystander: Person) -> None:
        change = {"email": bystander.name, "new_password": NEW_PASSWORD}
        response = await user.post(f"/admin/users/{bystander.id}/reset_password", json=change)
        assert_problem(response, 403)


class TestAdminDelete:
    async def test_deletion_removes_the_user_and_frees_the_name(
        self, http: httpx.AsyncClient, admin: Person, user: Person
    ) -> None:
        response = await admin.delete(f"/admin/users/{user.id}")
        assert response.status_code == 200
        assert response.json().keys() == {"status", "message"}
        later = await new_user(http, user.name)
        assert later.id != user.id

    async def test_admin_cannot_delete_own_account(self, admin: Person) -> None:
        assert_problem(await admin.delete(f"/admin/users/{admin.id}"), 403)

    async def test_deletion_of_unknown_user_is_404(self, admin: Person) -> None:
        assert_problem(await admin.delete("/admin/users/987654321"), 404)
