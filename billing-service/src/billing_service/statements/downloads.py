"""The ledger as CSV."""

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from billing_service.ledger.models import Transfer
from billing_service.statements.schemas import TransferView

COLUMNS = tuple(TransferView.model_fields)
# A spreadsheet would run a cell that begins like this as a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def csv_of(pages: AsyncIterator[Sequence[Transfer]], account_id: int) -> AsyncGenerator[str]:
    yield _lines([COLUMNS])
    async for rows in pages:
        views = [TransferView.of(row, account_id).model_dump(mode="json") for row in rows]
        yield _lines([[_cell(view[column]) for column in COLUMNS] for view in views])


def _cell(value: str | int | None) -> str | int | None:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _lines(rows: Sequence[Sequence[str | int | None]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
