"""Refusals that have to do with accounts, logins and API keys."""

from farebox.errors.by_status import (
    Conflict,
    Forbidden,
    Malformed,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)


class NameTaken(Conflict):
    """An account of this name exists."""

    code = "name_taken"


class EmailTaken(Malformed):
    code = "email_taken"


class WrongCredentials(Unauthenticated):
    """The account name or the password is wrong."""

    code = "wrong_credentials"


class RefreshTokenInvalid(Unauthenticated):
    code = "refresh_token_invalid"


class RefreshTokenReused(Unauthenticated):
    code = "refresh_token_reused"


class ApiKeyInvalid(Unauthenticated):
    """The API key is unknown, expired or revoked."""

    code = "api_key_invalid"


class RefreshRunning(Conflict):
    code = "refresh_running"


class TooManyFailures(TooManyRequests):
    """Too many failed logins; wait `retry_after` seconds."""

    code = "too_many_failures"


class HashingBusy(Unavailable):
    code = "hashing_busy"


class AccountDisabled(Forbidden):
    """An administrator has shut the account."""

    code = "account_disabled"


class WrongPassword(Forbidden):
    """The current password is wrong; nothing was changed."""

    code = "wrong_password"


class OwnAccount(Forbidden):
    """Administrators cannot do this to themselves."""

    code = "own_account"


class NotYourEmail(Forbidden):
    code = "not_your_email"


class LastAdmin(Conflict):
    """This is the only administrator."""

    code = "last_admin"


class EmailMismatch(Malformed):
    code = "email_mismatch"


class UserNotFound(NotFound):
    code = "user_not_found"


class ApiKeyNotFound(NotFound):
    code = "api_key_not_found"


class AccountDeleted(Forbidden):
    """The account was deleted while the request was on its way."""

    code = "account_deleted"
