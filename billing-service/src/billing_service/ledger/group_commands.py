"""Commands of the ledger for pools and allowances."""

from dataclasses import dataclass
from datetime import datetime

from kit.digests import fingerprint
from kit.identity import UserId


@dataclass(frozen=True, slots=True)
class GrantToPool:
    group_id: int
    key: str
    tokens: int
    reason: str
    granted_by: UserId

    @property
    def input_hash(self) -> bytes:
        return fingerprint("pool_grant", self.group_id, self.tokens, self.reason)


@dataclass(frozen=True, slots=True)
class IssueAllowances:
    """Issue the missing allowances of one period to all active members, or none if the pool is short."""

    group_id: int
    rule_id: int
    period: int
    # Members who joined later get none.
    closes_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ExpireAllowance:
    """Return the available tokens of an allowance after its end, and close it when none is held."""

    account_id: int
    group_id: int


@dataclass(frozen=True, slots=True)
class ReturnAllowances:
    """End the allowances of a member who has left."""

    group_id: int
    user_id: UserId


@dataclass(frozen=True, slots=True)
class ClosePool:
    """Let the tokens of a deleted group expire."""

    group_id: int


GroupCommand = IssueAllowances | ExpireAllowance | ReturnAllowances | ClosePool
