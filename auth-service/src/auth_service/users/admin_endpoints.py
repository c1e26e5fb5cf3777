"""Accounts, as administrators see them."""

from typing import Annotated

from fastapi import Path

from auth_service.dependencies import Hasher, Users
from auth_service.errors import HashingBusy, LastAdmin, OwnAccount, UserNotFound
from auth_service.users.schemas import PasswordReset, UserChange, UserView
from kit.app import strict_router
from kit.authentication import Administrator
from kit.errors import Forbidden, Unauthenticated
from kit.problems import documented

router = strict_router("/v1/users/{user_id}", tags=["admin"])
LARGEST_ID = 2**63 - 1

UserIdInPath = Annotated[int, Path(ge=1, le=LARGEST_ID)]


@router.patch("", responses=documented(Unauthenticated, Forbidden, UserNotFound, LastAdmin))
async def change_user(
    user_id: UserIdInPath, change: UserChange, _caller: Administrator, users: Users
) -> UserView:
    """Change a user's role, or disable or enable the account; their tokens end, API keys stay."""
    return UserView.of(await users.change(user_id, change.role, change.disabled))


@router.delete(
    "", status_code=204, responses=documented(Unauthenticated, Forbidden, OwnAccount, UserNotFound)
)
async def delete_user(user_id: UserIdInPath, caller: Administrator, users: Users) -> None:
    """Delete a user's account for good; not your own."""
    await users.delete_other(user_id, caller.user_id)


@router.put(
    "/password",
    status_code=204,
    responses=documented(Unauthenticated, Forbidden, UserNotFound, HashingBusy),
)
async def reset_password(
    user_id: UserIdInPath, reset: PasswordReset, _caller: Administrator, hasher: Hasher, users: Users
) -> None:
    """Give a user a new password; all their sessions end."""
    await users.set_password(user_id, await hasher.hash(reset.new_password))
