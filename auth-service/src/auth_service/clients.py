"""Clients of requests, identified by their network: an address changes too easily, also by chance."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Annotated

from fastapi import Depends, Request

IPV4_PREFIX_BITS = 24
IPV6_PREFIX_BITS = 64  # the network of one subscriber, who chooses the remaining bits freely
UNKNOWN = "unknown"


def network_of(address: str) -> str:
    """The /24 or /64 of an address; one network for whatever is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    if isinstance(parsed, IPv4Address):
        return str(IPv4Network((int(parsed), IPV4_PREFIX_BITS), strict=False))
    return str(IPv6Network((int(parsed), IPV6_PREFIX_BITS), strict=False))


async def _client_network(request: Request) -> str:
    # The gateway removes what clients claim and sets the address itself; nothing else reaches this service.
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return network_of(forwarded or (request.client.host if request.client else ""))


ClientNetwork = Annotated[str, Depends(_client_network)]
