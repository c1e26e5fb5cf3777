"""Statements: wallet, ledger, receipts, usage and export of a user; ledger and usage of all users."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator

from billing_service.errors import ReceiptNotFound, WalletNotFound
from billing_service.fields import Moment
from billing_service.statements import queries
from billing_service.statements.downloads import all_transfers, export_as_json, transfers_as_csv
from billing_service.statements.payers import view_receipts
from billing_service.statements.queries import CostlyReads, GroupBy, UsageQuery
from billing_service.statements.schemas import (
    EntryView,
    Export,
    ReceiptView,
    TransferView,
    UsageReport,
    UsageView,
    WalletView,
)
from billing_service.statements.verification import Verification, Verifier
from kit.app import strict_router
from kit.authentication import AccountOwner, Administrator, Reader
from kit.database import Database, ReadSession
from kit.errors import DeadlinePassed, Forbidden, Unauthenticated
from kit.pagination import Page, RequestedPage
from kit.problems import documented

router = strict_router("/v1", ["wallet"])


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


async def _database(request: Request) -> Database:
    return request.app.state.container.database


async def _costly_reads(request: Request) -> CostlyReads:
    return request.app.state.container.costly_reads


async def _verifier(request: Request) -> Verifier:
    return request.app.state.container.verifier


DatabaseDep = Annotated[Database, Depends(_database)]
CostlyReadsDep = Annotated[CostlyReads, Depends(_costly_reads)]
VerifierDep = Annotated[Verifier, Depends(_verifier)]
Format = Annotated[Literal["json", "csv"] | None, Query(alias="format", description="overrides Accept")]
UtcMoment = Annotated[Moment, AfterValidator(_in_utc)]
Since = Annotated[
    UtcMoment | None, Query(alias="from", description="start, inclusive; UTC if it has no time zone")
]
Until = Annotated[UtcMoment | None, Query(alias="to", description="end, exclusive")]


@router.get("/me/wallet", responses=documented(Unauthenticated, WalletNotFound))
async def show_wallet(caller: Reader, session: ReadSession) -> WalletView:
    """Your tokens: in total, held for work in progress, and available."""
    return WalletView.of(await queries.get_open_wallet(session, caller.user_id))


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
    database: DatabaseDep,
    reads: CostlyReadsDep,
    page: RequestedPage,
    file_format: Format = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """List your transfers, newest first; the CSV contains all of them at once."""
    async with database.read_of(caller.user_id) as session:
        wallet = await queries.get_open_wallet(session, caller.user_id)
        if file_format == "csv" or (file_format is None and "text/csv" in accept):
            lines = transfers_as_csv(all_transfers(reads, caller.user_id, wallet.id), wallet.id)
            headers = {"Content-Disposition": 'attachment; filename="ledger.csv"'}
            return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
        rows = await queries.list_transfers(session, wallet.id, page.before, page.fetch)
        answer = page.page_of(rows, TransferView.seen_from(wallet.id), lambda row: row.id)
        return Response(answer.model_dump_json(), media_type="application/json")


@router.get("/ledger", tags=["admin"], responses=documented(Unauthenticated, Forbidden))
async def list_transfers(
    _caller: Administrator, session: ReadSession, page: RequestedPage
) -> Page[EntryView]:
    """List the transfers of all users, newest first."""
    rows = await queries.list_entries(session, page.before, page.fetch)
    return page.page_of(rows, lambda entry: EntryView.of(*entry), lambda entry: entry.transfer.id)


@router.get("/receipts/{receipt_id}", responses=documented(Unauthenticated, ReceiptNotFound))
async def show_receipt(receipt_id: UUID, caller: Reader, session: ReadSession) -> ReceiptView:
    """A receipt for a charge or a purchase; administrators can read every receipt."""
    receipt = await queries.find_receipt(session, receipt_id)
    if receipt is None or not (caller.is_admin or receipt.owner_id == caller.user_id):
        raise ReceiptNotFound
    (view,) = await view_receipts(session, [receipt])
    return view


@router.get("/me/usage", responses=documented(Unauthenticated, DeadlinePassed))
async def show_own_usage(
    caller: Reader,
    reads: CostlyReadsDep,
    group_by: Annotated[Literal["day", "action", "model"], Query()] = "day",
    since: Since = None,
    until: Until = None,
) -> UsageReport:
    """Your charges, summed: days newest first, other groups by tokens; at most 1,000 groups."""
    async with reads.session(caller.user_id) as session:
        usage = await queries.sum_usage(session, UsageQuery(group_by, since, until, caller.user_id))
    return UsageReport(items=[UsageView.model_validate(group) for group in usage])


@router.get("/usage", tags=["admin"], responses=documented(Unauthenticated, Forbidden, DeadlinePassed))
async def show_usage(
    caller: Administrator,
    reads: CostlyReadsDep,
    group_by: Annotated[GroupBy, Query()] = "day",
    since: Since = None,
    until: Until = None,
) -> UsageReport:
    """Charges of all users, summed: days newest first, other groups by tokens; at most 1,000 groups."""
    async with reads.session(caller.user_id) as session:
        usage = await queries.sum_usage(session, UsageQuery(group_by, since, until))
    return UsageReport(items=[UsageView.model_validate(group) for group in usage])


@router.get("/me/export", response_model=Export, responses=documented(Unauthenticated, WalletNotFound))
async def export(caller: AccountOwner, session: ReadSession, reads: CostlyReadsDep) -> StreamingResponse:
    """Export your wallet, all its transfers and all receipts."""
    wallet = await queries.get_open_wallet(session, caller.user_id)
    content = export_as_json(reads, wallet, caller.user_id)
    return StreamingResponse(content, media_type="application/json")


@router.get("/ledger/verify", tags=["admin"], responses=documented(Unauthenticated, Forbidden))
async def verify_ledger(_caller: Administrator, verifier: VerifierDep) -> Verification:
    """Recalculate every balance from all transfers and holds, and report differences.

    Concurrent requests share one verification.
    """
    return await verifier.verify()
