"""Administration: all accounts, and the books."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from farebox.calls import Call, Page, idempotency_header, json_as, list_call, no_content
from farebox.operations import Resource, S, listing, operation
from farebox.resources.wallet import usage_params
from farebox.results.accounts import User, UserWallet
from farebox.results.health import Diagnosis, SystemHealth
from farebox.results.wallet import Entry, Grant, LedgerCheck, Usage


class Admin(Resource[S]):
    """All accounts and the books. For administrators."""

    @listing
    def users(self, *, min_tokens: int | None = None, query: str | None = None) -> Call[Page[UserWallet]]:
        """Users with their balances: all, or those with at least `min_tokens` and `query` in their name."""
        return list_call("/v1/users", UserWallet, {"min_tokens": min_tokens, "q": query})

    @operation
    def create_user(self, name: str, password: str) -> Call[User]:
        """Create another user's account, also while sign-up is closed."""
        account = {"name": name, "password": password}
        return Call("POST", "/v1/users", json_as(User), json=account, headers=idempotency_header())

    @operation
    def grant(
        self, user_id: int, tokens: int, reason: str, *, idempotency_key: str | None = None
    ) -> Call[Grant]:
        """Grant a user tokens; the ledger stores the reason."""
        return Call(
            "POST",
            f"/v1/users/{user_id}/grants",
            json_as(Grant),
            json={"amount": tokens, "reason": reason},
            headers=idempotency_header(idempotency_key),
        )

    @operation
    def set_role(self, user_id: int, role: Literal["user", "admin"]) -> Call[User]:
        """Make a user an administrator, or an administrator a user."""
        return _update(user_id, {"role": role})

    @operation
    def set_disabled(self, user_id: int, disabled: bool) -> Call[User]:
        """Disable an account, which ends its logins within seconds, or enable it again."""
        return _update(user_id, {"disabled": disabled})

    @operation
    def set_password(self, user_id: int, new_password: str) -> Call[None]:
        """Reset a user's password, which ends their logins and revokes their API keys."""
        password = {"new_password": new_password}
        return Call("PUT", f"/v1/users/{user_id}/password", no_content, json=password)

    @operation
    def delete_user(self, user_id: int) -> Call[None]:
        """Delete a user with their models, datasets and API keys; ledger rows stay, without the name."""
        return Call("DELETE", f"/v1/users/{user_id}", no_content)

    @listing
    def ledger(self) -> Call[Page[Entry]]:
        """All movements of tokens in all accounts, newest first."""
        return list_call("/v1/ledger", Entry)

    @operation
    def verify_ledger(self) -> Call[LedgerCheck]:
        """Compare every stored balance with the sum of its transfers in the ledger."""
        return Call("GET", "/v1/ledger/verify", json_as(LedgerCheck))

    @operation
    def health(self) -> Call[SystemHealth]:
        """The readiness of each service, and the numbers of queued and running jobs."""
        return Call("GET", "/v1/health", json_as(SystemHealth))

    @operation
    def diagnosis(self) -> Call[Diagnosis]:
        """Check the installation: keys, clocks, migrations, disks, files, books and addresses."""
        return Call("GET", "/v1/diagnosis", json_as(Diagnosis))

    @listing
    def usage(
        self,
        group_by: Literal["day", "action", "model", "user"] = "day",
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Call[Page[Usage]]:
        """All users' tokens spent by day, newest first, or by action, model or user, largest first."""
        return list_call("/v1/usage", Usage, usage_params(group_by, since, until))


def _update(user_id: int, changes: Mapping[str, object]) -> Call[User]:
    return Call("PATCH", f"/v1/users/{user_id}", json_as(User), json=dict(changes))
