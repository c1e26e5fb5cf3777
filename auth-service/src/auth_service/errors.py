"""Everything that can go wrong here and that a caller is told."""

from kit.errors import ServiceError, Unauthenticated

BEARER = {"WWW-Authenticate": "Bearer"}


class NameTaken(ServiceError):
    status = 409
    code = "name_taken"

    def __init__(self) -> None:
        super().__init__("An account of this name exists; log in or choose another name.")


class EmailTaken(ServiceError):
    """The course API's answer to a taken e-mail address."""

    status = 400
    code = "email_taken"

    def __init__(self) -> None:
        super().__init__("Email already registered; log in or choose another e-mail.")


class WrongCredentials(ServiceError):
    status = 401
    code = "wrong_credentials"

    def __init__(self) -> None:
        super().__init__(
            "The account name or the password is wrong; check both and try again.", headers=BEARER
        )


class TooManyFailures(ServiceError):
    status = 429
    code = "too_many_failures"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"Too many failed attempts for this account; try again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )


class HashingBusy(ServiceError):
    status = 503
    code = "hashing_busy"

    def __init__(self) -> None:
        super().__init__(
            "Too many people are logging in at once; please retry.", headers={"Retry-After": "2"}
        )


class AccountDisabled(ServiceError):
    status = 403
    code = "account_disabled"

    def __init__(self) -> None:
        super().__init__("This account is disabled; ask an administrator to enable it.")


class WrongPassword(ServiceError):
    """403, because a 401 would make clients drop a session that is still good."""

    status = 403
    code = "wrong_password"

    def __init__(self) -> None:
        super().__init__("The current password is wrong; nothing was changed.")


class RefreshTokenInvalid(ServiceError):
    status = 401
    code = "refresh_token_invalid"

    def __init__(self) -> None:
        super().__init__("The refresh token is not valid or has expired; log in again.", headers=BEARER)


class RefreshTokenReused(ServiceError):
    status = 401
    code = "refresh_token_reused"

    def __init__(self) -> None:
        super().__init__(
            "This refresh token was used before, so its session has been ended; log in again.",
            headers=BEARER,
        )


class RefreshRunning(ServiceError):
    status = 409
    code = "refresh_running"

    def __init__(self) -> None:
        super().__init__("The same refresh token was used at the same time; use the other answer's tokens.")


class UserNotFound(ServiceError):
    status = 404
    code = "user_not_found"

    def __init__(self) -> None:
        super().__init__("There is no user of this id; list the users to find the right one.")


class OwnAccount(ServiceError):
    status = 403
    code = "own_account"

    def __init__(self) -> None:
        super().__init__("Administrators cannot delete themselves here; DELETE /v1/me does it.")


class LastAdmin(ServiceError):
    status = 409
    code = "last_admin"

    def __init__(self) -> None:
        super().__init__("This is the only administrator; make another one first.")


class NotYourEmail(ServiceError):
    status = 403
    code = "not_your_email"

    def __init__(self) -> None:
        super().__init__("You can reset only your own password; send your own e-mail.")


class EmailMismatch(ServiceError):
    status = 400
    code = "email_mismatch"

    def __init__(self) -> None:
        super().__init__("The e-mail does not belong to the user of this id; check both.")


class ApiKeyNotFound(ServiceError):
    status = 404
    code = "api_key_not_found"

    def __init__(self) -> None:
        super().__init__("You have no API key of this id; GET /v1/api-keys lists them.")


class ApiKeyInvalid(Unauthenticated):
    code = "api_key_invalid"

    def __init__(self) -> None:
        super().__init__("The API key is unknown, expired or revoked; make a new one.")
