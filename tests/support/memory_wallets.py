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

    def describe(self, kind: str, account: str) -> dict[str, object]:
        """The wallet as a payer in a refusal."""
        sizes = {"available": self.available, "held": self.held}
        return {"kind": kind, "account": account, **sizes, "expires_at": None}


@dataclass
class GroupFunds:
    """The pool of a group, and the most that one member may spend of it in each context."""

    members: set[UserId]
    pool: Wallet
    limit: int | None = None
    archived: bool = False
