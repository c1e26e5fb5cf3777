"""Errors that the gateway itself raises."""

from collections.abc import Iterable

from kit.errors import ServiceError


class UpstreamDown(ServiceError):
    """The upstream could not be reached: the request was not sent, and nothing happened."""

    status = 503
    code = "upstream_down"

    def __init__(self) -> None:
        super().__init__(
            "This part of Farebox is temporarily unavailable; nothing was done, please retry.",
            headers={"Retry-After": "2"},
        )


class UpstreamSlow(ServiceError):
    status = 503
    code = "upstream_slow"

    def __init__(self) -> None:
        super().__init__(
            "The response took too long; the request may still finish: retry with the same Idempotency-Key.",
            headers={"Retry-After": "5"},
        )


class UpstreamLost(ServiceError):
    """The connection ended after the request was sent and before the response was complete."""

    status = 503
    code = "upstream_lost"

    def __init__(self) -> None:
        super().__init__(
            "The response was lost; the request may have finished: retry with the same Idempotency-Key.",
            headers={"Retry-After": "1"},
        )


class RequestTooSlow(ServiceError):
    status = 408
    code = "request_too_slow"

    def __init__(self) -> None:
        super().__init__("The rest of the request did not arrive in time; send it again.")


class AddressTooLong(ServiceError):
    status = 414
    code = "address_too_long"

    def __init__(self) -> None:
        super().__init__("The address is too long or has too many parameters; send fewer or shorter ones.")


class TooManyInFlight(ServiceError):
    """One caller has as many requests in flight as are allowed at once."""

    status = 429
    code = "too_many_in_flight"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} of your requests are in progress, as many as are allowed at once; "
            "retry when one has finished.",
            headers={"Retry-After": "1"},
        )


class TooManyStreams(ServiceError):
    """One caller has as many event streams open as are allowed at once."""

    status = 429
    code = "too_many_streams"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"You have {limit} event streams open, as many as are allowed at once; close one, "
            "or read the job at GET /v1/jobs/{id} instead.",
            headers={"Retry-After": "5"},
        )


class TooManyRequests(ServiceError):
    status = 429
    code = "too_many_requests"

    def __init__(self, wait_seconds: int, limits: Iterable[tuple[bytes, bytes]]) -> None:
        super().__init__(
            f"Too many requests; retry in {wait_seconds} seconds.",
            headers={
                "Retry-After": str(wait_seconds),
                **{name.decode(): value.decode() for name, value in limits},
            },
        )
