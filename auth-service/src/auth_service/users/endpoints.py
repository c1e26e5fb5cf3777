"""Users: registration, a user's own account, and accounts as administrators change them."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import orjson
from fastapi import Depends, Request
from pydantic import AliasChoices, ConfigDict, Field, StrictBool, StringConstraints

from auth_service.dependencies import Idempotent, OwnDatabase
from auth_service.errors import (
    AccountGone,
    HashingBusy,
    LastAdmin,
    LastOwner,
    NameTaken,
    OwnAccount,
    SignUpClosed,
    TooManyFailures,
    UserNotFound,
    WrongPassword,
)
from auth_service.fields import AnyPassword, NewName, NewPassword, Storable, StrictBody
from auth_service.passwords.hashing import PasswordHasher
from auth_service.sessions.endpoints import ClientNetwork, Passwords
from auth_service.users.export import AccountExport, UserView, export_account
from auth_service.users.repository import UserRepository
from auth_service.users.service import UserService
from kit.app import strict_router
from kit.authentication import AccountOwner, Administrator, Reader, authenticate
from kit.database import ReadSession, Session
from kit.errors import (
    Forbidden,
    IdempotencyKeyExpired,
    IdempotencyKeyReused,
    IdempotencyTwinRunning,
    Unauthenticated,
)
from kit.fields import RowIdInPath, fold_name
from kit.identity import Role
from kit.problems import documented

router = strict_router(tags=["users"])
admin_router = strict_router("/v1/users/{user_id}", tags=["admin"])

LONGEST_DISPLAY_NAME = 100


async def _users(request: Request) -> UserService:
    return request.app.state.container.users


async def _hasher(request: Request) -> PasswordHasher:
    return request.app.state.container.hasher


Users = Annotated[UserService, Depends(_users)]
Hasher = Annotated[PasswordHasher, Depends(_hasher)]


async def _require_open_sign_up(request: Request) -> None:
    """Anybody may create accounts, or, while sign-up is closed, an administrator with an access token."""
    container = request.app.state.container
    if container.settings.sign_up == "open":
        return
    authorization = request.headers.get("authorization")
    if authorization is None or not authenticate(container.authentication, authorization, None).is_admin:
        raise SignUpClosed


OpenSignUp = Depends(_require_open_sign_up)

DisplayName = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_DISPLAY_NAME, strip_whitespace=True), Storable
]


class Registration(StrictBody):
    """Name and password; `email` is accepted as an alias of `name`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "ada@example.org", "password": "a long sentence is best"}]}
    )

    name: NewName = Field(validation_alias=AliasChoices("name", "email"))
    password: NewPassword


class ProfileChange(StrictBody):
    model_config = ConfigDict(json_schema_extra={"examples": [{"display_name": "Ada Lovelace"}]})

    display_name: DisplayName | None


class PasswordChange(StrictBody):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"current_password": "the old sentence", "new_password": "a longer sentence"}]
        }
    )

    current_password: AnyPassword
    new_password: NewPassword
    revoke_api_keys: StrictBool = Field(default=False, description="also revoke all your API keys")


class UserChange(StrictBody):
    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "admin"}, {"disabled": True}]})

    role: Role | None = None
    disabled: StrictBool | None = None


class PasswordReset(StrictBody):
    model_config = ConfigDict(json_schema_extra={"examples": [{"new_password": "a longer sentence"}]})

    new_password: NewPassword


@contextmanager
def own_account() -> Generator[None]:
    """The caller's account may have been deleted since the token was verified."""
    try:
        yield
    except UserNotFound:
        raise AccountGone from None


@router.post(
    "/v1/users",
    status_code=201,
    dependencies=[OpenSignUp],
    responses=documented(
        NameTaken,
        SignUpClosed,
        IdempotencyTwinRunning,
        IdempotencyKeyReused,
        IdempotencyKeyExpired,
        HashingBusy,
    ),
)
async def register(
    body: Registration, hasher: Hasher, users: Users, database: OwnDatabase, idempotency: Idempotent
) -> UserView:
    """Create an account, named by an e-mail address or a user name."""
    # By name, because there is no caller yet. Neither scope nor answer contain it: both outlive the account.
    scope = f"user {idempotency.secret.digest('registration', fold_name(body.name).encode()).hex()}"
    async with idempotency.claim(scope, body) as claim, database.transaction() as session:
        if claim.first_answer is not None:
            return UserView.model_validate({"name": body.name, **orjson.loads(claim.first_answer)})
        # The transaction connects at its first statement, so no connection is held during hashing.
        password_hash = await hasher.hash(body.password)
        view = UserView.of(await users.register(session, body.name, password_hash))
        await claim.keep(view.model_dump_json(exclude={"name"}).encode(), session=session)
    return view


