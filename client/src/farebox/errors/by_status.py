"""Refusals by their HTTP status, for codes that this version of the client does not know."""

from collections.abc import Mapping

from farebox.errors.base import FareboxError


class Refused(FareboxError):
    """The service answered with a problem."""

    retry_after: float | None = None


class Malformed(Refused):
    status = 400
    code = "malformed"


class Unauthenticated(Refused):
    """The login or API key is not, or no longer, accepted; log in again."""

    status = 401
    code = "unauthenticated"


class PaymentRefused(Refused):
    status = 402
    code = "payment_refused"


class Forbidden(Refused):
    status = 403
    code = "forbidden"


class NotFound(Refused):
    """There is no such thing, or it belongs to someone else."""

    status = 404
    code = "not_found"


class Conflict(Refused):
    status = 409
    code = "conflict"


class PayloadTooLarge(Refused):
    status = 413
    code = "payload_too_large"


class UnsupportedMediaType(Refused):
    status = 415
    code = "unsupported_media_type"


class InvalidInput(Refused):
    """The request was understood but cannot be used; `errors` says which field and why."""

    status = 422
    code = "invalid_input"

    @property
    def errors(self) -> list[Mapping[str, str]]:
        found = self.members.get("errors")
        return list(found) if isinstance(found, list) else []


class TooManyRequests(Refused):
    """Wait `retry_after` seconds."""

    status = 429
    code = "too_many_requests"


class ServiceFault(Refused):
    """Something went wrong on the service's side; nothing was charged."""

    status = 500
    code = "internal_error"


class Unavailable(ServiceFault):
    """A part of the service is away for the moment; asking again is safe."""

    status = 503
    code = "unavailable"


BY_STATUS: Mapping[int, type[Refused]] = {
    400: Malformed,
    401: Unauthenticated,
    402: PaymentRefused,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: PayloadTooLarge,
    415: UnsupportedMediaType,
    422: InvalidInput,
    429: TooManyRequests,
    503: Unavailable,
}
