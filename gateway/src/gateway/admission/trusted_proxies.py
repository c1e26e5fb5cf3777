"""Whose address a request counts against, and what upstreams are told about where it came from."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from gateway.settings import Network

Address = IPv4Address | IPv6Address
ONE_HOUSEHOLD = 64  # bits of an IPv6 address; the rest is the owner's to choose


@dataclass(frozen=True, slots=True)
class Origin:
    """The client as far as it can be known: said by our own proxies, or seen on the connection."""

    address: str
    scheme: str
    host: str

    @property
    def counted_as(self) -> str:
        """The address that rate limits count; all of a household's IPv6 addresses are one."""
        if ":" not in self.address:
            return self.address
        parsed = read_address(self.address)
        if parsed is None or parsed.version == 4:
            return self.address
        return str(int(parsed) >> (128 - ONE_HOUSEHOLD))


class Origins:
    """Believes introductions and forwarding headers only from the proxies that the settings name."""

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted = trusted

    def origin_of(
        self, peer: str, scheme: str, headers: dict[str, str], speaks_for: str | None = None
    ) -> Origin:
        host = headers.get("host", "")
        if speaks_for is not None and self._is_ours(peer):
            peer = speaks_for
        if not self._trusted or not self._is_ours(peer):
            return Origin(peer, scheme, host)
        forwarded = headers.get("x-forwarded-proto", scheme).strip().lower()
        return Origin(
            self._first_stranger(headers.get("x-forwarded-for", ""), peer),
            forwarded if forwarded in ("http", "https") else scheme,
            headers.get("x-forwarded-host", host).strip(),
        )

    def _first_stranger(self, forwarded_for: str, peer: str) -> str:
        """Read from the right: what stands left of the first stranger is the stranger's own claim."""
        last = peer
        for each in reversed(forwarded_for.split(",")):
            address = read_address(each.strip())
            if address is None:
                break
            last = str(address)
            if not self._is_ours(last):
                break
        return last

    def _is_ours(self, address: str) -> bool:
        parsed = read_address(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


def read_address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
