"""Faults of authentication: tokens, keys and passwords that are accepted although they must not be."""

from tests.planted.fault import Fault

VERIFICATION = "kit/src/kit/authentication.py"
SESSIONS = "auth-service/src/auth_service/sessions/service.py"
TOKENS = "tests/unit/kit/test_identity.py"
AUTH = "tests/integration/auth"

IDENTITY = [
    Fault(
        "unsigned-token-accepted",
        VERIFICATION,
        'options={"require": REQUIRED_CLAIMS, "verify_iat": False},\n',
        'options={"require": REQUIRED_CLAIMS, "verify_iat": False,'
        ' "verify_signature": jwt.get_unverified_header(token)["alg"] != "none"},\n',
        f"{TOKENS}::test_invalid_token_is_refused",
    ),
    Fault(
        "padded-token-accepted",
        VERIFICATION,
        "if len(token) > LONGEST_TOKEN or COMPACT_TOKEN.fullmatch(token) is None:\n",
        "if len(token) > LONGEST_TOKEN:\n",
        f"{TOKENS}::test_invalid_token_is_refused",
    ),
    Fault(
        "expiry-unchecked",
        VERIFICATION,
        "        if caller.expires_at <= time.time():\n",
        "        if False:\n",
        f"{TOKENS}::test_cached_token_expires",
    ),
    Fault(
        "lifetime-unbounded",
        VERIFICATION,
        " or expires_at - issued_at > LONGEST_LIFETIME_SECONDS:\n",
        ":\n",
        f"{TOKENS}::test_invalid_token_is_refused",
    ),
    Fault(
        "revoked-user-accepted",
        "kit/src/kit/trust_store.py",
        "            generation < self._generations.get(user_id, 0)\n            or session_id",
        "            session_id",
        f"{TOKENS}::test_cached_token_is_refused_once_revoked",
    ),
    Fault(
        "revoked-api-key-accepted",
        "kit/src/kit/trust_store.py",
        "            or api_key_id in self._revoked_api_keys\n",
        "",
        f"{TOKENS}::test_token_of_a_revoked_api_key_is_refused",
    ),
    Fault(
        "scope-unchecked",
        VERIFICATION,
        "    if caller.api_key is None or scope in caller.api_key.scopes:\n",
        "    if caller.api_key is None or scope is not None:\n",
        f"{TOKENS}::test_token_opens_routes_of_its_scopes_and_role_only",
    ),
    Fault(
        "api-key-with-rights-of-an-administrator",
        "kit/src/kit/identity.py",
        '        return self.role == "admin" and self.api_key is None\n',
        '        return self.role == "admin"\n',
        "tests/integration/billing/test_statements.py"
        "::TestReceipts::test_api_key_of_administrator_sees_own_receipts_only",
    ),
    Fault(
        "token-for-another-service-accepted",
        "kit/src/kit/service_tokens.py",
        'options={"require": ["exp", "aud", "iss", "sub"], "verify_iat": False},\n',
        'options={"require": ["exp", "aud", "iss", "sub"], "verify_iat": False, "verify_aud": False},\n',
        "tests/unit/kit/test_service_tokens.py::test_service_token_for_another_audience_is_refused",
    ),
    Fault(
        "id-in-another-spelling",
        "kit/src/kit/fields.py",
        "Path(ge=1, le=LARGEST_ID), BeforeValidator(check_decimal_id)]\n",
        "Path(ge=1, le=LARGEST_ID)]\n",
        f"{AUTH}/test_every_route.py::test_only_a_decimal_number_is_an_id_in_a_path",
    ),
    Fault(
        "refresh-token-used-twice",
        SESSIONS,
        'return "repeat" if is_recent and token.by_same_client and token.successor_is_unused else "reused"\n',
        'return "repeat"\n',
        "tests/unit/auth/test_rules.py::test_verdict_depends_on_earlier_uses",
    ),
    Fault(
        "stolen-session-continues",
        SESSIONS,
        '            if verdict == "reused":\n',
        "            if False:\n",
        f"{AUTH}/test_sessions.py::test_reuse_of_a_refresh_token_ends_the_whole_session",
    ),
    Fault(
        "failed-logins-not-counted",
        "auth-service/src/auth_service/passwords/repository.py",
        ".values(failures=row.failures + 1, running",
        ".values(failures=row.failures, running",
        f"{AUTH}/test_login_delay.py::test_sixth_failed_attempt_is_429_with_retry_after",
    ),
    Fault(
        "parallel-guesses-free",
        "auth-service/src/auth_service/passwords/repository.py",
        "                    or_(running == 0, row.failures + running < free_failures),\n",
        "",
        f"{AUTH}/test_login_delay.py::test_concurrent_guesses_get_no_more_attempts_than_sequential_ones",
    ),
]
