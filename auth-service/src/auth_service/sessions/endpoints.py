"""Logging in and out."""

from auth_service.dependencies import Passwords, Sessions
from auth_service.errors import (
    AccountDisabled,
    HashingBusy,
    RefreshRunning,
    RefreshTokenInvalid,
    RefreshTokenReused,
    TooManyFailures,
    WrongCredentials,
)
from auth_service.sessions.schemas import Login, Refresh, SessionView
from kit.app import strict_router
from kit.authentication import AccountOwner
from kit.errors import Forbidden, Unauthenticated
from kit.problems import documented

router = strict_router("/v1/sessions", tags=["sessions"])


@router.post(
    "",
    status_code=201,
    responses=documented(WrongCredentials, AccountDisabled, TooManyFailures, HashingBusy),
)
async def log_in(login: Login, passwords: Passwords, sessions: Sessions) -> SessionView:
    """Log in: an access token for the Authorization header, and a refresh token to get the next one."""
    user = await passwords.check(login.name, login.password)
    return SessionView.of(await sessions.log_in(user))


@router.post(
    "/refresh",
    responses=documented(RefreshTokenInvalid, RefreshTokenReused, RefreshRunning, AccountDisabled),
)
async def refresh(body: Refresh, sessions: Sessions) -> SessionView:
    """Trade a refresh token for new tokens; each works once.

    Of requests that overlap one wins, the others are told 409 and change nothing. A token that is shown
    again later ends the session, since somebody else may have it.
    """
    return SessionView.of(await sessions.refresh(body.refresh_token))


@router.delete("/current", status_code=204, responses=documented(Unauthenticated, Forbidden))
async def log_out(caller: AccountOwner, sessions: Sessions) -> None:
    """End the session of the token that is shown, with all its access and refresh tokens."""
    if caller.session_id is not None:
        await sessions.log_out(caller.session_id)
