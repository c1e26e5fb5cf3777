"""Sessions: log in, refresh tokens and log out."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import Depends, Request
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints

from auth_service.errors import (
    AccountDisabled,
    HashingBusy,
    RefreshRunning,
    RefreshTokenInvalid,
    RefreshTokenReused,
    TooManyFailures,
    WrongCredentials,
)
from auth_service.fields import AnyPassword, RawName, Storable, StrictBody, network_of
from auth_service.models import LoginSession
from auth_service.passwords.service import PasswordCheck
from auth_service.sessions.service import SessionService, TokenPair
from kit.app import strict_router
from kit.authentication import AccountOwner
from kit.database import Session
from kit.errors import Forbidden, Unauthenticated
from kit.problems import documented

router = strict_router("/v1/sessions", tags=["sessions"])


async def _password_check(request: Request) -> PasswordCheck:
    return request.app.state.container.password_check


async def _sessions(request: Request) -> SessionService:
    return request.app.state.container.sessions


async def _client_network(request: Request) -> str:
    # The gateway removes what clients claim and sets the address itself; nothing else reaches this service.
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return network_of(forwarded or (request.client.host if request.client else ""))


ClientNetwork = Annotated[str, Depends(_client_network)]
Passwords = Annotated[PasswordCheck, Depends(_password_check)]
Sessions = Annotated[SessionService, Depends(_sessions)]


class Login(StrictBody):
    """Name and password; `email` is accepted as an alias of `name`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "ada@example.org", "password": "a long sentence is best"}]}
    )

    name: RawName = Field(validation_alias=AliasChoices("name", "email"))
    password: AnyPassword


class Refresh(StrictBody):
    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=200), Storable]


class SessionView(BaseModel):
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
    expires_in: int = Field(description="seconds until the access token expires")
    refresh_token: str = Field(description="works for one refresh, which returns the next one")
    refresh_expires_in: int

    @classmethod
    def of(cls, pair: TokenPair) -> Self:
        return cls(
            access_token=pair.access.text,
            expires_in=pair.access.expires_in,
            refresh_token=pair.refresh,
            refresh_expires_in=pair.refresh_expires_in,
        )


class SessionRecord(BaseModel):
    started_at: datetime
    refreshed_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, login: LoginSession) -> Self:
        return cls(started_at=login.started_at, refreshed_at=login.refreshed_at, expires_at=login.expires_at)


@router.post(
    "",
    status_code=201,
    responses=documented(WrongCredentials, AccountDisabled, TooManyFailures, HashingBusy),
)
async def log_in(
    login: Login, network: ClientNetwork, passwords: Passwords, sessions: Sessions, session: Session
) -> SessionView:
    """Log in. Returns an access token for the Authorization header and a refresh token to renew it."""
    user = await passwords.check(login.name, login.password, network)
    return SessionView.of(await sessions.log_in(session, user))


@router.post(
    "/refresh",
    responses=documented(RefreshTokenInvalid, RefreshTokenReused, RefreshRunning, AccountDisabled),
)
async def refresh(body: Refresh, network: ClientNetwork, sessions: Sessions) -> SessionView:
    """Exchange a refresh token for new tokens; a refresh token works once.

    If the answer was lost, the same client may repeat the request once within 10 seconds and receives the
    same refresh token. Of concurrent requests one succeeds; the others receive 409 and change nothing. Any
    other reuse of the token ends the session, because the token may have been stolen.
    """
    return SessionView.of(await sessions.refresh(body.refresh_token, network))


@router.delete("/current", status_code=204, responses=documented(Unauthenticated, Forbidden))
async def log_out(caller: AccountOwner, sessions: Sessions, session: Session) -> None:
    """End the session of this access token; all its access and refresh tokens are revoked."""
    if caller.session_id is not None:
        await sessions.log_out(session, caller.session_id)
