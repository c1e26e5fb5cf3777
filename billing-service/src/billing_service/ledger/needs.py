"""Needs of a batch: owners, keys and ids of the rows that its commands read or change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never
from uuid import UUID

from billing_service.ledger.charge_rules import charge_receipt_id, refund_key
from billing_service.ledger.commands import (
    BuyTokens,
    ChargeTokens,
    CloseWallet,
    Command,
    ExpireHold,
    ExtendHold,
    GrantTokens,
    OpenWallet,
    PlaceHold,
    PricedOperation,
    RefundCharge,
    RefundHold,
    ReleaseHold,
    SettleHold,
)
from billing_service.ledger.group_commands import (
    ClosePool,
    ExpireAllowance,
    GrantToPool,
    GroupCommand,
    IssueAllowances,
    ReturnAllowances,
)


@dataclass(slots=True)
class Needs:
    """Owners, keys and ids of the rows that a batch of commands needs."""

    new_owners: list[int] = field(default_factory=list[int])
    closing_owners: list[int] = field(default_factory=list[int])
    owners: list[int] = field(default_factory=list[int])
    holds: list[str] = field(default_factory=list[str])
    keys: list[str] = field(default_factory=list[str])
    receipts: list[UUID] = field(default_factory=list[UUID])
    quotes: list[UUID] = field(default_factory=list[UUID])
    api_keys: list[int] = field(default_factory=list[int])
    # Users and the groups that pay for them, pair by pair.
    spenders: list[int] = field(default_factory=list[int])
    paying_groups: list[int] = field(default_factory=list[int])
    refunded_charges: list[UUID] = field(default_factory=list[UUID])
    pools: list[int] = field(default_factory=list[int])
    accounts: list[int] = field(default_factory=list[int])
    issues: list[IssueAllowances] = field(default_factory=list[IssueAllowances])
    # The group that pays for work of a user whose request names none.
    default_groups: Mapping[int, int] = field(default_factory=dict[int, int])

    @property
    def has_funds(self) -> bool:
        """Whether the batch may need accounts that are not the wallets of its users."""
        return bool(self.holds or self.spenders or self.refunded_charges or self.pools)

    @classmethod
    def of(cls, batch: Sequence[Command], default_groups: Mapping[int, int] | None = None) -> "Needs":
        needs = cls(default_groups=default_groups or {})
        for command in batch:
            needs.add(command)
        return needs

    def add(self, command: Command) -> None:
        match command:
            case ChargeTokens():
                self._add_priced(command)
                self._add_charge(command.key)
            case RefundCharge():
                self.owners.append(command.user_id)
                self._add_charge(command.charge)
                self.refunded_charges.append(charge_receipt_id(command.charge))
            case PlaceHold():
                self._add_priced(command)
                self.holds.append(command.key)
            case RefundHold():
                self.owners.append(command.user_id)
                self.holds.append(command.hold)
            case SettleHold() | ReleaseHold() | ExtendHold() | ExpireHold():
                self.holds.append(command.hold)
            case OpenWallet():
                self.new_owners.append(command.user_id)
                self._add_key(command.user_id, command.key)
            case GrantTokens() | BuyTokens():
                self._add_key(command.user_id, command.key)
                if isinstance(command, BuyTokens) and command.group_id is not None:
                    self.pools.append(command.group_id)
            case CloseWallet():
                self.closing_owners.append(command.user_id)
                self.owners.append(command.user_id)
            case _:
                self._add_group_command(command)

    def _add_group_command(self, command: GrantToPool | GroupCommand) -> None:
        self.pools.append(command.group_id)
        match command:
            case GrantToPool():
                self.keys.append(command.key)
            case IssueAllowances():
                self.issues.append(command)
            case ExpireAllowance():
                self.accounts.append(command.account_id)
            case ReturnAllowances():
                self._add_spender(command.user_id, command.group_id)
            case ClosePool():
                pass
            case _:
                assert_never(command)

    def _add_spender(self, user_id: int, group_id: int) -> None:
        self.spenders.append(user_id)
        self.paying_groups.append(group_id)

    def _add_priced(self, command: PricedOperation) -> None:
        self.owners.append(command.user_id)
        if command.group_id is not None or self.default_groups:
            group_id = command.group_id or self.default_groups.get(command.user_id)
            if group_id is not None:
                self._add_spender(command.user_id, group_id)
        if command.quote_id is not None:
            self.quotes.append(command.quote_id)
        if command.api_key is not None:
            self.api_keys.append(command.api_key.id)

    def _add_charge(self, key: str) -> None:
        self.receipts.append(charge_receipt_id(key))
        self.keys.append(refund_key(key))

    def _add_key(self, owner_id: int, key: str) -> None:
        self.owners.append(owner_id)
        self.keys.append(key)
