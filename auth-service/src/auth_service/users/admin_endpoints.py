"""Accounts as administrators see them."""

from pydantic import ConfigDict, StrictBool

from auth_service.errors import HashingBusy, LastAdmin, OwnAccount, UserNotFound
from auth_service.fields import NewPassword, StrictBody
from auth_service.users.endpoints import Hasher, Users, UserView
from kit.app import strict_router
from kit.authentication import Administrator
from kit.database import Session
from kit.errors import Forbidden, Unauthenticated
from kit.fields import RowIdInPath
from kit.identity import Role
from kit.problems import documented

router = strict_router("/v1/users/{user_id}", tags=["admin"])


class UserChange(StrictBody):
    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "admin"}, {"disabled": True}]})

    role: Role | None = None
    disabled: StrictBool | None = None


class PasswordReset(StrictBody):
    model_config = ConfigDict(json_schema_extra={"examples": [{"new_password": "a longer sentence"}]})

    new_password: NewPassword


@router.patch("", responses=documented(Unauthenticated, Forbidden, UserNotFound, LastAdmin))
async def change_user(
    user_id: RowIdInPath, change: UserChange, _caller: Administrator, users: Users, session: Session
) -> UserView:
    """Change a user's role, or disable or enable the account; their tokens end, API keys stay."""
    return UserView.of(await users.change(session, user_id, change.role, change.disabled))


@router.delete(
    "", status_code=204, responses=documented(Unauthenticated, Forbidden, OwnAccount, UserNotFound)
)
async def delete_user(user_id: RowIdInPath, caller: Administrator, users: Users, session: Session) -> None:
    """Delete a user's account for good; not your own."""
    await users.delete_other(session, user_id, caller.user_id)


@router.put(
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
    """Give a user a new password; all their sessions end."""
    await users.set_password(session, user_id, await hasher.hash(reset.new_password))
