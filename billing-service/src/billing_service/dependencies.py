"""The service's parts, as endpoints ask for them.

They are async because FastAPI sends plain functions to a thread each.
"""

from typing import Annotated

from fastapi import Depends, Request

from billing_service.course.service import CourseAccounts
from billing_service.ledger.service import Ledger
from billing_service.owners.service import Owners
from billing_service.prices.queries import PriceRepository
from billing_service.prices.service import Prices
from billing_service.purchases.service import Purchases
from billing_service.receipts.repository import ReceiptRepository
from billing_service.statements.queries import HistoryRepository
from billing_service.usage.repository import UsageRepository
from billing_service.wallets.repository import WalletRepository
from kit.database import Database, ReadSession, Session


async def _database(request: Request) -> Database:
    return request.app.state.container.database


async def _ledger(request: Request) -> Ledger:
    return request.app.state.container.ledger


async def _owners(request: Request) -> Owners:
    return request.app.state.container.owners


async def _purchases(request: Request) -> Purchases:
    return request.app.state.container.purchases


async def _course(request: Request) -> CourseAccounts:
    return CourseAccounts(request.app.state.container.database)


async def _prices(session: Session, request: Request) -> Prices:
    return Prices(session, request.app.state.container.settings.quote_seconds)


async def _price_rows(session: ReadSession) -> PriceRepository:
    return PriceRepository(session)


async def _wallets(session: ReadSession) -> WalletRepository:
    return WalletRepository(session)


async def _history(session: ReadSession) -> HistoryRepository:
    return HistoryRepository(session)


async def _receipts(session: ReadSession) -> ReceiptRepository:
    return ReceiptRepository(session)


async def _usage(session: ReadSession) -> UsageRepository:
    return UsageRepository(session)


OneDatabase = Annotated[Database, Depends(_database)]
OneLedger = Annotated[Ledger, Depends(_ledger)]
AllOwners = Annotated[Owners, Depends(_owners)]
AllPurchases = Annotated[Purchases, Depends(_purchases)]
AllPrices = Annotated[Prices, Depends(_prices)]
PriceRows = Annotated[PriceRepository, Depends(_price_rows)]
Wallets = Annotated[WalletRepository, Depends(_wallets)]
History = Annotated[HistoryRepository, Depends(_history)]
Receipts = Annotated[ReceiptRepository, Depends(_receipts)]
UsageRows = Annotated[UsageRepository, Depends(_usage)]
Course = Annotated[CourseAccounts, Depends(_course)]
