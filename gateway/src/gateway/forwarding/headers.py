"""Which headers pass the gateway, in both directions. Pure functions."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from kit.errors import Malformed

RawHeaders = Sequence[tuple[bytes, bytes]]
LONGEST_HEADERS = 64 * 1024

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer"
    b" transfer-encoding upgrade http2-settings".split()
)
# Written anew for every request, or spent at the gateway.
REWRITTEN = frozenset(b"host content-length expect x-request-id traceparent".split())
# What servers behind other proxies have believed about who is calling, from where, and for what.
IDENTITY = frozenset(
    b"forwarded via proxy remote-user x-real-ip x-client-ip x-cluster-client-ip true-client-ip"
    b" cf-connecting-ip fastly-client-ip x-original-url x-original-uri x-original-host x-original-method"
    b" x-rewrite-url x-host x-http-method x-http-method-override x-method-override x-username x-role x-roles"
    b" x-scope x-scopes x-email x-groups x-sub x-subject x-admin x-is-admin x-jwt x-principal x-service"
    b" x-client-cert x-ssl-client-cert x-tokens-charged".split()
)
IDENTITY_PREFIXES = (
    b"x-user-",
    b"x-forwarded-",
    b"x-farebox-",
    b"x-auth-",
    b"x-authenticated-",
    b"x-remote-",
    b"x-account-",
    b"x-consumer-",
    b"x-internal-",
    b"x-service-",
    b"x-session-",
    b"x-tenant-",
    b"x-webauth-",
    b"x-token-",
    b"x-api-key-",
)
NOT_FROM_UPSTREAM = HOP_BY_HOP | {b"server", b"date", b"x-request-id", b"x-content-type-options"}
BODILESS = (204, 304)


def check_framing(headers: RawHeaders, http_version: str) -> None:
    """Refuse what two servers could read as two different requests; raises Malformed."""
    names = [name for name, _ in headers]
    for name in (b"host", b"content-length", b"transfer-encoding", b"authorization"):
        if names.count(name) > 1:
            raise Malformed(f"The header {name.decode().title()} was sent twice; send it once.")
    if b"host" not in names and http_version != "1.0":
        raise Malformed("The header Host is missing.")
    if b"transfer-encoding" in names:
        _check_transfer_encoding(dict(headers), http_version)
    if b"upgrade" in names and (b"content-length" in names or b"transfer-encoding" in names):
        # The server's parser takes what follows an Upgrade for another protocol, and would lose the body.
        raise Malformed("This server does not upgrade connections; leave the header Upgrade out.")
    if sum(len(name) + len(value) for name, value in headers) > LONGEST_HEADERS:
        raise Malformed("The headers are too long; send fewer or shorter ones.")


def _check_transfer_encoding(headers: dict[bytes, bytes], http_version: str) -> None:
    if b"content-length" in headers:
        raise Malformed("Send Content-Length or Transfer-Encoding, not both.")
    if headers[b"transfer-encoding"].strip().lower() != b"chunked" or http_version == "1.0":
        raise Malformed("The only Transfer-Encoding taken is 'chunked', over HTTP/1.1.")


def for_upstream(headers: RawHeaders) -> list[tuple[str, str]]:
    """A client's headers without those that are for this hop alone or that claim an identity."""
    named = _named_by_connection(headers)
    try:
        return [
            (name.decode(), value.decode())
            for name, value in headers
            if may_go_upstream(name) and name not in named
        ]
    except UnicodeDecodeError:
        raise Malformed("A header's value is not UTF-8; send it percent-encoded.") from None


def for_client(headers: RawHeaders, status: int) -> list[tuple[bytes, bytes]]:
    """An upstream's headers without those of its own hop and those that the gateway writes itself."""
    lower = [(name.lower(), value) for name, value in headers]
    dropped = NOT_FROM_UPSTREAM | _named_by_connection(lower)
    if status in BODILESS:
        dropped |= {b"content-length"}
    return [(name, value) for name, value in lower if name not in dropped]


@lru_cache(maxsize=2048)
def may_go_upstream(name: bytes) -> bool:
    """False also for underscores, which some servers read as hyphens: X_User_Id would become X-User-Id."""
    return not (
        name in HOP_BY_HOP
        or name in REWRITTEN
        or name in IDENTITY
        or b"_" in name
        or name == b"x-user"
        or name.startswith(IDENTITY_PREFIXES)
    )


def _named_by_connection(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    named = [value for name, value in headers if name == b"connection"]
    if not named:
        return frozenset()
    return frozenset(token.strip().lower() for value in named for token in value.split(b","))
