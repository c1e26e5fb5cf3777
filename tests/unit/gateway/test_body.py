"""Buffer space: memory for complete bodies, bounded for all together."""

import pytest
from starlette.types import Message

from gateway.admission.body import LONGEST_BUFFER, MEBIBYTE, SMALL_BODY, BufferSpace, IncomingBody, Pace
from gateway.admission.gate import ConcurrencyLimiter
from gateway.errors import TooManyStreams
from gateway.routing import Body


async def receive() -> Message:
    raise NotImplementedError


def body_of(length: int | None, limit: int = 16 * MEBIBYTE) -> IncomingBody:
    header = (b"transfer-encoding", b"chunked") if length is None else (b"content-length", b"%d" % length)
    return IncomingBody(receive, dict([header]), limit, Pace())


@pytest.mark.parametrize(
    ("kind", "length", "reserved"),
    [
        (Body.JSON, SMALL_BODY, 0),
        (Body.JSON, SMALL_BODY + 1, SMALL_BODY + 1),
        (Body.JSON, None, 16 * MEBIBYTE),
        (Body.ROWS, MEBIBYTE, MEBIBYTE),
        (Body.ROWS, MEBIBYTE + 1, 0),
        (Body.ROWS, None, LONGEST_BUFFER[Body.ROWS]),
        (Body.UPLOAD, MEBIBYTE, 0),
        (Body.UPLOAD, None, 0),
    ],
)
def test_space_is_reserved_by_class_and_length(kind: Body, length: int | None, reserved: int) -> None:
    assert BufferSpace().reserve(body_of(length), kind) == reserved


def test_chunked_body_reserves_no_more_than_its_limit() -> None:
    assert BufferSpace().reserve(body_of(None, MEBIBYTE), Body.JSON) == MEBIBYTE


def test_full_space_reserves_nothing_until_it_is_freed() -> None:
    space = BufferSpace(MEBIBYTE)
    assert space.reserve(body_of(MEBIBYTE), Body.JSON) == MEBIBYTE
    assert space.reserve(body_of(MEBIBYTE), Body.JSON) == 0
    space.free(MEBIBYTE)
    assert space.reserve(body_of(MEBIBYTE), Body.JSON) == MEBIBYTE


def test_concurrency_limiter_counts_each_caller_and_forgets_them() -> None:
    limiter = ConcurrencyLimiter(1, TooManyStreams)
    limiter.enter(7)
    limiter.enter("9.9.9.9")
    with pytest.raises(TooManyStreams):
        limiter.enter(7)
    limiter.leave(7)
    limiter.leave("9.9.9.9")
    assert len(limiter) == 0
