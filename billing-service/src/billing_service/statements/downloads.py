"""Downloads, streamed page by page: the ledger as CSV, and all data of a user as JSON."""

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from pydantic import BaseModel

from billing_service.models import Account, Transfer
from billing_service.statements.queries import all_receipts, all_transfers
from billing_service.statements.schemas import ReceiptView, TransferView, WalletView
from kit.database import Database

COLUMNS = tuple(TransferView.model_fields)
# Spreadsheets run cells with these first characters as formulas.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def transfers_as_csv(pages: AsyncIterator[Sequence[Transfer]], account_id: int) -> AsyncGenerator[str]:
    yield _csv_lines([COLUMNS])
    async for rows in pages:
        views = [TransferView.of(row, account_id).model_dump(mode="json") for row in rows]
        yield _csv_lines([[_cell(view[column]) for column in COLUMNS] for view in views])


async def export_as_json(database: Database, wallet: Account, user_id: int) -> AsyncGenerator[str]:
    """The JSON document of `Export`, without holding it in memory."""
    see = TransferView.seen_from(wallet.id)
    transfers = ([see(row) for row in rows] async for rows in all_transfers(database, wallet.id))
    receipts = (
        [ReceiptView.model_validate(row) for row in rows] async for rows in all_receipts(database, user_id)
    )
    yield f'{{"wallet":{WalletView.of(wallet).model_dump_json()},"ledger":['
    async for chunk in _json_items(transfers):
        yield chunk
    yield '],"receipts":['
    async for chunk in _json_items(receipts):
        yield chunk
    yield "]}"


async def _json_items(pages: AsyncIterator[Sequence[BaseModel]]) -> AsyncGenerator[str]:
    comma = ""
    async for views in pages:
        if views:
            yield comma + ",".join(view.model_dump_json() for view in views)
            comma = ","


def _cell(value: str | int | None) -> str | int | None:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _csv_lines(rows: Sequence[Sequence[str | int | None]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
