"""Regular expressions of the gateway, and what else reads a client's bytes: time linear in their length."""

import importlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import gateway
from gateway.admission.framing import LONGEST_TARGET, check_framing, check_target
from gateway.admission.proxy_protocol import parse_proxy_header
from gateway.admission.trusted_proxies import parse_address
from gateway.errors import AddressTooLong
from gateway.forwarding.headers import for_upstream
from gateway.routing import PUBLISHED, RouteTable
from kit.errors import Malformed, RouteNotFound

LENGTH, TIMES_LONGER = 4_000, 4
# A quadratic time grows 16 times; this leaves room for a busy machine.
MOST_GROWTH = 9
# Shorter times are noise of the clock.
LEAST_SECONDS = 0.0002
TABLE = RouteTable(PUBLISHED)


def patterns() -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes]]]:
    folder = Path(gateway.__file__).parent
    for path in folder.rglob("*.py"):
        module = ".".join(["gateway", *path.relative_to(folder).with_suffix("").parts])
        if path.stem not in ("__init__", "__main__"):
            for name, value in vars(importlib.import_module(module)).items():
                if isinstance(value, re.Pattern):
                    yield f"{module}.{name}", value


PATTERNS = dict(patterns())
# What a pattern could search again and again, and what then does not match.
PIECES = ("a", "1", "/", ".", ":", "%41", "%", "a%41", "[a", "#/components/a/", "a.", "=&", " ", "\\")
ENDS = ("", "\n", "%", "\x00", "]")


def seconds(run: Callable[[], object]) -> float:
    """The shortest of a few processor times, which is the one least disturbed."""
    times: list[float] = []
    for _ in range(5):
        before = time.thread_time()
        run()
        times.append(time.thread_time() - before)
    return min(times)


def assert_linear(run: Callable[[int], object]) -> None:
    growths: list[float] = []
    for _ in range(3):  # a quadratic time is so each time
        short = max(seconds(lambda: run(LENGTH)), LEAST_SECONDS)
        growths.append(seconds(lambda: run(LENGTH * TIMES_LONGER)) / short)
        if growths[-1] < MOST_GROWTH:
            return
    pytest.fail(f"{TIMES_LONGER} times the length takes {growths} times as long")


def test_all_patterns_are_found() -> None:
    assert {"gateway.routing.SEGMENT", "gateway.admission.framing.HOST"} <= PATTERNS.keys()


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("piece", PIECES)
def test_pattern_takes_linear_time(name: str, piece: str) -> None:
    pattern = PATTERNS[name]

    def match_all(length: int) -> None:
        for end in ENDS:
            text = piece * (length // len(piece)) + end
            match(pattern, text)

    assert_linear(match_all)


def match(pattern: re.Pattern[str] | re.Pattern[bytes], text: str) -> None:
    if isinstance(pattern.pattern, bytes):
        encoded = re.compile(pattern.pattern, pattern.flags)
        encoded.fullmatch(text.encode())
        encoded.search(text.encode())
    else:
        decoded = re.compile(pattern.pattern, pattern.flags)
        decoded.fullmatch(text)
        decoded.search(text)


def find_route(path: str) -> None:
    try:
        TABLE.find("GET", path)
    except RouteNotFound:
        return


def check_headers(headers: list[tuple[bytes, bytes]]) -> None:
    try:
        check_framing(headers, "1.1")
        for_upstream(headers)
    except Malformed:
        return


READERS: dict[str, Callable[[int], object]] = {
    "a long segment": lambda length: find_route("/v1/models/" + "a" * length),
    "an encoded segment": lambda length: find_route("/v1/models/" + "%41" * length),
    "a segment with a fault": lambda length: find_route("/v1/models/" + "a" * length + "{"),
    "many segments": lambda length: find_route("/v1" * length),
    "many headers": lambda length: check_headers([(b"host", b"a"), *[(b"a", b"")] * length]),
    "many cookies": lambda length: check_headers([(b"host", b"a"), (b"cookie", b"a=b;" * (length // 2))]),
    "a long Connection": lambda length: check_headers([(b"host", b"a"), (b"connection", b"a," * length)]),
    "a long Host": lambda length: check_headers([(b"host", b"a" * length)]),
    "a long address": lambda length: parse_address("1" * length),
    "a long IPv6 address": lambda length: parse_address("1:" * length),
    "a long PROXY line": lambda length: parse_proxy_header(b"PROXY " + b"a " * length),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_reading_takes_linear_time(read: Callable[[int], object]) -> None:
    assert_linear(read)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (b"/" + b"a" * LONGEST_TARGET, b""),
        (b"/v1/jobs", b"a" * LONGEST_TARGET),
        (b"/v1/jobs", b"&" * 200),
    ],
)
def test_long_target_is_refused(path: bytes, query: bytes) -> None:
    with pytest.raises(AddressTooLong):
        check_target(path, query)


def test_ordinary_target_is_accepted() -> None:
    check_target(b"/v1/jobs", b"page_size=50&page_token=" + b"a" * 500)
