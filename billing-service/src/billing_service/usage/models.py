"""What can be asked about usage, and one line of the answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

GroupBy = Literal["day", "action", "model", "user"]


@dataclass(frozen=True)
class UsageQuestion:
    group_by: GroupBy
    since: datetime | None
    until: datetime | None
    user_id: int | None = None


class Usage(NamedTuple):
    group: str | None
    requests: int
    tokens: int
