"""Who is believed about where a request came from."""

from ipaddress import ip_network

import pytest

from gateway.admission.trusted_proxies import Origin, Origins

OURS = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def test_forwarding_headers_are_not_believed_unless_proxies_are_named() -> None:
    sent = {"host": "a", "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https", "x-forwarded-host": "b"}
    assert Origins(()).origin_of("10.0.0.1", "http", sent) == Origin("10.0.0.1", "http", "a")


def test_a_stranger_is_not_believed_where_proxies_are_named() -> None:
    sent = {"host": "a", "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https"}
    assert Origins(OURS).origin_of("9.9.9.9", "http", sent) == Origin("9.9.9.9", "http", "a")


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
def test_the_address_is_the_last_one_that_is_not_a_proxy_of_ours(forwarded_for: str, address: str) -> None:
    sent = {"host": "a", "x-forwarded-for": forwarded_for}
    assert Origins(OURS).origin_of("10.0.0.1", "http", sent).address == address


def test_a_proxy_of_ours_says_the_scheme_and_the_host() -> None:
    sent = {"host": "a", "x-forwarded-proto": "https", "x-forwarded-host": "farebox.example"}
    assert Origins(OURS).origin_of("10.0.0.1", "http", sent) == Origin("10.0.0.1", "https", "farebox.example")


def test_a_scheme_that_is_none_is_ignored() -> None:
    sent = {"host": "a", "x-forwarded-proto": "javascript"}
    assert Origins(OURS).origin_of("10.0.0.1", "http", sent).scheme == "http"


def test_all_addresses_of_one_ipv6_network_count_as_one() -> None:
    one, other = Origin("2001:db8:1:2::1", "http", "a"), Origin("2001:db8:1:2:ffff::9", "http", "a")
    assert one.counted_as == other.counted_as
    assert one.counted_as != Origin("2001:db8:1:3::1", "http", "a").counted_as
