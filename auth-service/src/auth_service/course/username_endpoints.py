"""The course API's second dialect, whose accounts are user names."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from auth_service.course.schemas import BearerToken, Credentials, SignedUp, Signup
from auth_service.dependencies import Hasher, Passwords, Sessions, Users
from auth_service.errors import (
    AccountDisabled,
    HashingBusy,
    LastAdmin,
    NameTaken,
    TooManyFailures,
    WrongCredentials,
)
from kit.app import strict_router
from kit.errors import Malformed
from kit.problems import documented

router = strict_router(tags=["course API, user names"])
REFUSALS = (WrongCredentials, AccountDisabled, TooManyFailures, HashingBusy)
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
MOST_FIELDS = 20
BODIES = {
    "required": True,
    "content": {
        media_type: {"schema": Credentials.model_json_schema()} for media_type in ("application/json", *FORMS)
    },
}


async def read_credentials(request: Request) -> Credentials:
    """From JSON or from OAuth2's form fields."""
    try:
        return Credentials.model_validate(await _read_body(request))
    except ValidationError as error:
        found = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(found) from None


async def _read_body(request: Request) -> object:
    if request.headers.get("content-type", "").lower().startswith(FORMS):
        async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
            return dict(form)
    try:
        return await request.json()
    except ValueError:
        raise Malformed("The body is not valid JSON; check its quotes, commas and numbers.") from None


SentCredentials = Annotated[Credentials, Depends(read_credentials)]


@router.post("/signup", status_code=201, responses=documented(NameTaken, HashingBusy))
async def sign_up(order: Signup, hasher: Hasher, users: Users) -> SignedUp:
    """Make an account."""
    user = await users.register(order.username, await hasher.hash(order.password))
    return SignedUp(id=user.id, username=user.name, role=user.role)


@router.post("/login", responses=documented(*REFUSALS), openapi_extra={"requestBody": BODIES})
async def log_in(sent: SentCredentials, passwords: Passwords, sessions: Sessions) -> BearerToken:
    """Log in, with JSON or with the form fields of OAuth2's password grant."""
    user = await passwords.check(sent.username, sent.password)
    token = await sessions.log_in_briefly(user)
    return BearerToken(access_token=token.text)


@router.delete("/remove_user", responses=documented(*REFUSALS, LastAdmin))
async def remove_own_user(body: Credentials, passwords: Passwords, users: Users) -> dict[str, str]:
    """Delete your own account; name and password are checked as at login."""
    user = await passwords.check(body.username, body.password)
    await users.delete(user.id)
    return {"message": "User deleted successfully"}
