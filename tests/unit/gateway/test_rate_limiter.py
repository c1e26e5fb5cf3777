"""The arithmetic of the limits, on a clock that the test holds."""

import contextlib

import pytest

from gateway.admission.rate_limiter import RateLimiter
from gateway.admission.rates import DEFAULTS, LimitClass, Policy, describe, read_policies
from gateway.errors import TooManyRequests

LOGIN = LimitClass.LOGIN


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limiter(clock: Clock, quota: int = 4, window: float = 8, most: int = 1000) -> RateLimiter:
    return RateLimiter({LOGIN: Policy("login", quota, window)}, clock, most)


def test_a_full_bucket_allows_its_quota_at_once_and_no_more(clock: Clock) -> None:
    limits = limiter(clock)
    remaining = [dict(limits.take(LOGIN, "a"))[b"ratelimit"] for _ in range(4)]
    assert remaining == [b'"login";r=3;t=2', b'"login";r=2;t=4', b'"login";r=1;t=6', b'"login";r=0;t=8']
    with pytest.raises(TooManyRequests):
        limits.take(LOGIN, "a")


def test_a_refusal_says_when_to_come_back_and_then_it_works(clock: Clock) -> None:
    limits = limiter(clock)
    for _ in range(4):
        limits.take(LOGIN, "a")
    with pytest.raises(TooManyRequests) as refused:
        limits.take(LOGIN, "a")
    assert refused.value.headers["Retry-After"] == "2"
    assert refused.value.headers["ratelimit-policy"] == '"login";q=4;w=8'
    clock.now += 2
    limits.take(LOGIN, "a")


def test_a_bucket_refills_evenly(clock: Clock) -> None:
    limits, allowed = limiter(clock), 0
    for _ in range(1000):
        clock.now += 0.1
        try:
            limits.take(LOGIN, "a")
            allowed += 1
        except TooManyRequests:
            continue
    assert allowed == 4 + 100 // 2 - 1


def test_refused_requests_cost_nothing(clock: Clock) -> None:
    limits = limiter(clock)
    for _ in range(50):
        try:
            limits.take(LOGIN, "a")
        except TooManyRequests:
            continue
    clock.now += 2
    limits.take(LOGIN, "a")


def test_everybody_has_a_bucket_of_their_own(clock: Clock) -> None:
    limits = limiter(clock, quota=1)
    limits.take(LOGIN, "a")
    limits.take(LOGIN, "b")
    limits.take(LOGIN, 7)
    with pytest.raises(TooManyRequests):
        limits.take(LOGIN, "a")


def test_a_class_without_a_policy_is_not_limited(clock: Clock) -> None:
    assert limiter(clock).take(LimitClass.PREDICT, "a") == []


def test_memory_is_bounded_and_the_busiest_is_not_forgotten(clock: Clock) -> None:
    limits = limiter(clock, quota=2, most=10)
    for stranger in range(500):
        clock.now += 0.001
        if stranger % 5 == 0:
            with contextlib.suppress(TooManyRequests):
                limits.take(LOGIN, "busy")
        limits.take(LOGIN, stranger)
    assert limits.known <= 11
    with pytest.raises(TooManyRequests):
        limits.take(LOGIN, "busy")


def test_off_limits_nothing() -> None:
    assert read_policies("off") == {}


def test_default_limits_every_class_and_login_most_strictly() -> None:
    policies = read_policies("default")
    assert set(policies) == set(LimitClass) == set(DEFAULTS)
    assert min(policies.values(), key=lambda each: each.quota / each.window).name in ("login", "password")


def test_a_class_can_be_changed_and_another_switched_off() -> None:
    policies = read_policies("login=30/60, predict=off")
    assert policies[LOGIN] == Policy("login", 30, 60)
    assert LimitClass.PREDICT not in policies
    assert policies[LimitClass.TRAIN] == read_policies("default")[LimitClass.TRAIN]


@pytest.mark.parametrize(
    "text", ["on", "", "login", "login=", "login=10", "login=0/60", "login=1/0", "login=-1/5", "x=1/1"]
)
def test_a_setting_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"takes|knows"):
        read_policies(text)


def test_the_published_table_names_requests_and_seconds() -> None:
    assert describe(read_policies("default"))["login"] == {"requests": 10, "seconds": 60}
