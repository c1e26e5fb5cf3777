"""Framing of a request: refuse ambiguous framing, and what is longer than any client needs."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

from gateway.admission.trusted_proxies import parse_address
from gateway.errors import AddressTooLong
from kit.errors import Malformed

RawHeaders = Sequence[tuple[bytes, bytes]]
LONGEST_HEADERS = 64 * 1024
# As in Apache. Services parse a query before they refuse it, 90 KB of short parameters in 80 ms.
LONGEST_TARGET = 8 * 1024
MOST_PARAMETERS = 200
LONGEST_HOST = 260
# A name, an IPv4 address or an IPv6 address in brackets, and a port; without signs that no name has.
HOST = re.compile(rb"(?:(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})++|\[([0-9A-Fa-f:.]++)\])(?::[0-9]{0,5})?")


def check_target(raw_path: bytes, query: bytes) -> None:
    """Raises AddressTooLong."""
    if len(raw_path) + len(query) > LONGEST_TARGET or (query and query.count(b"&") >= MOST_PARAMETERS):
        raise AddressTooLong


def check_framing(headers: RawHeaders, http_version: str) -> None:
    """Refuse a request that two servers could frame differently; raises Malformed."""
    by_name = dict(headers)
    if len(by_name) != len(headers):
        _check_repeated([name for name, _ in headers])
    host = by_name.get(b"host")
    if host is None:
        if http_version != "1.0":
            raise Malformed("The header Host is missing.")
    elif len(host) > LONGEST_HOST or not is_valid_host(host):
        raise Malformed("The header Host is not valid; send the name and port that you connect to.")
    if b"transfer-encoding" in by_name:
        _check_transfer_encoding(by_name, http_version)
    if b"upgrade" in by_name and (b"content-length" in by_name or b"transfer-encoding" in by_name):
        # The HTTP parser treats the bytes after an Upgrade as another protocol, so the body would be lost.
        raise Malformed("This server does not upgrade connections; leave the header Upgrade out.")
    if sum(map(len, chain.from_iterable(headers))) > LONGEST_HEADERS:
        raise Malformed("The headers are too long; send fewer or shorter ones.")


def _check_repeated(names: Sequence[bytes]) -> None:
    for name in (b"host", b"content-length", b"transfer-encoding", b"authorization"):
        if names.count(name) > 1:
            raise Malformed(f"The header {name.decode().title()} was sent twice; send it once.")


def _check_transfer_encoding(headers: dict[bytes, bytes], http_version: str) -> None:
    if b"content-length" in headers:
        raise Malformed("Send Content-Length or Transfer-Encoding, not both.")
    if headers[b"transfer-encoding"].strip().lower() != b"chunked" or http_version == "1.0":
        raise Malformed("The only accepted Transfer-Encoding is 'chunked', over HTTP/1.1.")


@lru_cache(maxsize=1024)
def is_valid_host(host: bytes) -> bool:
    """True for a host with an optional port; otherwise RFC 9112, 3.2 requires 400."""
    matched = HOST.fullmatch(host)
    if matched is None or matched[1] is None:
        return matched is not None
    return b":" in matched[1] and parse_address(matched[1].decode()) is not None
