"""The logged-in account and its API keys."""

from collections.abc import Sequence
from typing import Literal

from farebox.calls import Call, Page, idempotency_header, json_as, list_call, no_content
from farebox.operations import Resource, S, listing, operation
from farebox.results.accounts import ApiKey, NewApiKey, User

Scope = Literal["read", "train", "predict"]
SCOPES: Sequence[Scope] = ("read", "train", "predict")


class Me(Resource[S]):
    """The logged-in account."""

    @operation
    def get(self) -> Call[User]:
        """The account."""
        return Call("GET", "/v1/me", json_as(User))

    @operation
    def set_display_name(self, display_name: str | None) -> Call[User]:
        """Set the name to show instead of the account's name."""
        return Call("PATCH", "/v1/me", json_as(User), json={"display_name": display_name})

    @operation
    def change_password(
        self, current_password: str, new_password: str, *, revoke_api_keys: bool = False
    ) -> Call[None]:
        """Change the password. All logins end, including this one; API keys only if requested."""
        passwords: dict[str, object] = {"current_password": current_password, "new_password": new_password}
        if revoke_api_keys:
            passwords["revoke_api_keys"] = True
        # A repeated change would be refused, since the current password has changed.
        return Call("PUT", "/v1/me/password", no_content, json=passwords, repeatable=False)

    @operation
    def export(self) -> Call[dict[str, object]]:
        """All data that each service stores about this account."""
        return Call("GET", "/v1/me/export", json_as(dict[str, object]))

    @operation
    def delete(self) -> Call[None]:
        """Delete the account with its models, datasets and API keys, and close its wallet."""
        return Call("DELETE", "/v1/me", no_content, repeatable=False)


class ApiKeys(Resource[S]):
    """The account's API keys: credentials for scripts, with fewer permissions than a password."""

    @operation
    def create(
        self,
        name: str,
        *,
        scopes: Sequence[Scope] = SCOPES,
        token_cap: int | None = None,
        expires_in_days: int | None = None,
        group_id: int | None = None,
    ) -> Call[NewApiKey]:
        """Create a key. The result's `api_key` is the secret, which is not shown again.

        `token_cap` is the most it may ever spend; without `expires_in_days` the key does not expire. The
        group pays for all work of the key.
        """
        key: dict[str, object] = {
            "name": name,
            "scopes": list(scopes),
            "token_cap": token_cap,
            "expires_in_days": expires_in_days,
        }
        if group_id is not None:
            key["group_id"] = group_id
        return Call("POST", "/v1/api-keys", json_as(NewApiKey), json=key, headers=idempotency_header())

    @listing
    def list(self) -> Call[Page[ApiKey]]:
        """The keys, newest first, without their secrets."""
        return list_call("/v1/api-keys", ApiKey)

    @operation
    def revoke(self, key_id: int) -> Call[None]:
        """Revoke a key; it stops working within seconds."""
        return Call("DELETE", f"/v1/api-keys/{key_id}", no_content)