@router.get("/v1/me", responses=documented(Unauthenticated, Forbidden))
async def read_me(caller: Reader, session: ReadSession) -> UserView:
    """Your own account."""
    with own_account():
        return UserView.of(await UserRepository(session).get(caller.user_id))


@router.patch("/v1/me", responses=documented(Unauthenticated, Forbidden))
async def change_me(
    change: ProfileChange, caller: AccountOwner, users: Users, database: OwnDatabase
) -> UserView:
    """Set or clear your display name; the account name cannot change."""
    with own_account():
        async with database.transaction_of(caller.user_id) as session:
            return UserView.of(await users.set_display_name(session, caller.user_id, change.display_name))


@router.delete(
    "/v1/me", status_code=204, responses=documented(Unauthenticated, Forbidden, LastAdmin, LastOwner)
)
async def delete_me(caller: AccountOwner, users: Users, database: OwnDatabase) -> None:
    """Delete your account with its sessions, API keys, models and datasets. This cannot be undone."""
    with own_account():
        async with database.transaction_of(caller.user_id) as session:
            await users.delete_own(session, caller.user_id)


@router.put(
    "/v1/me/password",
    status_code=204,
    responses=documented(Unauthenticated, Forbidden, WrongPassword, TooManyFailures, HashingBusy),
)
async def change_password(
    change: PasswordChange,
    caller: AccountOwner,
    network: ClientNetwork,
    passwords: Passwords,
    hasher: Hasher,
    users: Users,
    database: OwnDatabase,
) -> None:
    """Change your password. All your sessions end, including this one.

    API keys stay valid unless `revoke_api_keys` is true; revoke them if somebody else may know the password.
    """
    await passwords.check_own(caller.user_id, change.current_password, network)
    password_hash = await hasher.hash(change.new_password)
    with own_account():
        async with database.transaction_of(caller.user_id) as session:
            await users.set_password(
                session, caller.user_id, password_hash, revoke_api_keys=change.revoke_api_keys
            )


@router.get("/v1/me/export", responses=documented(Unauthenticated, Forbidden))
async def export_me(caller: AccountOwner, session: ReadSession) -> AccountExport:
    """Export your account, sessions, API keys and memberships; passwords and keys exist as hashes only."""
    with own_account():
        user = await UserRepository(session).get(caller.user_id)
    return await export_account(session, user)


@admin_router.patch("", responses=documented(Unauthenticated, Forbidden, UserNotFound, LastAdmin))
async def change_user(
    user_id: RowIdInPath, change: UserChange, _caller: Administrator, users: Users, session: Session
) -> UserView:
    """Change a user's role, or disable or enable the account. Their tokens are revoked; API keys stay."""
    return UserView.of(await users.change(session, user_id, change.role, change.disabled))


@admin_router.delete(
    "", status_code=204, responses=documented(Unauthenticated, Forbidden, OwnAccount, UserNotFound, LastAdmin)
)
async def delete_user(user_id: RowIdInPath, caller: Administrator, users: Users, session: Session) -> None:
    """Delete another user's account. This cannot be undone."""
    await users.delete_other(session, user_id, caller.user_id)


@admin_router.put(
    "/password",
    status_code=204,
    responses=documented(Unauthenticated, Forbidden, UserNotFound, HashingBusy),
)
async def reset_password(
    user_id: RowIdInPath,
    reset: PasswordReset,
    _caller: Administrator,
    hasher: Hasher,
    users: Users,
    session: Session,
) -> None:
    """Reset a user's password; all their sessions end and all their API keys are revoked."""
    password_hash = await hasher.hash(reset.new_password)
    await users.set_password(session, user_id, password_hash, revoke_api_keys=True)
