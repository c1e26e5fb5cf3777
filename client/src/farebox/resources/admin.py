"""What administrators can do."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from farebox.calls import Call, keyed, nothing, one
from farebox.operations import Group, S, listing, operation
from farebox.resources.pages import every_page, list_of
from farebox.resources.wallet import UsageQuestion, usage_flow
from farebox.results.accounts import User, UserWallet
from farebox.results.health import SystemHealth
from farebox.results.wallet import Entry, Grant, LedgerCheck, Usage
from farebox.steps import Emits


class Admin(Group[S]):
    """Everybody's accounts and the books. For administrators."""

    @listing
    def users(self, *, min_tokens: int | None = None, query: str | None = None) -> Emits[UserWallet]:
        """Users with their balances: all, or those with at least `min_tokens` and `query` in their name."""
        return every_page(
            self.exchange, list_of("/v1/users", UserWallet, {"min_tokens": min_tokens, "q": query})
        )

    @operation
    def grant(
        self, user_id: int, tokens: int, reason: str, *, idempotency_key: str | None = None
    ) -> Call[Grant]:
        """Give a user tokens, and say why; the ledger keeps the reason."""
        return Call(
            "POST",
            f"/v1/users/{user_id}/grants",
            one(Grant),
            json={"amount": tokens, "reason": reason},
            headers=keyed(idempotency_key),
        )

    @operation
    def set_role(self, user_id: int, role: Literal["user", "admin"]) -> Call[User]:
        """Make a user an administrator, or an administrator a user."""
        return _change(user_id, {"role": role})

    @operation
    def set_disabled(self, user_id: int, disabled: bool) -> Call[User]:
        """Shut an account, which ends its logins within seconds, or open it again."""
        return _change(user_id, {"disabled": disabled})

    @operation
    def set_password(self, user_id: int, new_password: str) -> Call[None]:
        """Give a user a new password, which ends their logins."""
        return Call("PUT", f"/v1/users/{user_id}/password", nothing, json={"new_password": new_password})

    @operation
    def delete_user(self, user_id: int) -> Call[None]:
        """Delete a user with their models, datasets and API keys; ledger rows stay, without the name."""
        return Call("DELETE", f"/v1/users/{user_id}", nothing)

    @listing
    def ledger(self) -> Emits[Entry]:
        """Everybody's movements of tokens, newest first."""
        return every_page(self.exchange, list_of("/v1/ledger", Entry))

    @operation
    def verify_ledger(self) -> Call[LedgerCheck]:
        """Derive every balance anew from the ledger and compare."""
        return Call("GET", "/v1/ledger/verify", one(LedgerCheck), seconds=300)

    @operation
    def health(self) -> Call[SystemHealth]:
        """Which services are ready, and how many jobs wait and run."""
        return Call("GET", "/v1/health", one(SystemHealth))

    @listing
    def usage(
        self,
        group_by: Literal["day", "action", "model", "user"] = "day",
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Emits[Usage]:
        """Everybody's tokens spent by day, newest first, or by action, model or user, most first."""
        return usage_flow(self.exchange, "/v1/usage", UsageQuestion(group_by, since, until))


def _change(user_id: int, changes: Mapping[str, object]) -> Call[User]:
    return Call("PATCH", f"/v1/users/{user_id}", one(User), json=dict(changes))
