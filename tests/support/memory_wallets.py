"""Wallets of users and pools of groups in memory."""

from dataclasses import dataclass

from kit.identity import UserId


@dataclass
class Wallet:
    posted: int
    held: int = 0

    @property
    def available(self) -> int:
        return self.posted - self.held

    def describe(self) -> dict[str, object]:
        sizes = {"available": self.available, "held": self.held}
        return {"kind": "pool", "account": 1, **sizes, "expires_at": None}


@dataclass
class GroupFunds:
    """The pool of a group, and the most that one member may spend of it in each context."""

    members: set[UserId]
    pool: Wallet
    limit: int | None = None
    archived: bool = False
