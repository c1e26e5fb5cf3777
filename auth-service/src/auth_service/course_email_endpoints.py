"""The course API's first dialect, with e-mail addresses as account names."""

from typing import Literal

from pydantic import BaseModel

from auth_service.dependencies import OwnDatabase
from auth_service.errors import (
    AccountDisabled,
    EmailMismatch,
    EmailTaken,
    HashingBusy,
    LastAdmin,
    NameTaken,
    NotYourEmail,
    OwnAccount,
    SignUpClosed,
    TooManyFailures,
    UserNotFound,
    WrongCredentials,
)
from auth_service.fields import AnyPassword, CoursePassword, NewEmail, RawName
from auth_service.sessions.endpoints import ClientNetwork, Passwords, Sessions
from auth_service.users.endpoints import Hasher, OpenSignUp, Users, own_account
from auth_service.users.repository import UserRepository
from kit.app import strict_router
from kit.authentication import AccountOwner, Administrator
from kit.database import Session
from kit.errors import Forbidden, Unauthenticated
from kit.fields import RowId, RowIdInPath, fold_name
from kit.problems import documented

router = strict_router(tags=["course API, e-mail accounts"])
ADMINS_ONLY = (Unauthenticated, Forbidden, UserNotFound)


# Unknown fields of these bodies are ignored, as the course's clients expect.
class EmailRegistration(BaseModel):
    email: NewEmail
    pwd: CoursePassword


class EmailLogin(BaseModel):
    email: RawName
    pwd: AnyPassword


class EmailReset(BaseModel):
    email: RawName
    new_password: CoursePassword


class UserRemoval(BaseModel):
    user_id: RowId


class EmailAccount(BaseModel):
    status: Literal["success"] = "success"
    message: str
    email: str


class EmailToken(BaseModel):
    status: Literal["OK"] = "OK"
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme


class Confirmation(BaseModel):
    status: Literal["success"] = "success"
    message: str


@router.post(
    "/user/create", dependencies=[OpenSignUp], responses=documented(EmailTaken, SignUpClosed, HashingBusy)
)
async def create_user(
    body: EmailRegistration, hasher: Hasher, users: Users, session: Session
) -> EmailAccount:
    """Create an account."""
    password_hash = await hasher.hash(body.pwd)
    try:
        user = await users.register(session, body.email, password_hash)
    except NameTaken:
        raise EmailTaken from None
    return EmailAccount(message="User created successfully", email=user.name)


@router.post(
    "/user/login", responses=documented(WrongCredentials, AccountDisabled, TooManyFailures, HashingBusy)
)
async def log_in(
    login: EmailLogin, network: ClientNetwork, passwords: Passwords, sessions: Sessions, session: Session
) -> EmailToken:
    """Log in."""
    user = await passwords.check(login.email, login.pwd, network)
    token = await sessions.log_in_without_refresh(session, user)
    return EmailToken(access_token=token.text)


@router.post(
    "/user/reset_password", responses=documented(Unauthenticated, Forbidden, NotYourEmail, HashingBusy)
)
async def reset_own_password(
    reset: EmailReset,
    caller: AccountOwner,
    hasher: Hasher,
    users: Users,
    database: OwnDatabase,
    session: Session,
) -> Confirmation:
    """Change your password; all your tokens are revoked, API keys stay valid."""
    # In a session of its own, so that no connection is held during hashing.
    async with database.read() as reading:
        with own_account():
            own = await UserRepository(reading).get(caller.user_id)
    if fold_name(reset.email) != own.folded_name:
        raise NotYourEmail
    password_hash = await hasher.hash(reset.new_password)
    with own_account():
        await users.set_password(session, caller.user_id, password_hash, revoke_api_keys=False)
    return Confirmation(message="Password reset successfully")


@router.delete("/user/remove_user", responses=documented(*ADMINS_ONLY, OwnAccount, LastAdmin))
async def remove_user(
    body: UserRemoval, caller: Administrator, users: Users, session: Session
) -> Confirmation:
    """Delete a user's account."""
    await users.delete_other(session, body.user_id, caller.user_id)
    return Confirmation(message="User removed successfully")


@router.post(
    "/admin/users/{user_id}/reset_password", responses=documented(*ADMINS_ONLY, EmailMismatch, HashingBusy)
)
async def reset_password(
    user_id: RowIdInPath,
    reset: EmailReset,
    _caller: Administrator,
    hasher: Hasher,
    users: Users,
    session: Session,
) -> Confirmation:
    """Reset a user's password; all their tokens and API keys are revoked."""
    # Before the first statement, so that no connection is held during hashing.
    password_hash = await hasher.hash(reset.new_password)
    if (await UserRepository(session).get(user_id)).folded_name != fold_name(reset.email):
        raise EmailMismatch
    await users.set_password(session, user_id, password_hash, revoke_api_keys=True)
    return Confirmation(message="Password reset successfully")


@router.delete("/admin/users/{user_id}", responses=documented(*ADMINS_ONLY, OwnAccount, LastAdmin))
async def delete_user(
    user_id: RowIdInPath, caller: Administrator, users: Users, session: Session
) -> Confirmation:
    """Delete a user's account."""
    await users.delete_other(session, user_id, caller.user_id)
    return Confirmation(message="User deleted successfully")
