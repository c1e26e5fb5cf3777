"""Errors of auth-service: one class for each code, with the next step in its sentence."""

from kit.errors import ServiceError, Unauthenticated

BEARER = {"WWW-Authenticate": "Bearer"}


class NameTaken(ServiceError):
    status = 409
    code = "name_taken"

    def __init__(self) -> None:
        super().__init__("This name is already taken; log in or choose another name.")


class EmailTaken(ServiceError):
    """The course API's 400 for a taken e-mail address."""

    status = 400
    code = "email_taken"

    def __init__(self) -> None:
        super().__init__("This e-mail address is already registered; log in or choose another one.")


class SignUpClosed(ServiceError):
    status = 403
    code = "sign_up_closed"

    def __init__(self) -> None:
        super().__init__("Sign-up is closed here; ask an administrator to create your account.")


class WrongCredentials(ServiceError):
    status = 401
    code = "wrong_credentials"

    def __init__(self) -> None:
        super().__init__("The name or the password is wrong; check both and try again.", headers=BEARER)


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
            "Too many logins at the same time; try again in a moment.", headers={"Retry-After": "2"}
        )


class AccountDisabled(ServiceError):
    status = 403
    code = "account_disabled"

    def __init__(self) -> None:
        super().__init__("This account is disabled; contact an administrator.")


class WrongPassword(ServiceError):
    """403, because after a 401 clients would drop a session that is still valid."""

    status = 403
    code = "wrong_password"

    def __init__(self) -> None:
        super().__init__("The current password is wrong; check it and try again.")


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
        super().__init__(
            "Another request has used this refresh token; use the tokens from its response.",
            headers={"Retry-After": "1"},
        )


class AccountGone(Unauthenticated):
    """The account of a valid token was deleted moments ago."""

    def __init__(self) -> None:
        super().__init__("The access token is no longer valid; log in again.")


class UserNotFound(ServiceError):
    status = 404
    code = "user_not_found"

    def __init__(self) -> None:
        super().__init__("There is no user with this id; check it in the list of users.")


class OwnAccount(ServiceError):
    status = 403
    code = "own_account"

    def __init__(self) -> None:
        super().__init__("You cannot delete your own account here; use DELETE /v1/me.")


class LastAdmin(ServiceError):
    status = 409
    code = "last_admin"

    def __init__(self) -> None:
        super().__init__("This is the only active administrator; give another user the role 'admin' first.")


class NotYourEmail(ServiceError):
    status = 403
    code = "not_your_email"

    def __init__(self) -> None:
        super().__init__("You can reset only your own password; send your own e-mail address.")


class EmailMismatch(ServiceError):
    status = 400
    code = "email_mismatch"

    def __init__(self) -> None:
        super().__init__(
            "The e-mail address and the user id belong to different accounts; correct one of them."
        )


class ApiKeyNotFound(ServiceError):
    status = 404
    code = "api_key_not_found"

    def __init__(self) -> None:
        super().__init__("You have no API key with this id; check it in the list of your keys.")


class TooManyApiKeys(ServiceError):
    status = 409
    code = "too_many_api_keys"

    def __init__(self, most: int) -> None:
        super().__init__(f"You already have {most} API keys, expired ones included; revoke one first.")


class ApiKeyInvalid(Unauthenticated):
    code = "api_key_invalid"

    def __init__(self) -> None:
        super().__init__("The API key is unknown, expired or revoked; create a new one.")


class GroupNotFound(ServiceError):
    status = 404
    code = "group_not_found"

    def __init__(self) -> None:
        super().__init__("You are in no group with this id; check it in the list of your groups.")


class MemberNotFound(ServiceError):
    status = 404
    code = "member_not_found"

    def __init__(self) -> None:
        super().__init__("The group has no member with this id; check it in the list of members.")


class CodeUnknown(ServiceError):
    """Alike for wrong, expired and used codes, so that nobody can search for them."""

    status = 404
    code = "code_unknown"

    def __init__(self) -> None:
        super().__init__(
            "This code is wrong, expired, used up, or meant for other people; ask who gave it to you."
        )


class JoinCodeNotFound(ServiceError):
    status = 404
    code = "join_code_not_found"

    def __init__(self) -> None:
        super().__init__("The group has no join code with this id; check it in the list of its codes.")


class TooManyGroups(ServiceError):
    status = 409
    code = "too_many_groups"

    def __init__(self, most: int) -> None:
        super().__init__(f"You own {most} groups already; delete one first.")


class TooManyJoinCodes(ServiceError):
    status = 409
    code = "too_many_join_codes"

    def __init__(self, most: int) -> None:
        super().__init__(f"The group has {most} join codes, expired ones included; delete one first.")


class GroupFull(ServiceError):
    status = 409
    code = "group_full"

    def __init__(self, most: int) -> None:
        super().__init__(f"The group has its {most} members already; ask its owner to remove some.")


class GroupArchived(ServiceError):
    status = 409
    code = "group_archived"

    def __init__(self) -> None:
        super().__init__("The group is archived; its owner can make it active again.")


class LastOwner(ServiceError):
    status = 409
    code = "last_owner"

    def __init__(self, *groups: str) -> None:
        names = f" of {', '.join(groups)}" if groups else ""
        super().__init__(
            f"This is the only owner{names}; make another member an owner, or delete the group, first."
        )


class RosterChanged(ServiceError):
    status = 409
    code = "roster_changed"

    def __init__(self) -> None:
        super().__init__("The roster has changed since you compared it; compare again and apply that.")


class RosterInvalid(ServiceError):
    status = 422
    code = "roster_invalid"


class TimeWithoutOffset(ServiceError):
    status = 422
    code = "time_without_offset"

    def __init__(self) -> None:
        super().__init__("A time needs its offset from UTC, such as 2026-11-30T18:00:00+01:00.")
