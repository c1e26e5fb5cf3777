"""Faults of the gateway: claims that pass, limits and timers that are off, requests that are sent twice."""

from tests.planted.fault import Fault

GATEWAY = "gateway/src/gateway"
UNIT, INTEGRATION = "tests/unit/gateway", "tests/integration/gateway"

GATEWAY_FAULTS = [
    Fault(
        "identity-header-forwarded",
        f"{GATEWAY}/forwarding/headers.py",
        "        or name.startswith(IDENTITY_PREFIXES)\n",
        "",
        f"{UNIT}/test_headers.py::test_hop_by_hop_and_identity_headers_are_removed",
    ),
    Fault(
        "header-with-underscores-forwarded",
        f"{GATEWAY}/forwarding/headers.py",
        '        or b"_" in name\n',
        "",
        f"{UNIT}/test_headers.py::test_hop_by_hop_and_identity_headers_are_removed",
    ),
    Fault(
        "forwarded-address-of-anybody-trusted",
        f"{GATEWAY}/admission/trusted_proxies.py",
        "        if not self._networks or not self._is_trusted(peer):\n",
        "        if not self._networks:\n",
        f"{UNIT}/test_trusted_proxies.py::test_forwarding_headers_of_an_untrusted_peer_are_ignored",
    ),
    Fault(
        "token-not-verified",
        f"{GATEWAY}/admission/gate.py",
        "        if route.access is not Access.PUBLIC:\n",
        "        if False:\n",
        f"{INTEGRATION}/test_forwarding.py::test_invalid_credential_is_401_and_reaches_no_service",
    ),
    Fault(
        "host-unchecked",
        f"{GATEWAY}/admission/framing.py",
        "    elif len(host) > LONGEST_HOST or not is_valid_host(host):\n",
        "    elif len(host) > LONGEST_HOST:\n",
        f"{UNIT}/test_headers.py::test_ambiguous_framing_is_refused",
    ),
    Fault(
        "two-lengths-accepted",
        f"{GATEWAY}/admission/framing.py",
        '    if b"content-length" in headers:\n        raise Malformed("Send Content-Length or',
        '    if False:\n        raise Malformed("Send Content-Length or',
        f"{UNIT}/test_headers.py::test_ambiguous_framing_is_refused",
    ),
    Fault(
        "requests-in-flight-unlimited",
        f"{GATEWAY}/admission/gate.py",
        "        if count >= self.limit:\n",
        "        if False:\n",
        f"{UNIT}/test_body.py::test_concurrency_limiter_counts_each_caller_and_forgets_them",
    ),
    Fault(
        "requests-in-flight-not-counted",
        f"{GATEWAY}/admission/gate.py",
        "            request.enter(self.open_streams if route.is_stream else self.in_flight, key)\n",
        "",
        f"{INTEGRATION}/test_concurrency.py"
        "::test_request_beyond_the_limit_in_flight_is_refused_until_one_ends",
    ),
    Fault(
        "rate-unlimited",
        f"{GATEWAY}/admission/rate_limiter.py",
        "    if room < -1e-9:\n",
        "    if False:\n",
        f"{UNIT}/test_rate_limiter.py::test_full_bucket_allows_its_quota_at_once_and_no_more",
    ),
    Fault(
        "silence-in-a-body-unlimited",
        f"{GATEWAY}/admission/body.py",
        "        return waiting > self._credit or self._waited + waiting > self._pace.seconds\n",
        "        return False\n",
        f"{INTEGRATION}/test_bodies.py::test_client_that_stops_sending_is_request_too_slow[small body]",
    ),
    Fault(
        "silence-in-a-head-unlimited",
        f"{GATEWAY}/http_protocol.py",
        "        if not self._has_begun:\n            self._stop_timer()\n",
        "        if False:\n            self._stop_timer()\n",
        f"{INTEGRATION}/test_timers.py::test_second_head_on_a_connection_has_its_time_too",
    ),
    Fault(
        "body-of-any-length",
        f"{GATEWAY}/admission/body.py",
        "        if self._received > self.limit:\n",
        "        if False:\n",
        f"{INTEGRATION}/test_streaming.py::test_body_of_unknown_length_is_413_at_the_limit",
    ),
    Fault(
        "lost-post-sent-again",
        f"{GATEWAY}/forwarding/upstream.py",
        "            if request.method not in IDEMPOTENT or not isinstance(request.body, bytes):\n",
        "            if not isinstance(request.body, bytes):\n",
        f"{INTEGRATION}/test_failures.py::test_post_lost_on_a_reused_connection_is_not_retried",
    ),
    Fault(
        "deadline-of-the-client-forwarded",
        f"{GATEWAY}/forwarding/proxy.py",
        "        *admitted.route.deadline_headers,\n",
        "",
        f"{INTEGRATION}/test_forwarding.py::test_deadline_of_the_route_replaces_the_clients",
    ),
]
