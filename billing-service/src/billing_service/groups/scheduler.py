"""Scheduler: issues allowances that are missing, and returns those that have ended.

It compares the tables with the clock and sets no timer: a round after three weeks of sleep issues the
allowances that would be alive now, and no others. All replicas run it; the lock of a pool decides which of
them issues an allowance.
"""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from billing_service.calendar_rules import Clock
from billing_service.group_models import AllowanceRule
from billing_service.groups import schedule_queries as queries
from billing_service.groups.rules import Schedule
from billing_service.groups.schedule_queries import LARGEST_ROUND, DueRule
from billing_service.ledger.commands import Command, Issued, Outcome
from billing_service.ledger.group_commands import (
    ClosePool,
    ExpireAllowance,
    IssueAllowances,
    ReturnAllowances,
)
from billing_service.ledger.service import Ledger
from kit.background import every
from kit.database import Database
from kit.errors import ServiceError
from kit.identity import UserId

log = structlog.stdlib.get_logger()


class Scheduler:
    def __init__(self, database: Database, ledger: Ledger, clock: Clock) -> None:
        self._database, self._ledger, self.clock = database, ledger, clock

    async def run_forever(self, seconds: float) -> None:
        await every(seconds, self.run, failure="schedule_failed")

    async def run_soon(self, group_id: int | None = None) -> None:
        """A round at once, for the group of a request; if it fails, the next round tries again."""
        try:
            await self.run(group_id)
        except Exception as error:
            log.warning("schedule_failed", error=type(error).__name__)

    async def run(self, group_id: int | None = None) -> None:
        """One round, of one group or of all; what is returned can be issued in the same round."""
        await _repeat(lambda: self._return_allowances(group_id))
        await _repeat(self._close_pools)
        await _repeat(lambda: self._expire(group_id))
        await _repeat(lambda: self._issue(group_id))

    async def _return_allowances(self, group_id: int | None) -> int:
        async with self._database.read() as session:
            members = await queries.list_unsettled_members(session, group_id)
        outcomes = await self._post([ReturnAllowances(group, UserId(user)) for group, user in members])
        returned = [
            member for member, outcome in zip(members, outcomes, strict=True) if not _has_failed(outcome)
        ]
        if returned:
            async with self._database.transaction() as session:
                await queries.settle_members(session, returned)
        return len(returned)

    async def _close_pools(self) -> int:
        async with self._database.read() as session:
            groups = await queries.list_open_pools_of_deleted_groups(session)
        return _count(await self._post([ClosePool(group) for group in groups]))

    async def _expire(self, group_id: int | None) -> int:
        async with self._database.read() as session:
            ended = await queries.list_ended_funds(session, self.clock(), group_id)
        return _count(await self._post([ExpireAllowance(account, group) for account, group in ended]))

    async def _issue(self, group_id: int | None) -> int:
        async with self._database.read() as session:
            due = await queries.list_due_rules(session, self.clock(), group_id)
        for each in due:
            await self._issue_rule(each)
        return len(due)

    async def _issue_rule(self, due: DueRule) -> None:
        rule, now = due.rule, self.clock()
        schedule = schedule_of(rule, due.time_zone)
        periods = schedule.live_periods(now)
        commands = [
            IssueAllowances(rule.group_id, rule.id, each.number, each.closes_at, each.expires_at)
            for each in periods
        ]
        # One transaction each, so that the pool is not locked for all of them.
        outcomes = [outcome for command in commands for outcome in await self._post([command])]
        if any(_has_failed(outcome) for outcome in outcomes):
            return
        needed = max((outcome.needed for outcome in outcomes if isinstance(outcome, Issued)), default=0)
        next_at = schedule.next_start(now) if needed == 0 else rule.next_at
        async with self._database.transaction() as session:
            await queries.plan_rule(session, rule, next_at, needed)

    async def _post(self, commands: Sequence[Command]) -> list[Outcome]:
        return await self._ledger.post(commands) if commands else []


def schedule_of(rule: AllowanceRule, time_zone: str) -> Schedule:
    return Schedule.of((rule.starts_at, rule.ends_at), rule.every, rule.keeps, time_zone)


async def _repeat(step: Callable[[], Awaitable[int]]) -> None:
    """Repeat while a step has as much to do as it may do at once."""
    while await step() == LARGEST_ROUND:
        pass


def _has_failed(outcome: Outcome) -> bool:
    return isinstance(outcome, ServiceError)


def _count(outcomes: Sequence[Outcome]) -> int:
    return sum(not _has_failed(outcome) for outcome in outcomes)
