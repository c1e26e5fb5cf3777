"""Where each token went."""

from typing import Annotated, Literal

from fastapi import Header, Query
from fastapi.responses import StreamingResponse

from billing_service.dependencies import History, OneDatabase, Wallets
from billing_service.errors import WalletNotFound
from billing_service.ledger.history import every_transfer
from billing_service.statements.downloads import csv_of
from billing_service.statements.schemas import EntryView, TransferView
from kit.app import strict_router
from kit.authentication import Administrator, Reader
from kit.errors import Forbidden, Unauthenticated
from kit.pagination import Page, RequestedPage
from kit.problems import documented

router = strict_router("/v1", ["wallet"])
Format = Annotated[Literal["json", "csv"] | None, Query(alias="format", description="or say it with Accept")]


@router.get(
    "/me/ledger",
    response_model=Page[TransferView],
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}},
        **documented(Unauthenticated, WalletNotFound),
    },
)
async def list_own_transfers(
    caller: Reader,
    wallets: Wallets,
    history: History,
    database: OneDatabase,
    page: RequestedPage,
    file_format: Format = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Page[TransferView] | StreamingResponse:
    """Every movement of your tokens, newest first; as CSV all of them at once."""
    wallet = await wallets.get(caller.user_id)
    if file_format == "csv" or (file_format is None and "text/csv" in accept):
        lines = csv_of(every_transfer(database, wallet.id), wallet.id)
        headers = {"Content-Disposition": 'attachment; filename="ledger.csv"'}
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
    rows = await history.list_of_account(wallet.id, page.before, page.fetch)
    return page.page_of(rows, TransferView.seen_from(wallet.id), lambda row: row.id)


@router.get("/ledger", tags=["admin"], responses=documented(Unauthenticated, Forbidden))
async def list_transfers(_caller: Administrator, history: History, page: RequestedPage) -> Page[EntryView]:
    """Every movement of everyone's tokens, newest first."""
    rows = await history.list_all(page.before, page.fetch)
    return page.page_of(rows, EntryView.of, lambda row: row.transfer.id)
