"""The course API's second dialect, with user names as account names."""

from typing import Annotated, Literal

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from auth_service.errors import (
    AccountDisabled,
    HashingBusy,
    LastAdmin,
    NameTaken,
    SignUpClosed,
    TooManyFailures,
    WrongCredentials,
)
from auth_service.fields import AnyPassword, CoursePassword, NewName, RawName
from auth_service.sessions.endpoints import ClientNetwork, Passwords, Sessions
from auth_service.users.endpoints import Hasher, OpenSignUp, Users
from kit.app import strict_router
from kit.database import Session
from kit.errors import Malformed
from kit.problems import documented

router = strict_router(tags=["course API, user names"])
FAILURES = (WrongCredentials, AccountDisabled, TooManyFailures, HashingBusy)
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
MOST_FIELDS = 20


# Unknown fields of these bodies are ignored, as the course's clients expect.
class Signup(BaseModel):
    username: NewName
    password: CoursePassword


class Credentials(BaseModel):
    username: RawName
    password: AnyPassword


class UsernameAccount(BaseModel):
    id: int
    username: str
    role: str


class UsernameToken(BaseModel):
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme


BODIES = {
    "required": True,
    "content": {
        media_type: {"schema": Credentials.model_json_schema()} for media_type in ("application/json", *FORMS)
    },
}


async def read_credentials(request: Request) -> Credentials:
    """Read name and password from JSON, or from the form fields of OAuth2."""
    try:
        return Credentials.model_validate(await _read_body(request))
    except ValidationError as error:
        located = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(located) from None


async def _read_body(request: Request) -> object:
    if request.headers.get("content-type", "").lower().startswith(FORMS):
        async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
            return dict(form)
    try:
        return await request.json()
    except ValueError:
        raise Malformed("The body is not valid JSON; check its quotes, commas and numbers.") from None


SentCredentials = Annotated[Credentials, Depends(read_credentials)]


@router.post(
    "/signup",
    status_code=201,
    dependencies=[OpenSignUp],
    responses=documented(NameTaken, SignUpClosed, HashingBusy),
)
async def sign_up(body: Signup, hasher: Hasher, users: Users, session: Session) -> UsernameAccount:
    """Create an account."""
    user = await users.register(session, body.username, await hasher.hash(body.password))
    return UsernameAccount(id=user.id, username=user.name, role=user.role)


@router.post("/login", responses=documented(*FAILURES), openapi_extra={"requestBody": BODIES})
async def log_in(
    body: SentCredentials, network: ClientNetwork, passwords: Passwords, sessions: Sessions, session: Session
) -> UsernameToken:
    """Log in, with JSON or with the form fields of OAuth2's password grant."""
    user = await passwords.check(body.username, body.password, network)
    token = await sessions.log_in_without_refresh(session, user)
    return UsernameToken(access_token=token.text)


@router.delete("/remove_user", responses=documented(*FAILURES, LastAdmin))
async def remove_own_user(
    body: Credentials, network: ClientNetwork, passwords: Passwords, users: Users, session: Session
) -> dict[str, str]:
    """Delete your own account; name and password are checked as at login."""
    user = await passwords.check(body.username, body.password, network)
    await users.delete(session, user.id)
    return {"message": "User deleted successfully"}
