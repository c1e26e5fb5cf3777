"""The course API: paths and bodies of both dialects, on the services behind /v1."""

from collections.abc import AsyncGenerator, Sequence
from typing import Annotated

from fastapi import Path, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.errors import (
    AccountMismatch,
    AccountNotFound,
    CardDeclined,
    PurchasesOff,
    WalletNotFound,
)
from billing_service.fields import LONGEST_ACCOUNT_NAME, AccountName, Amount
from billing_service.owners.endpoints import MinTokens
from billing_service.owners.queries import OwnedWallet, get_owner, get_owner_by_name, list_owners
from billing_service.purchases.cards import parse_card
from billing_service.purchases.endpoints import CardNumber, PurchasesDep
from billing_service.purchases.service import purchase_key
from billing_service.statements.downloads import ROWS_AT_ONCE, all_pages, begin, json_items
from billing_service.statements.endpoints import CostlyReadsDep, DatabaseDep
from billing_service.statements.queries import get_open_wallet
from kit.app import strict_router
from kit.authentication import AccountOwner, Administrator, Reader
from kit.database import ReadSession
from kit.errors import Forbidden, IdempotencyKeyReused, Unauthenticated
from kit.fields import LARGEST_ID, RowIdInPath, Text, fold_name
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.identity import Caller, UserId
from kit.problems import documented

router = strict_router("", ["course"])

NameInPath = Annotated[Text, Path(min_length=1, max_length=LONGEST_ACCOUNT_NAME)]


# Unknown fields of these bodies are ignored, as the course's clients expect.
class TopUp(BaseModel):
    email: AccountName
    credit_card: CardNumber
    amount: Amount


class OwnTopUp(BaseModel):
    username: AccountName
    credit_card: CardNumber
    amount: Amount


class Tokens(BaseModel):
    tokens: int


class OwnTokens(BaseModel):
    username: str
    tokens: int


class TopUpDone(BaseModel):
    status: str
    message: str
    email: str
    amount: int


class CourseUser(BaseModel):
    id: int
    email: str
    tokens: int
    is_admin: bool

    @classmethod
    def of(cls, owned: OwnedWallet) -> "CourseUser":
        owner, wallet = owned
        available = wallet.posted - wallet.held
        return cls(id=owner.user_id, email=owner.name, tokens=available, is_admin=owner.role == "admin")


class CourseUsers(BaseModel):
    status: str
    count: int
    users: list[CourseUser]


@router.get("/user/tokens", responses=documented(Unauthenticated, AccountNotFound, WalletNotFound))
async def show_own_tokens(caller: Reader, session: ReadSession) -> OwnTokens:
    """The tokens you can spend."""
    wallet = await get_open_wallet(session, caller.user_id)
    owner = await get_owner(session, caller.user_id)
    return OwnTokens(username=owner.name, tokens=wallet.posted - wallet.held)


@router.get("/admin/users", response_model=CourseUsers, responses=documented(Unauthenticated, Forbidden))
async def list_users(
    caller: Administrator, reads: CostlyReadsDep, min_tokens: MinTokens = None
) -> StreamingResponse:
    """List all users and their tokens."""

    async def page(session: AsyncSession, last: OwnedWallet | None) -> Sequence[OwnedWallet]:
        before = LARGEST_ID if last is None else last.owner.user_id
        return await list_owners(session, min_tokens, before=before, limit=ROWS_AT_ONCE)

    users = _users_as_json(all_pages(reads, caller.user_id, page))
    return StreamingResponse(await begin(users), media_type="application/json")


@router.post(
    "/admin/users/{user_id}/tokens",
    responses=documented(
        Unauthenticated,
        Forbidden,
        PurchasesOff,
        AccountMismatch,
        AccountNotFound,
        CardDeclined,
        IdempotencyKeyReused,
    ),
)
async def add_tokens_to_user(
    user_id: RowIdInPath,
    top_up: TopUp,
    caller: Administrator,
    database: DatabaseDep,
    purchases: PurchasesDep,
    response: Response,
    key: IdempotencyKey = None,
) -> TopUpDone:
    """Buy tokens for a user.

    With the setting `PURCHASES=off` this is refused, since it takes a card; `POST /v1/users/{user_id}/grants`
    stays possible.
    """
    # A short session of its own: no connection is held while the card is charged.
    async with database.read() as session:
        owner = await get_owner(session, user_id)
    if owner.folded_name != fold_name(top_up.email):
        raise AccountMismatch
    card = parse_card(top_up.credit_card.get_secret_value())
    bought = await purchases.buy(UserId(user_id), top_up.amount, card, purchase_key(caller, key))
    if bought.replayed:
        response.headers.update(REPLAYED)
    message = f"{bought.tokens} tokens were added."
    return TopUpDone(status="success", message=message, email=owner.name, amount=bought.tokens)


@router.get("/tokens/{username}", responses=documented(Unauthenticated, AccountNotFound, WalletNotFound))
async def show_tokens(username: NameInPath, caller: Reader, session: ReadSession) -> Tokens:
    """The tokens you can spend; administrators can name any user."""
    wallet = await get_open_wallet(session, await _find_visible(session, username, caller))
    return Tokens(tokens=wallet.posted - wallet.held)


@router.post(
    "/add_tokens",
    responses=documented(
        Unauthenticated, Forbidden, PurchasesOff, AccountNotFound, CardDeclined, IdempotencyKeyReused
    ),
)
async def add_tokens(
    top_up: OwnTopUp,
    caller: AccountOwner,
    database: DatabaseDep,
    purchases: PurchasesDep,
    response: Response,
    key: IdempotencyKey = None,
) -> OwnTokens:
    """Buy tokens for yourself; administrators can buy for any user.

    With the setting `PURCHASES=off` this is refused; administrators can grant tokens instead.
    """
    async with database.read() as session:
        user_id = await _find_visible(session, top_up.username, caller)
    card = parse_card(top_up.credit_card.get_secret_value())
    bought = await purchases.buy(user_id, top_up.amount, card, purchase_key(caller, key))
    if bought.replayed:
        response.headers.update(REPLAYED)
    return OwnTokens(username=top_up.username, tokens=bought.available)


async def _users_as_json(pages: AsyncGenerator[Sequence[OwnedWallet]]) -> AsyncGenerator[str]:
    """The JSON document of `CourseUsers`, whose list has no pages; the number is known at its end."""
    count = 0

    async def views() -> AsyncGenerator[Sequence[CourseUser]]:
        nonlocal count
        async for rows in pages:
            count += len(rows)
            yield [CourseUser.of(row) for row in rows]

    head = '{"status":"success","users":['
    async for chunk in json_items(views()):
        yield head + chunk
        head = ""
    yield f'{head}],"count":{count}}}'


async def _find_visible(session: AsyncSession, name: str, caller: Caller) -> UserId:
    """The id of this account, if it is the caller's own or the caller is an administrator."""
    owner = await get_owner_by_name(session, name)
    if owner.user_id != caller.user_id and not caller.is_admin:
        raise AccountNotFound
    return UserId(owner.user_id)
