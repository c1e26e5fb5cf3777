"""Client addresses: proxy headers count only from the proxies in the settings."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
IPV6_PREFIX_BITS = 64  # the network of one subscriber, who chooses the remaining bits freely
# The network of translators (RFC 6052): the last 32 bits are the client's IPv4 address.
TRANSLATED = IPv6Network("64:ff9b::/96")


class Origin(NamedTuple):
    """Address, scheme and host of the client, from a trusted proxy or else from the connection."""

    address: str
    scheme: str
    host: str

    @property
    def rate_limit_key(self) -> str:
        """The rate limiter's key: the address, or the network of an IPv6 address."""
        if ":" not in self.address:
            return self.address
        parsed = parse_address(self.address)
        if isinstance(parsed, IPv6Address):
            return str(int(parsed) >> (128 - IPV6_PREFIX_BITS))
        return str(parsed or self.address)


class TrustedProxies:
    def __init__(self, networks: tuple[Network, ...]) -> None:
        self._networks = networks

    def origin_of(
        self, peer: str, scheme: str, headers: dict[bytes, bytes], proxied_address: str | None = None
    ) -> Origin:
        """The client's origin; `proxied_address` comes from the connection's PROXY protocol header."""
        host = _read(headers, b"host")
        if proxied_address is not None and self._is_trusted(peer):
            peer = proxied_address
        if ":" in peer:
            peer = str(parse_address(peer) or peer)
        if not self._networks or not self._is_trusted(peer):
            return Origin(peer, scheme, host)
        forwarded = _read(headers, b"x-forwarded-proto").strip().lower()
        return Origin(
            self._client_address(_read(headers, b"x-forwarded-for"), peer),
            forwarded if forwarded in ("http", "https") else scheme,
            _read(headers, b"x-forwarded-host" if b"x-forwarded-host" in headers else b"host").strip(),
        )

    def _client_address(self, forwarded_for: str, peer: str) -> str:
        """The last untrusted address; entries to its left are the client's own, unverified claim."""
        last = peer
        for entry in reversed(forwarded_for.split(",")):
            address = parse_address(entry.strip())
            if address is None:
                break
            last = str(address)
            if not self._is_trusted(last):
                break
        return last

    def _is_trusted(self, address: str) -> bool:
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def _read(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def parse_address(text: str) -> Address | None:
    """The address. One of IPv4 inside IPv6 counts as itself, or all of them would be one client."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address
