"""Rate limiter: a token bucket per caller and class of routes, in this process's memory.

Replicas do not share buckets, so N replicas allow up to N times the limits.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from gateway.errors import TooManyRequests
from gateway.routing import LimitClass

Headers = list[tuple[bytes, bytes]]
MAX_BUCKETS = 100_000

# Requests and seconds. Authenticated callers are counted by user, others by address.
DEFAULTS: dict[LimitClass, tuple[int, int]] = {
    LimitClass.LOGIN: (10, 60),
    LimitClass.SIGN_UP: (20, 60),
    LimitClass.PASSWORD: (10, 60),
    LimitClass.REFRESH: (60, 60),
    LimitClass.API_KEY: (60, 60),
    # Counted by address. Generous, since the tokens of a whole class behind one address may expire together.
    LimitClass.INVALID_TOKEN: (600, 60),
    LimitClass.PURCHASE: (30, 60),
    LimitClass.JOIN: (10, 60),
    LimitClass.UPLOAD: (60, 60),
    LimitClass.TRAIN: (60, 60),
    LimitClass.PREDICT: (200, 2),
    # Each reads all that three services know about a user.
    LimitClass.EXPORT: (10, 60),
    LimitClass.GENERAL: (300, 10),
    LimitClass.PAGE: (300, 10),
}


@dataclass(frozen=True)
class Policy:
    """A bucket of `quota` requests that refills evenly within `window` seconds."""

    name: str
    quota: int
    window: float

    @cached_property
    def interval(self) -> float:
        return self.window / self.quota

    @cached_property
    def item(self) -> bytes:
        return f'"{self.name}"'.encode()

    @cached_property
    def header(self) -> tuple[bytes, bytes]:
        return (b"ratelimit-policy", b"%b;q=%d;w=%d" % (self.item, self.quota, math.ceil(self.window)))


Policies = dict[LimitClass, Policy]
# The time at which each caller's bucket will be full, least recently used first.
Buckets = OrderedDict[object, float]


class RateLimiter:
    """Refuses requests beyond a policy; every limited response states the remaining quota."""

    def __init__(
        self, policies: Policies, clock: Callable[[], float] = time.monotonic, max_buckets: int = MAX_BUCKETS
    ) -> None:
        self._clock, self._max_buckets = clock, max_buckets
        self._buckets = {limit: (policy, Buckets()) for limit, policy in policies.items()}

    @property
    def bucket_count(self) -> int:
        now = self._clock()
        for _, buckets in self._buckets.values():
            self._evict(buckets, now)
        return sum(len(buckets) for _, buckets in self._buckets.values())

    def take(self, limit: LimitClass, key: object) -> Headers:
        """Count one request, and return the headers for its response; raises TooManyRequests."""
        limited = self._buckets.get(limit)
        if limited is None:
            return []
        policy, buckets = limited
        now = self._clock()
        verdict, buckets[key] = decide(policy, buckets.get(key, now), now)
        buckets.move_to_end(key)
        self._evict(buckets, now)
        headers = _headers_of(policy, verdict)
        if not verdict.allowed:
            raise TooManyRequests(max(1, math.ceil(verdict.wait)), headers)
        return headers

    def _evict(self, buckets: Buckets, now: float) -> None:
        """Forget full buckets, which are as good as new ones, and above the bound the least recently used.

        That one is refilled early. An attacker would have to use 100,000 other buckets for it, each with a
        quota of its own.
        """
        while buckets and (next(iter(buckets.values())) <= now or len(buckets) > self._max_buckets):
            buckets.popitem(last=False)


class Verdict(NamedTuple):
    allowed: bool
    remaining: int
    wait: float


def decide(policy: Policy, full_at: float, now: float) -> tuple[Verdict, float]:
    """Take one request from a bucket that will be full at `full_at`; returns the new `full_at`, too.

    Generic cell rate algorithm (GCRA): a bucket is one number, the time at which it will be full. A request
    moves that time by one interval, and is refused when it would be further ahead than the window.
    """
    after = max(full_at, now) + policy.interval
    room = policy.window - (after - now)
    if room < -1e-9:
        return Verdict(False, 0, -room), full_at
    return Verdict(True, math.floor(room / policy.interval + 1e-9), after - now), after


def _headers_of(policy: Policy, verdict: Verdict) -> Headers:
    # draft-ietf-httpapi-ratelimit-headers-10: structured lists, quota and window, remaining and reset.
    remaining = b"%b;r=%d;t=%d" % (policy.item, verdict.remaining, math.ceil(verdict.wait))
    return [policy.header, (b"ratelimit", remaining)]


def parse_policies(text: str) -> Policies:
    """`off`, `default`, or changes to the default such as `login=30/60,predict=off`; raises ValueError."""
    if text == "off":
        return {}
    policies = {limit: Policy(limit, quota, window) for limit, (quota, window) in DEFAULTS.items()}
    for change in [] if text == "default" else text.split(","):
        name, _, figures = change.strip().partition("=")
        if name not in list(LimitClass):
            raise ValueError(f"names an unknown class; the classes are {', '.join(LimitClass)}")
        policies.pop(LimitClass(name), None)
        if figures != "off":
            policies[LimitClass(name)] = Policy(name, *_parse_figures(figures))
    return policies


def _parse_figures(text: str) -> tuple[int, int]:
    quota, _, window = text.partition("/")
    if not (text.isascii() and quota.isdecimal() and window.isdecimal() and int(quota) and int(window)):
        raise ValueError("must be off, default, or class=requests/seconds separated by commas")
    return int(quota), int(window)


def describe_policies(policies: Policies) -> dict[str, dict[Literal["requests", "seconds"], float]]:
    """The rates in the response of GET /v1/limits."""
    return {policy.name: {"requests": policy.quota, "seconds": policy.window} for policy in policies.values()}
