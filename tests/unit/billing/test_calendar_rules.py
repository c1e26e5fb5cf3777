"""Periods of a group's local time: months of any length, changes of the clock, and the ends of rules."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_service.calendar_rules import Calendar, default_anchor, parse_duration
from billing_service.groups.rules import Schedule

ZONES = ("Europe/Berlin", "America/Santiago", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
DURATIONS = ("P1D", "P1W", "P2W", "P1M", "P3M", "PT12H")


def calendar(anchor: str, every: str | None, zone: str = "Europe/Berlin") -> Calendar:
    parsed = parse_duration(every) if every else None
    return Calendar(datetime.fromisoformat(anchor), parsed, ZoneInfo(zone))


def starts(calendar: Calendar, number: int) -> list[str]:
    found = [calendar.start_of(period) for period in range(number)]
    return [start.isoformat()[:16] for start in found if start is not None]


@pytest.mark.parametrize("text", ["P1Y", "P0D", "P-1D", "1D", "P1D2W", "PT", "P", "p1d", "P1.5D", "P12345D"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        parse_duration(text)


def test_months_from_31_january_end_with_each_month() -> None:
    assert starts(calendar("2026-01-31T09:00", "P1M"), 5) == [
        *("2026-01-31T08:00", "2026-02-28T08:00", "2026-03-31T07:00", "2026-04-30T07:00", "2026-05-31T07:00")
    ]


def test_day_keeps_its_local_time_when_the_clock_changes() -> None:
    assert starts(calendar("2026-03-28T12:00", "P1D"), 3) == [
        *("2026-03-28T11:00", "2026-03-29T10:00", "2026-03-30T10:00")
    ]


def test_skipped_local_time_is_moved_forwards() -> None:
    # At 2:00 the clock of Berlin is put forward to 3:00, so 2:30 stands for 3:30.
    assert starts(calendar("2026-03-29T02:30", "P1D"), 1) == ["2026-03-29T01:30"]


def test_repeated_local_time_is_the_first() -> None:
    assert starts(calendar("2026-10-25T02:30", "P1D"), 1) == ["2026-10-25T00:30"]


def test_hours_are_elapsed_time() -> None:
    assert starts(calendar("2026-03-28T12:00", "PT24H"), 2) == ["2026-03-28T11:00", "2026-03-29T11:00"]


def test_without_a_duration_there_is_one_period() -> None:
    forever = calendar("2026-01-01T00:00", None, "UTC")
    moments = [datetime(year, 1, 1, tzinfo=UTC) for year in (2025, 2026, 2100)]
    assert [forever.period_at(moment) for moment in moments] == [-1, 0, 0]
    assert forever.start_of(1) is None


@given(
    st.sampled_from(ZONES),
    st.sampled_from(DURATIONS),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - local times
    st.integers(0, 3000),
)
def test_every_moment_lies_in_one_period(zone: str, every: str, anchor: datetime, hours: int) -> None:
    periods = Calendar(anchor, parse_duration(every), ZoneInfo(zone))
    first = periods.start_of(0)
    assert first is not None
    moment = first + timedelta(hours=hours)
    period = periods.period_at(moment)
    start, end = periods.start_of(period), periods.start_of(period + 1)
    assert start is not None
    assert end is not None
    assert start <= moment < end


@pytest.mark.parametrize(
    ("every", "anchor"),
    [
        ("P1D", "2026-06-18T00:00"),
        ("P1W", "2026-06-15T00:00"),
        ("P1M", "2026-06-01T00:00"),
        (None, "2026-06-18T00:00"),
    ],
)
def test_default_anchor_is_a_local_midnight(every: str | None, anchor: str) -> None:
    moment = datetime(2026, 6, 18, 10, tzinfo=UTC)
    parsed = parse_duration(every) if every else None
    assert default_anchor(moment, parsed, ZoneInfo("Europe/Berlin")) == datetime.fromisoformat(anchor)


class TestSchedule:
    def of(self, every: str, keeps: int = 1, ends_at: str | None = None) -> Schedule:
        end = datetime.fromisoformat(ends_at) if ends_at else None
        return Schedule.of((datetime.fromisoformat("2026-01-05"), end), every, keeps, "UTC")

    def test_kept_allowances_are_alive_together(self) -> None:
        live = self.of("P1W", keeps=2).live_periods(datetime(2026, 1, 20, tzinfo=UTC))
        assert [(each.number, each.expires_at.day) for each in live] == [(1, 26), (2, 2)]

    def test_nothing_is_alive_before_the_start(self) -> None:
        schedule, before = self.of("P1W"), datetime(2026, 1, 4, tzinfo=UTC)
        assert schedule.live_periods(before) == []
        assert schedule.next_start(before) == datetime(2026, 1, 5, tzinfo=UTC)

    def test_no_allowance_outlives_the_end_of_the_rule(self) -> None:
        schedule = self.of("P1W", keeps=3, ends_at="2026-01-15")
        (first, second) = schedule.live_periods(datetime(2026, 1, 14, tzinfo=UTC))
        assert first.expires_at == second.expires_at == second.closes_at == datetime(2026, 1, 15, tzinfo=UTC)
        assert schedule.next_start(datetime(2026, 1, 14, tzinfo=UTC)) is None
        assert schedule.live_periods(datetime(2026, 1, 15, tzinfo=UTC)) == []
