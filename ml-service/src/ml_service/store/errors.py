"""Errors of the store, its room and the processes that read it."""

from kit.errors import ServiceError, StorageFull, Unavailable


class StorageQuotaReached(ServiceError):
    status = 409
    code = "storage_quota_reached"

    def __init__(self, stored: int, most: int) -> None:
        super().__init__(
            f"Your datasets, models and results have {stored} bytes, and the limit is {most}; delete some, "
            "then retry.",
            stored_bytes=stored,
            most_bytes=most,
        )


class StoreNotOurs(Unavailable):
    """The file store is not known to belong to the database."""

    code = "store_not_ours"


# Errors of new work that stores something.
STORAGE_ERRORS = (StorageFull, StorageQuotaReached, StoreNotOurs)


class FileMissing(ServiceError):
    status = 422
    code = "file_missing"

    def __init__(self, field: str) -> None:
        super().__init__(f"The form has no file in the field '{field}'; attach a file with a table to it.")


class ReaderDied(ServiceError):
    status = 422
    code = "reader_died"

    def __init__(self) -> None:
        super().__init__("The file could not be processed; nothing was charged. Split it into smaller files.")


class ReaderTimedOut(ServiceError):
    status = 422
    code = "reader_timed_out"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The file could not be processed within {seconds:g} seconds; nothing was charged. "
            "Split it into smaller files.",
            seconds=seconds,
        )


class TooManyAtOnce(ServiceError):
    status = 429
    code = "too_many_at_once"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{most} of your requests of this kind already wait; retry when one of them has ended.",
            headers={"Retry-After": "2"},
        )


class ReadersBusy(ServiceError):
    status = 503
    code = "readers_busy"

    def __init__(self) -> None:
        super().__init__(
            "Too many files are being processed at the moment; retry in a moment.",
            headers={"Retry-After": "5"},
        )


# Errors of every call in a process pool.
POOL_ERRORS = (ReaderDied, ReaderTimedOut, TooManyAtOnce, ReadersBusy)
