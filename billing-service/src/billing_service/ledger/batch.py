"""What a batch of movements needs to know before it can be decided."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never
from uuid import UUID

from billing_service.ledger import commands as ask


@dataclass(slots=True)
class Needs:
    """The owners, keys and ids that a batch names."""

    new_owners: list[int] = field(default_factory=list[int])
    closing_owners: list[int] = field(default_factory=list[int])
    owners: list[int] = field(default_factory=list[int])
    holds: list[str] = field(default_factory=list[str])
    operations: list[str] = field(default_factory=list[str])
    quotes: list[UUID] = field(default_factory=list[UUID])
    api_keys: list[int] = field(default_factory=list[int])

    @classmethod
    def of(cls, batch: Sequence[ask.Movement]) -> "Needs":
        needs = cls()
        for movement in batch:
            needs.add(movement)
        return needs

    def add(self, movement: ask.Movement) -> None:
        match movement:
            case ask.Settle() | ask.Release() | ask.Extend() | ask.Expire():
                self.holds.append(movement.hold)
            case ask.PlaceHold():
                self._add_hold(movement)
            case ask.OpenWallet():
                self.new_owners.append(movement.user_id)
                self._add_operation(movement.user_id, movement.key)
            case ask.Grant() | ask.Buy():
                self._add_operation(movement.user_id, movement.key)
            case ask.CloseWallet():
                self.closing_owners.append(movement.user_id)
                self.owners.append(movement.user_id)
            case _:
                assert_never(movement)

    def _add_hold(self, order: ask.PlaceHold) -> None:
        self.owners.append(order.user_id)
        self.holds.append(order.key)
        if order.quote_id is not None:
            self.quotes.append(order.quote_id)
        if order.api_key is not None:
            self.api_keys.append(order.api_key.id)

    def _add_operation(self, owner_id: int, key: str) -> None:
        self.owners.append(owner_id)
        self.operations.append(key)
