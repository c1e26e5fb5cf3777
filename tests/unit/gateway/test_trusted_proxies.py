"""Origin of a request: proxy headers count only from trusted proxies."""

from ipaddress import ip_network

import pytest

from gateway.admission.trusted_proxies import Origin, TrustedProxies

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def test_forwarding_headers_are_ignored_without_trusted_proxies() -> None:
    sent = {
        b"host": b"a",
        b"x-forwarded-for": b"1.2.3.4",
        b"x-forwarded-proto": b"https",
        b"x-forwarded-host": b"b",
    }
    assert TrustedProxies(()).origin_of("10.0.0.1", "http", sent) == Origin("10.0.0.1", "http", "a")


@pytest.mark.parametrize("peer", ["::ffff:9.9.9.9", "::FFFF:909:909", "64:ff9b::9.9.9.9"])
def test_ipv4_client_of_an_ipv6_socket_has_its_ipv4_address(peer: str) -> None:
    origin = TrustedProxies(()).origin_of(peer, "http", {b"host": b"a"})
    assert (origin.address, origin.rate_limit_key) == ("9.9.9.9", "9.9.9.9")


def test_ipv4_clients_of_an_ipv6_socket_have_separate_keys() -> None:
    assert Origin("::ffff:9.9.9.9", "http", "a").rate_limit_key == "9.9.9.9"
    assert Origin("::ffff:9.9.9.8", "http", "a").rate_limit_key == "9.9.9.8"


def test_trusted_ipv4_proxy_is_trusted_on_an_ipv6_socket() -> None:
    sent = {b"host": b"a", b"x-forwarded-for": b"::ffff:1.2.3.4"}
    assert TrustedProxies(TRUSTED).origin_of("::ffff:10.0.0.1", "http", sent).address == "1.2.3.4"


def test_forwarding_headers_of_an_untrusted_peer_are_ignored() -> None:
    sent = {b"host": b"a", b"x-forwarded-for": b"1.2.3.4", b"x-forwarded-proto": b"https"}
    assert TrustedProxies(TRUSTED).origin_of("9.9.9.9", "http", sent) == Origin("9.9.9.9", "http", "a")


@pytest.mark.parametrize(
    ("forwarded_for", "address"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4, 10.1.1.1", "1.2.3.4"),
        ("10.2.2.2", "10.2.2.2"),
        ("1.2.3.4, nonsense", "10.0.0.1"),
        ("", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_client_address_is_the_last_untrusted_one(forwarded_for: str, address: str) -> None:
    sent = {b"host": b"a", b"x-forwarded-for": forwarded_for.encode()}
    assert TrustedProxies(TRUSTED).origin_of("10.0.0.1", "http", sent).address == address


def test_trusted_proxy_sets_scheme_and_host() -> None:
    sent = {b"host": b"a", b"x-forwarded-proto": b"https", b"x-forwarded-host": b"farebox.example"}
    assert TrustedProxies(TRUSTED).origin_of("10.0.0.1", "http", sent) == Origin(
        "10.0.0.1", "https", "farebox.example"
    )


def test_unknown_forwarded_scheme_is_ignored() -> None:
    sent = {b"host": b"a", b"x-forwarded-proto": b"javascript"}
    assert TrustedProxies(TRUSTED).origin_of("10.0.0.1", "http", sent).scheme == "http"


def test_addresses_of_one_ipv6_network_share_a_rate_limit_key() -> None:
    one, other = Origin("2001:db8:1:2::1", "http", "a"), Origin("2001:db8:1:2:ffff::9", "http", "a")
    assert one.rate_limit_key == other.rate_limit_key
    assert one.rate_limit_key != Origin("2001:db8:1:3::1", "http", "a").rate_limit_key
