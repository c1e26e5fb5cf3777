"""Header hygiene: filters for the headers of requests and responses. Pure functions."""

from collections.abc import Sequence
from functools import lru_cache

from kit.errors import Malformed

RawHeaders = Sequence[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer"
    b" transfer-encoding upgrade http2-settings".split()
)
# Rewritten for every request, or consumed by the gateway.
REWRITTEN = frozenset(b"host content-length expect x-request-id x-request-timeout-ms traceparent".split())
# Headers that other proxies use to pass on the caller, its address or the original request.
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
# A Connection header cannot remove it, or the service would refuse a caller that the gateway admitted.
END_TO_END = frozenset((b"authorization",))
BODILESS = (204, 304)
# A client chooses its names: 2,048 of the longest would fill the cache with 128 MiB.
LONGEST_CACHED_NAME = 64


def for_upstream(headers: RawHeaders) -> list[tuple[str, str]]:
    """The client's headers, without hop-by-hop headers and claims of identity."""
    named = _named_by_connection(headers)
    try:
        return [
            (passed, value.decode())
            for name, value in headers
            if (passed := name_for_upstream(name)) and name not in named
        ]
    except UnicodeDecodeError:
        raise Malformed("A header's value is not UTF-8; send it percent-encoded.") from None


def for_client(headers: RawHeaders, status: int) -> list[tuple[bytes, bytes]]:
    """The upstream's headers, without hop-by-hop headers and those that the gateway sets itself."""
    kept = [(passed, value) for name, value in headers if (passed := _name_for_client(name))]
    dropped = _named_by_connection(headers)
    if status in BODILESS:
        dropped |= {b"content-length"}
    return [header for header in kept if header[0] not in dropped] if dropped else kept


def name_for_upstream(name: bytes) -> str:
    """The name as text, or empty for a header that stays here."""
    return cached_name(name) if len(name) <= LONGEST_CACHED_NAME else _pass_name(name)


def _pass_name(name: bytes) -> str:
    """Names with underscores stay, too: some servers make them hyphens, and X_User_Id into X-User-Id."""
    stays = (
        name in HOP_BY_HOP
        or name in REWRITTEN
        or name in IDENTITY
        or b"_" in name
        or name == b"x-user"
        or name.startswith(IDENTITY_PREFIXES)
    )
    return "" if stays else name.decode()


cached_name = lru_cache(maxsize=2048)(_pass_name)


@lru_cache(maxsize=2048)
def _name_for_client(name: bytes) -> bytes:
    """The name in lower case, or empty for a header that stays here."""
    lower = name.lower()
    return b"" if lower in NOT_FROM_UPSTREAM else lower


def _named_by_connection(headers: RawHeaders) -> frozenset[bytes]:
    named = [value for name, value in headers if name.lower() == b"connection"]
    if not named:
        return frozenset()
    return frozenset(token.strip().lower() for value in named for token in value.split(b",")) - END_TO_END
