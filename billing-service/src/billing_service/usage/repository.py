"""Adds up charges."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.receipts.models import Receipt
from billing_service.usage.models import GroupBy, Usage, UsageQuestion

MOST_GROUPS = 1000


class UsageRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add_up(self, question: UsageQuestion) -> Sequence[Usage]:
        """Days newest first, other groups by tokens; free work counts as requests."""
        group = _group(question.group_by)
        tokens = func.sum(Receipt.tokens)
        statement = select(group, func.count(), cast(tokens, Receipt.tokens.type)).group_by(group)
        statement = statement.where(*_conditions(question)).limit(MOST_GROUPS)
        order = group if question.group_by == "day" else tokens
        rows = await self._session.execute(statement.order_by(order.desc(), group))
        return [Usage(*row) for row in rows.all()]


def _group(group_by: GroupBy) -> ColumnElement[Any]:  # Any: text, which may be null
    match group_by:
        case "day":
            return func.to_char(func.timezone("UTC", Receipt.created_at), "YYYY-MM-DD")
        case "action":
            return Receipt.action.expression
        case "model":
            return Receipt.resource.expression
        case "user":
            return cast(Receipt.owner_id, String)


def _conditions(question: UsageQuestion) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Receipt.kind == "charge"]
    if question.user_id is not None:
        conditions.append(Receipt.owner_id == question.user_id)
    if question.since is not None:
        conditions.append(Receipt.created_at >= question.since)
    if question.until is not None:
        conditions.append(Receipt.created_at < question.until)
    return conditions
