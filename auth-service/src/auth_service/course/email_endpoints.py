"""The course API's first dialect, whose accounts are e-mail addresses."""

from auth_service.course.schemas import (
    Created,
    Done,
    EmailLogin,
    EmailRegistration,
    EmailReset,
    LoggedIn,
    RemoveUser,
)
from auth_service.dependencies import Hasher, Passwords, Sessions, Users
from auth_service.errors import (
    AccountDisabled,
    EmailMismatch,
    EmailTaken,
    HashingBusy,
    LastAdmin,
    NameTaken,
    NotYourEmail,
    OwnAccount,
    TooManyFailures,
    UserNotFound,
    WrongCredentials,
)
from auth_service.fields import fold
from auth_service.users.admin_endpoints import UserIdInPath
from kit.app import strict_router
from kit.authentication import AccountOwner, Administrator
from kit.errors import Forbidden, Unauthenticated
from kit.problems import documented

router = strict_router(tags=["course API, e-mail accounts"])
ADMINS_ONLY = (Unauthenticated, Forbidden, UserNotFound)


@router.post("/user/create", responses=documented(EmailTaken, HashingBusy))
async def create_user(order: EmailRegistration, hasher: Hasher, users: Users) -> Created:
    """Make an account."""
    password_hash = await hasher.hash(order.pwd)
    try:
        user = await users.register(order.email, password_hash)
    except NameTaken:
        raise EmailTaken from None
    return Created(message="User created successfully", email=user.name)


@router.post(
    "/user/login", responses=documented(WrongCredentials, AccountDisabled, TooManyFailures, HashingBusy)
)
async def log_in(login: EmailLogin, passwords: Passwords, sessions: Sessions) -> LoggedIn:
    """Log in."""
    user = await passwords.check(login.email, login.pwd)
    token = await sessions.log_in_briefly(user)
    return LoggedIn(access_token=token.text)


@router.post("/user/reset_password", responses=documented(Unauthenticated, Forbidden, NotYourEmail))
async def reset_own_password(reset: EmailReset, caller: AccountOwner, hasher: Hasher, users: Users) -> Done:
    """Give yourself a new password; your tokens end."""
    if fold(reset.email) != fold(caller.name):
        raise NotYourEmail
    await users.set_password(caller.user_id, await hasher.hash(reset.new_password))
    return Done(message="Password reset successfully")


@router.delete("/user/remove_user", responses=documented(*ADMINS_ONLY, OwnAccount))
async def remove_user(body: RemoveUser, caller: Administrator, users: Users) -> Done:
    """Delete somebody's account."""
    await users.delete_other(body.user_id, caller.user_id)
    return Done(message="User removed successfully")


@router.post(
    "/admin/users/{user_id}/reset_password", responses=documented(*ADMINS_ONLY, EmailMismatch, HashingBusy)
)
async def reset_password(
    user_id: UserIdInPath, reset: EmailReset, _caller: Administrator, hasher: Hasher, users: Users
) -> Done:
    """Give somebody a new password; their tokens end."""
    password_hash = await hasher.hash(reset.new_password)
    if (await users.get(user_id)).folded_name != fold(reset.email):
        raise EmailMismatch
    await users.set_password(user_id, password_hash)
    return Done(message="Password reset successfully")


@router.delete("/admin/users/{user_id}", responses=documented(*ADMINS_ONLY, OwnAccount, LastAdmin))
async def delete_user(user_id: UserIdInPath, caller: Administrator, users: Users) -> Done:
    """Delete somebody's account."""
    await users.delete_other(user_id, caller.user_id)
    return Done(message="User deleted successfully")
