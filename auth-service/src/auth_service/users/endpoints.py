"""Accounts, as their owners see them."""

from pydantic import BaseModel

from auth_service.api_keys.schemas import ApiKeyView
from auth_service.dependencies import (
    ApiKeys,
    Hasher,
    OncePerKey,
    Passwords,
    Sessions,
    Users,
)
from auth_service.errors import (
    HashingBusy,
    LastAdmin,
    NameTaken,
    TooManyFailures,
    WrongCredentials,
    WrongPassword,
)
from auth_service.first_answers import Answer
from auth_service.sessions.schemas import SessionRecord
from auth_service.users.schemas import PasswordChange, ProfileChange, Registration, UserView
from kit.app import strict_router
from kit.authentication import AccountOwner, Reader
from kit.errors import Forbidden, IdempotencyKeyReused, IdempotencyTwinRunning, Unauthenticated
from kit.problems import documented

router = strict_router(tags=["users"])
MOST_KEYS_EXPORTED = 10_000


class AccountExport(BaseModel):
    """All that this service knows about a person."""

    user: UserView
    sessions: list[SessionRecord]
    api_keys: list[ApiKeyView]


@router.post(
    "/v1/users",
    status_code=201,
    responses=documented(NameTaken, IdempotencyTwinRunning, IdempotencyKeyReused, HashingBusy),
)
async def register(order: Registration, users: Users, hasher: Hasher, once: OncePerKey) -> UserView:
    """Make an account under an e-mail address or a user name."""
    password_hash = await hasher.hash(order.password)

    async def work() -> Answer:
        return UserView.of(await users.register(order.name, password_hash)).model_dump(mode="json")

    return UserView.model_validate(await once.do("users", order.model_dump(), work))


@router.get("/v1/me", responses=documented(Unauthenticated, Forbidden))
async def read_me(caller: Reader, users: Users) -> UserView:
    """Your own account."""
    return UserView.of(await users.get(caller.user_id))


@router.patch("/v1/me", responses=documented(Unauthenticated, Forbidden))
async def change_me(change: ProfileChange, caller: AccountOwner, users: Users) -> UserView:
    """Set or clear the name you are shown as; the account name itself stays for good."""
    return UserView.of(await users.show_as(caller.user_id, change.display_name))


@router.delete("/v1/me", status_code=204, responses=documented(Unauthenticated, Forbidden, LastAdmin))
async def delete_me(caller: AccountOwner, users: Users) -> None:
    """Delete your account with its sessions, API keys, models and datasets, for good."""
    await users.delete(caller.user_id)


@router.put(
    "/v1/me/password",
    status_code=204,
    responses=documented(Unauthenticated, Forbidden, WrongPassword, TooManyFailures, HashingBusy),
)
async def change_password(
    change: PasswordChange, caller: AccountOwner, passwords: Passwords, hasher: Hasher, users: Users
) -> None:
    """Change your password; all your sessions end, this one too. API keys stay.

    A wrong current password is 403, since 401 would tell clients that they were logged out.
    """
    try:
        await passwords.check(caller.name, change.current_password)
    except WrongCredentials:
        raise WrongPassword from None
    await users.set_password(caller.user_id, await hasher.hash(change.new_password))


@router.get("/v1/me/export", responses=documented(Unauthenticated, Forbidden))
async def export_me(
    caller: AccountOwner, users: Users, sessions: Sessions, api_keys: ApiKeys
) -> AccountExport:
    """What this service knows about you; passwords and keys exist only as hashes and are left out."""
    keys = await api_keys.list_of(caller.user_id, before=2**63 - 1, limit=MOST_KEYS_EXPORTED)
    return AccountExport(
        user=UserView.of(await users.get(caller.user_id)),
        sessions=[SessionRecord.of(each) for each in await sessions.list_of(caller.user_id)],
        api_keys=[ApiKeyView.of(each) for each in keys],
    )
