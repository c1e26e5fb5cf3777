"""Everything that billing knows of a user, for them to take away."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from billing_service.dependencies import OneDatabase, Wallets
from billing_service.errors import WalletNotFound
from billing_service.ledger.history import every_transfer
from billing_service.ledger.models import Account
from billing_service.receipts.history import every_receipt
from billing_service.receipts.schemas import ReceiptView
from billing_service.statements.schemas import TransferView
from billing_service.wallets.schemas import WalletView
from kit.app import strict_router
from kit.authentication import AccountOwner
from kit.database import Database
from kit.errors import Unauthenticated
from kit.problems import documented

router = strict_router("/v1", ["wallet"])


class Export(BaseModel):
    wallet: WalletView
    ledger: list[TransferView]
    receipts: list[ReceiptView]


@router.get("/me/export", response_model=Export, responses=documented(Unauthenticated, WalletNotFound))
async def export(caller: AccountOwner, wallets: Wallets, database: OneDatabase) -> StreamingResponse:
    """Your wallet, every movement of it, and every receipt."""
    wallet = await wallets.get(caller.user_id)
    return StreamingResponse(_parts(database, wallet, caller.user_id), media_type="application/json")


async def _parts(database: Database, wallet: Account, user_id: int) -> AsyncGenerator[str]:
    see = TransferView.seen_from(wallet.id)
    yield f'{{"wallet":{WalletView.of(wallet).model_dump_json()},"ledger":['
    async for part in _joined(
        [see(row) for row in rows] async for rows in every_transfer(database, wallet.id)
    ):
        yield part
    yield '],"receipts":['
    async for part in _joined(
        [ReceiptView.model_validate(row) for row in rows] async for rows in every_receipt(database, user_id)
    ):
        yield part
    yield "]}"


async def _joined(pages: AsyncIterator[Sequence[BaseModel]]) -> AsyncGenerator[str]:
    comma = ""
    async for views in pages:
        if views:
            yield comma + ",".join(view.model_dump_json() for view in views)
            comma = ","
