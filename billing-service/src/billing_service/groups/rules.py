"""Rules of allowances: the periods of an allowance rule. Pure, without a clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from billing_service.calendar_rules import LAST_YEAR, Calendar, parse_duration, to_utc

# What pays for the work of a group.
Source = Literal["allowance", "pool", "own"]


class Period(NamedTuple):
    """A period of a rule, and the end of its allowances."""

    number: int
    starts_at: datetime
    # The start of the next period: who joins from then on gets no allowance for this one.
    closes_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """The periods of an allowance rule; `keeps` is the number of periods that an allowance lasts."""

    calendar: Calendar
    ends_at: datetime | None
    keeps: int

    @classmethod
    def of(
        cls, times: tuple[datetime, datetime | None], every: str, keeps: int, time_zone: str
    ) -> "Schedule":
        """From a rule's local start and end, its duration and the group's time zone."""
        zone, (starts_at, ends_at) = ZoneInfo(time_zone), times
        end = None if ends_at is None else to_utc(ends_at, zone)
        return cls(Calendar(starts_at, parse_duration(every), zone), end, keeps)

    def live_periods(self, now: datetime) -> Sequence[Period]:
        """The periods that have started and whose allowances have not expired, oldest first."""
        current = self.calendar.period_at(now)
        numbers = range(max(0, current - self.keeps + 1), current + 1)
        periods = (self.period(number) for number in numbers)
        return [period for period in periods if period is not None and period.expires_at > now]

    def next_start(self, now: datetime) -> datetime | None:
        """The start of the next period; None after the last."""
        start = self._start_of(max(0, self.calendar.period_at(now) + 1))
        return start if start is not None and start > now else None

    def period(self, number: int) -> Period | None:
        """The period with this number; None after the last. No allowance outlives the end of its rule."""
        start = self._start_of(number)
        if start is None:
            return None
        closes, expires = (self._end_of(number + later) for later in (1, self.keeps))
        return Period(number, start, closes, expires)

    def _start_of(self, number: int) -> datetime | None:
        start = self.calendar.start_of(number)
        return None if start is None or (self.ends_at is not None and start >= self.ends_at) else start

    def _end_of(self, following: int) -> datetime:
        start = self._start_of(following)
        if start is not None:
            return start
        return self.ends_at or datetime(LAST_YEAR, 1, 1, tzinfo=UTC)
