"""Reads wallets; only the ledger writes them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.errors import WalletNotFound
from billing_service.ledger.models import Account
from billing_service.owners.models import Owner
from billing_service.owners.rules import fold
from billing_service.wallets.models import OwnedWallet


class WalletRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, owner_id: int) -> Account:
        wallet = await self.find(owner_id)
        if wallet is None or wallet.closed_at is not None:
            raise WalletNotFound
        return wallet

    async def find(self, owner_id: int) -> Account | None:
        """Closed ones too."""
        return (await self._session.scalars(select(Account).where(Account.owner_id == owner_id))).first()

    async def list_owned(
        self, min_tokens: int | None, name_part: str | None, before: int, limit: int | None
    ) -> Sequence[OwnedWallet]:
        """Users with an id below `before`, newest first; `min_tokens` is what they can spend."""
        statement = select(Owner, Account).join(Account, Account.owner_id == Owner.user_id)
        if min_tokens is not None:
            statement = statement.where(Account.posted - Account.held >= min_tokens)
        if name_part is not None:
            statement = statement.where(Owner.folded_name.contains(fold(name_part), autoescape=True))
        statement = statement.where(Owner.user_id < before).order_by(Owner.user_id.desc()).limit(limit)
        return [OwnedWallet(*row) for row in (await self._session.execute(statement)).all()]
