"""Budgets of groups, and who pays for your work."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypedDict, Unpack

from farebox.calls import Call, Page, idempotency_header, json_as, list_call, no_content
from farebox.operations import Resource, S, listing, operation
from farebox.resources.wallet import usage_params
from farebox.results.budgets import (
    AllowanceRule,
    DefaultPayer,
    Funds,
    GroupEntry,
    GroupGrant,
    GroupWallet,
    Payment,
    Source,
    SpendingLimit,
)
from farebox.results.wallet import Purchase, Usage

GroupedBy = Literal["day", "action", "model", "user", "context"]


class RuleOptions(TypedDict, total=False):
    """Options of an allowance rule; times without an offset are local times of the group."""

    starts_at: datetime
    """The start of the first period, by default now."""
    ends_at: datetime
    """The end of the last allowance, by default none."""
    keeps: int
    """The periods for which an allowance lasts, by default 1."""


class LimitScope(TypedDict, total=False):
    """The work that a limit counts, by default all work of each member."""

    context: str
    """Work with this label, such as `challenge:17`."""
    user_id: int
    """The work of one member."""
    api_key_id: int
    """The work of one API key."""


class Budgets(Resource[S]):
    """The tokens of groups: pools, allowances and limits."""

    @operation
    def funds(self, group_id: int | None = None) -> Call[Funds]:
        """The accounts that pay for your work in a group, or for work that names none."""
        return Call("GET", "/v1/me/funds", json_as(Funds), params={"group_id": group_id})

    @operation
    def set_payer(self, group_id: int | None) -> Call[DefaultPayer]:
        """Set the group that pays for work that names none; None for your own wallet."""
        return Call("PUT", "/v1/me/payer", json_as(DefaultPayer), json={"group_id": group_id})

    @operation
    def wallet(self, group_id: int) -> Call[GroupWallet]:
        """The tokens of a group: of all members for staff, else yours."""
        return Call("GET", f"/v1/groups/{group_id}/wallet", json_as(GroupWallet))

    @listing
    def ledger(self, group_id: int) -> Call[Page[GroupEntry]]:
        """Movements of a group's tokens, newest first: all for staff, else those that concern you."""
        return list_call(f"/v1/groups/{group_id}/ledger", GroupEntry)

    @listing
    def usage(
        self,
        group_id: int,
        group_by: GroupedBy = "day",
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Call[Page[Usage]]:
        """Tokens that a group paid, by day, action, model, user or context: of all for staff, else yours."""
        return list_call(f"/v1/groups/{group_id}/usage", Usage, usage_params(group_by, since, until))

    @operation
    def grant(
        self, group_id: int, amount: int, reason: str, *, idempotency_key: str | None = None
    ) -> Call[GroupGrant]:
        """Grant tokens to the pool of a group. For administrators."""
        return Call(
            "POST",
            f"/v1/groups/{group_id}/grants",
            json_as(GroupGrant),
            json={"amount": amount, "reason": reason},
            headers=idempotency_header(idempotency_key),
        )

    @operation
    def buy(
        self, group_id: int, amount: int, *, credit_card: str, idempotency_key: str | None = None
    ) -> Call[Purchase]:
        """Buy tokens for the pool of a group with a card, as its owner."""
        return Call(
            "POST",
            "/v1/purchases",
            json_as(Purchase),
            json={"amount": amount, "credit_card": credit_card, "group_id": group_id},
            headers=idempotency_header(idempotency_key),
        )

    @operation
    def set_payment(self, group_id: int, pays_from: Sequence[Source]) -> Call[Payment]:
        """Set the accounts that pay for the group's work, in the order in which they are spent."""
        body = {"pays_from": list(pays_from)}
        return Call("PUT", f"/v1/groups/{group_id}/payment", json_as(Payment), json=body)

    @operation
    def add_allowance_rule(
        self,
        group_id: int,
        amount: int,
        every: str,
        **options: Unpack[RuleOptions],
    ) -> Call[AllowanceRule]:
        """Give each member `amount` tokens for each period, such as `P1W`, from the pool."""
        rule: dict[str, object] = {"amount": amount, "every": every}
        rule |= {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in options.items()
        }
        path = f"/v1/groups/{group_id}/allowance-rules"
        return Call("POST", path, json_as(AllowanceRule), json=rule, headers=idempotency_header())

    @listing
    def allowance_rules(self, group_id: int) -> Call[Page[AllowanceRule]]:
        """The allowance rules of a group, newest first; for owners."""
        return list_call(f"/v1/groups/{group_id}/allowance-rules", AllowanceRule)

    @operation
    def change_allowance_rule(
        self, group_id: int, rule_id: int, *, amount: int | None = None, stopped: bool | None = None
    ) -> Call[AllowanceRule]:
        """Change the amount of later allowances, or stop or resume a rule; issued allowances stay."""
        changes = {"amount": amount, "stopped": stopped}
        given = {name: value for name, value in changes.items() if value is not None}
        path = f"/v1/groups/{group_id}/allowance-rules/{rule_id}"
        return Call("PATCH", path, json_as(AllowanceRule), json=given)

    @operation
    def add_limit(
        self,
        group_id: int,
        amount: int,
        every: str | None = None,
        **scope: Unpack[LimitScope],
    ) -> Call[SpendingLimit]:
        """Limit what each member spends in a period, or for ever; or what the scope names."""
        limit: dict[str, object] = {"amount": amount, "every": every, **scope}
        path = f"/v1/groups/{group_id}/limits"
        return Call("POST", path, json_as(SpendingLimit), json=limit, headers=idempotency_header())

    @listing
    def limits(self, group_id: int) -> Call[Page[SpendingLimit]]:
        """The spending limits of a group, newest first; for owners."""
        return list_call(f"/v1/groups/{group_id}/limits", SpendingLimit)

    @operation
    def delete_limit(self, group_id: int, limit_id: int) -> Call[None]:
        """Delete a spending limit."""
        return Call("DELETE", f"/v1/groups/{group_id}/limits/{limit_id}", no_content)
