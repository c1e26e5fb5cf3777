"""Rate limiter and its policies, with a fake clock."""

import contextlib

import pytest

from gateway.admission.rate_limiter import DEFAULTS, Policy, RateLimiter, describe_policies, parse_policies
from gateway.errors import TooManyRequests
from gateway.routing import LimitClass

LOGIN = LimitClass.LOGIN


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limiter(clock: Clock, quota: int = 4, window: float = 8, max_buckets: int = 1000) -> RateLimiter:
    return RateLimiter({LOGIN: Policy("login", quota, window)}, clock, max_buckets)


def test_full_bucket_allows_its_quota_at_once_and_no_more(clock: Clock) -> None:
    limits = limiter(clock)
    remaining = [dict(limits.take(LOGIN, "a"))[b"ratelimit"] for _ in range(4)]
    assert remaining == [b'"login";r=3;t=2', b'"login";r=2;t=4', b'"login";r=1;t=6', b'"login";r=0;t=8']
    with pytest.raises(TooManyRequests):
        limits.take(LOGIN, "a")


def test_refused_request_succeeds_after_retry_after(clock: Clock) -> None:
    limits = limiter(clock)
    for _ in range(4):
        limits.take(LOGIN, "a")
    with pytest.raises(TooManyRequests) as refused:
        limits.take(LOGIN, "a")
    assert refused.value.headers["Retry-After"] == "2"
    assert refused.value.headers["ratelimit-policy"] == '"login";q=4;w=8'
    clock.now += 2
    limits.take(LOGIN, "a")


def test_bucket_refills_evenly(clock: Clock) -> None:
    limits, allowed = limiter(clock), 0
    for _ in range(1000):
        clock.now += 0.1
        try:
            limits.take(LOGIN, "a")
            allowed += 1
        except TooManyRequests:
            continue
    assert allowed == 4 + 100 // 2 - 1


def test_refused_requests_are_not_counted(clock: Clock) -> None:
    limits = limiter(clock)
    for _ in range(50):
        try:
            limits.take(LOGIN, "a")
        except TooManyRequests:
            continue
    clock.now += 2
    limits.take(LOGIN, "a")


def test_each_caller_has_its_own_bucket(clock: Clock) -> None:
    limits = limiter(clock, quota=1)
    limits.take(LOGIN, "a")
    limits.take(LOGIN, "b")
    limits.take(LOGIN, 7)
    with pytest.raises(TooManyRequests):
        limits.take(LOGIN, "a")


def test_class_without_policy_is_not_limited(clock: Clock) -> None:
    assert limiter(clock).take(LimitClass.PREDICT, "a") == []


def test_number_of_buckets_is_bounded_and_busy_one_is_not_evicted(clock: Clock) -> None:
    limits = limiter(clock, quota=2, max_buckets=10)
    for address in range(500):
        clock.now += 0.001
        if address % 5 == 0:
            with contextlib.suppress(TooManyRequests):
                limits.take(LOGIN, "busy")
        limits.take(LOGIN, address)
    assert limits.bucket_count <= 10
    with pytest.raises(TooManyRequests):
        limits.take(LOGIN, "busy")


def test_full_bucket_takes_no_memory(clock: Clock) -> None:
    limits = limiter(clock, quota=2, window=8)
    limits.take(LOGIN, "a")
    assert limits.bucket_count == 1
    clock.now += 4
    assert limits.bucket_count == 0


def test_off_disables_every_limit() -> None:
    assert parse_policies("off") == {}


def test_default_limits_every_class_and_login_most_strictly() -> None:
    policies = parse_policies("default")
    assert set(policies) == set(LimitClass) == set(DEFAULTS)
    assert min(policies.values(), key=lambda policy: policy.quota / policy.window).name in (
        "login",
        "password",
    )


def test_setting_changes_one_class_and_disables_another() -> None:
    policies = parse_policies("login=30/60, predict=off")
    assert policies[LOGIN] == Policy("login", 30, 60)
    assert LimitClass.PREDICT not in policies
    assert policies[LimitClass.TRAIN] == parse_policies("default")[LimitClass.TRAIN]


@pytest.mark.parametrize(
    "text",
    ["on", "", "login", "login=", "login=10", "login=0/60", "login=1/0", "login=-1/5", "login=٥/٦", "x=1/1"],
)
def test_invalid_setting_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be|unknown class"):
        parse_policies(text)


def test_described_policies_have_requests_and_seconds() -> None:
    assert describe_policies(parse_policies("default"))["login"] == {"requests": 10, "seconds": 60}
