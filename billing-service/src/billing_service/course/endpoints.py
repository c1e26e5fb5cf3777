"""The course's own paths and bodies, in both dialects, over the same services as /v1."""

from typing import Annotated
from uuid import uuid4

from fastapi import Path, Response

from billing_service.course.schemas import (
    CourseUser,
    CourseUsers,
    OwnTokens,
    OwnTopUp,
    Tokens,
    TopUp,
    TopUpDone,
)
from billing_service.dependencies import AllPurchases, Course, Wallets
from billing_service.errors import AccountMismatch, AccountNotFound, CardDeclined, WalletNotFound
from billing_service.fields import LARGEST_ID, PathId, Text
from billing_service.purchases.rules import read_card
from billing_service.wallets.endpoints import MinTokens
from kit.app import strict_router
from kit.authentication import AccountOwner, Administrator, Reader
from kit.errors import Forbidden, Unauthenticated
from kit.idempotency import REPLAYED, IdempotencyKey, IdempotencyKeyReused
from kit.identity import UserId
from kit.problems import documented

router = strict_router("", ["course"])


@router.get("/user/tokens", responses=documented(Unauthenticated, WalletNotFound))
async def show_own_tokens(caller: Reader, wallets: Wallets) -> OwnTokens:
    """How many tokens you can spend."""
    wallet = await wallets.get(caller.user_id)
    return OwnTokens(username=caller.name, tokens=wallet.posted - wallet.held)


@router.get("/admin/users", responses=documented(Unauthenticated, Forbidden))
async def list_users(_caller: Administrator, wallets: Wallets, min_tokens: MinTokens = None) -> CourseUsers:
    """All users and their tokens."""
    rows = await wallets.list_owned(min_tokens, None, LARGEST_ID, None)
    users = [CourseUser.of(row) for row in rows]
    return CourseUsers(status="success", count=len(users), users=users)


@router.post(
    "/admin/users/{user_id}/tokens",
    responses=documented(
        Unauthenticated, Forbidden, AccountMismatch, AccountNotFound, CardDeclined, IdempotencyKeyReused
    ),
)
async def add_tokens_to_user(
    user_id: PathId,
    order: TopUp,
    caller: Administrator,
    course: Course,
    purchases: AllPurchases,
    response: Response,
    key: IdempotencyKey = None,
) -> TopUpDone:
    """Buy tokens for a user."""
    owner = await course.require_match(user_id, order.email)
    card = read_card(order.credit_card.get_secret_value())
    scoped = f"purchase:{caller.user_id}:{key or uuid4().hex}"
    done = await purchases.buy(UserId(user_id), order.amount, card, scoped)
    if done.replayed:
        response.headers.update(REPLAYED)
    message = f"{done.tokens} tokens were added."
    return TopUpDone(status="success", message=message, email=owner.name, amount=done.tokens)


@router.get("/tokens/{username}", responses=documented(Unauthenticated, AccountNotFound, WalletNotFound))
async def show_tokens(
    username: Annotated[Text, Path(min_length=1, max_length=320)], caller: Reader, course: Course
) -> Tokens:
    """How many tokens you can spend; administrators may ask for anybody."""
    wallet = await course.wallet_of(await course.find_visible(username, caller))
    return Tokens(tokens=wallet.posted - wallet.held)


@router.post(
    "/add_tokens",
    responses=documented(Unauthenticated, Forbidden, AccountNotFound, CardDeclined, IdempotencyKeyReused),
)
async def add_tokens(
    order: OwnTopUp,
    caller: AccountOwner,
    course: Course,
    purchases: AllPurchases,
    response: Response,
    key: IdempotencyKey = None,
) -> OwnTokens:
    """Buy tokens for yourself; administrators may buy for anybody."""
    user_id = await course.find_visible(order.username, caller)
    card = read_card(order.credit_card.get_secret_value())
    scoped = f"purchase:{caller.user_id}:{key or uuid4().hex}"
    done = await purchases.buy(user_id, order.amount, card, scoped)
    if done.replayed:
        response.headers.update(REPLAYED)
    return OwnTokens(username=order.username, tokens=done.available)
