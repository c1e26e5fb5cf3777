"""What only the course API does: accounts are named rather than numbered."""

from billing_service.errors import AccountMismatch, AccountNotFound
from billing_service.ledger.models import Account
from billing_service.owners.models import Owner
from billing_service.owners.queries import OwnerRepository
from billing_service.owners.rules import fold
from billing_service.wallets.repository import WalletRepository
from kit.database import Database
from kit.identity import Caller, UserId


class CourseAccounts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_visible(self, name: str, caller: Caller) -> UserId:
        """The account of this name, if it is the caller's own or the caller is an administrator."""
        if fold(name) == fold(caller.name):
            return caller.user_id
        if not caller.is_admin:
            raise AccountNotFound
        async with self._database.read() as session:
            return UserId((await OwnerRepository(session).get_by_name(name)).user_id)

    async def require_match(self, user_id: int, name: str) -> Owner:
        async with self._database.read() as session:
            owner = await OwnerRepository(session).get(user_id)
        if owner.folded_name != fold(name):
            raise AccountMismatch
        return owner

    async def wallet_of(self, user_id: int) -> Account:
        async with self._database.read() as session:
            return await WalletRepository(session).get(user_id)
