"""Rules of the calendar: periods of a group's local time. Pure, without a clock.

Period n starts at the anchor plus n times the duration, counted from the anchor in local time: a monthly
period from 31 January starts on 28 February and on 31 March. A local time that a change of the clock skips
stands for the moment as far after the change; one that occurs twice stands for the first.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

# A port: billing takes the time from it in the ledger and the scheduler.
Clock = Callable[[], datetime]
Unit = Literal["D", "W", "M", "TH", "TM", "TS"]

DURATION = re.compile(r"P(?:([1-9][0-9]{0,3})([DWM])|T([1-9][0-9]{0,5})([HMS]))")
SECONDS = {"D": 86_400, "W": 7 * 86_400, "M": 30 * 86_400, "TH": 3600, "TM": 60, "TS": 1}
# The farthest that a period may reach.
LAST_YEAR = 2300


@dataclass(frozen=True, slots=True)
class Duration:
    """An ISO 8601 duration of one unit: days, weeks or months of the calendar; hours, minutes or seconds."""

    number: int
    unit: Unit

    @property
    def seconds(self) -> int:
        """The nominal length."""
        return self.number * SECONDS[self.unit]

    @property
    def is_calendar(self) -> bool:
        return self.unit in ("D", "W", "M")

    def after(self, anchor: datetime, times: int) -> datetime:
        """The anchor plus so many durations; the last day of a month if it has no such day."""
        if self.unit != "M":
            return anchor + timedelta(seconds=times * self.seconds)
        months = anchor.year * 12 + anchor.month - 1 + times * self.number
        year, month = divmod(months, 12)
        day = min(anchor.day, monthrange(year, month + 1)[1])
        return anchor.replace(year=year, month=month + 1, day=day)


def parse_duration(text: str) -> Duration:
    """Parse a duration such as `P1W`; raises ValueError."""
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError("must be an ISO 8601 duration of days, weeks or months, such as P1W")
    days, unit, hours, time_unit = match.groups()
    return Duration(int(days), unit) if days else Duration(int(hours), f"T{time_unit}")  # type: ignore[arg-type]


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment of a local time. `fold=0` gives the first of two, and moves a skipped one forwards."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def to_local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Periods from a local anchor; without a duration there is one period, for ever."""

    anchor: datetime
    every: Duration | None
    zone: ZoneInfo

    def start_of(self, period: int) -> datetime | None:
        """The moment at which the period starts; None if it never does."""
        every = self.every
        if every is None:
            return to_utc(self.anchor, self.zone) if period == 0 else None
        if every.seconds * period > (LAST_YEAR - self.anchor.year) * 365 * 86_400:
            return None
        if every.is_calendar:
            return to_utc(every.after(self.anchor, period), self.zone)
        # Hours are elapsed time: a day on which the clock changes has 23 or 25.
        return every.after(to_utc(self.anchor, self.zone), period)

    def period_at(self, moment: datetime) -> int:
        """The period that contains the moment; negative before the first."""
        if self.every is None:
            return 0 if moment >= to_utc(self.anchor, self.zone) else -1
        passed = moment - to_utc(self.anchor, self.zone)
        period = int(passed.total_seconds() // self.every.seconds)
        if period < -1:
            return -1
        # Months and changes of the clock make the quotient inexact.
        while period >= 0 and self._starts_after(period, moment):
            period -= 1
        while not self._starts_after(period + 1, moment):
            period += 1
        return period

    def _starts_after(self, period: int, moment: datetime) -> bool:
        start = self.start_of(period)
        return start is None or start > moment


def default_anchor(moment: datetime, every: Duration | None, zone: ZoneInfo) -> datetime:
    """The local midnight at which periods start by default: on a Monday, or on the first of a month."""
    local = to_local(moment, zone)
    if every is not None and not every.is_calendar:
        return local.replace(microsecond=0)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if every is not None and every.unit == "W":
        return midnight - timedelta(days=midnight.weekday())
    return midnight.replace(day=1) if every is not None and every.unit == "M" else midnight
