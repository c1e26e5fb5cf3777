"""API keys: credentials for scripts, with less power than a password."""

from collections.abc import Sequence
from typing import Literal

from farebox.calls import Call, keyed, nothing, one
from farebox.operations import Group, S, listing, operation
from farebox.resources.pages import every_page, list_of
from farebox.results.api_keys import ApiKey, NewApiKey
from farebox.steps import Emits

Scope = Literal["read", "train", "predict"]
SCOPES: Sequence[Scope] = ("read", "train", "predict")


class ApiKeys(Group[S]):
    """The account's API keys."""

    @operation
    def create(
        self,
        name: str,
        *,
        scopes: Sequence[Scope] = SCOPES,
        token_cap: int | None = None,
        expires_in_days: int | None = None,
    ) -> Call[NewApiKey]:
        """Make a key. Its secret is in `api_key` of the result, and shown this once.

        `token_cap` is the most it may ever spend; without `expires_in_days` it does not expire.
        """
        wanted = {
            "name": name,
            "scopes": list(scopes),
            "token_cap": token_cap,
            "expires_in_days": expires_in_days,
        }
        return Call("POST", "/v1/api-keys", one(NewApiKey), json=wanted, headers=keyed())

    @listing
    def list(self) -> Emits[ApiKey]:
        """The keys, newest first, without their secrets."""
        return every_page(self.exchange, list_of("/v1/api-keys", ApiKey))

    @operation
    def revoke(self, key_id: int) -> Call[None]:
        """End a key; it stops working within seconds."""
        return Call("DELETE", f"/v1/api-keys/{key_id}", nothing)
