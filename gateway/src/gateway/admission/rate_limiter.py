"""Counts requests in memory, for this replica alone: as many replicas, as many times the figure."""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from gateway.admission.rates import LimitClass, Policies, Policy
from gateway.errors import TooManyRequests

Headers = list[tuple[bytes, bytes]]
MOST_BUCKETS = 100_000
FORGOTTEN_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    allowed: bool
    remaining: int
    wait: float


def judge(policy: Policy, full_again: float, now: float) -> tuple[Verdict, float]:
    """Take one from a bucket that is full again at `full_again`; returns the bucket's new time too.

    A bucket is one number (the generic cell rate algorithm): a request moves the time at which it is full
    again by one interval, and is refused when that time would lie further ahead than the window.
    """
    after = max(full_again, now) + policy.interval
    room = policy.window - (after - now)
    if room < -1e-9:
        return Verdict(False, 0, -room), full_again
    return Verdict(True, math.floor(room / policy.interval + 1e-9), after - now), after


class RateLimiter:
    """Refuses what comes too often, and says on every limited answer how much is left."""

    def __init__(self, policies: Policies, clock: Callable[[], float], most: int = MOST_BUCKETS) -> None:
        self._policies, self._clock, self._most = policies, clock, most
        self._full_again: OrderedDict[tuple[str, object], float] = OrderedDict()

    @property
    def known(self) -> int:
        """How many buckets are remembered."""
        return len(self._full_again)

    def take(self, limit: LimitClass, whom: object) -> Headers:
        """Count one request; the headers that its answer carries. Raises TooManyRequests."""
        policy = self._policies.get(limit)
        if policy is None:
            return []
        now, key = self._clock(), (policy.name, whom)
        verdict, full_again = judge(policy, self._full_again.get(key, now), now)
        headers = _headers_of(policy, verdict)
        self._full_again[key] = full_again
        self._full_again.move_to_end(key)
        if not verdict.allowed:
            raise TooManyRequests(max(1, math.ceil(verdict.wait)), headers)
        if len(self._full_again) > self._most:
            self._forget(now)
        return headers

    def _forget(self, now: float) -> None:
        """Drop full buckets, which say nothing, from the least recently used; at least one goes."""
        self._full_again.popitem(last=False)
        for _ in range(FORGOTTEN_AT_ONCE):
            key, full_again = next(iter(self._full_again.items()))
            if full_again > now:
                return
            del self._full_again[key]


def _headers_of(policy: Policy, verdict: Verdict) -> Headers:
    # draft-ietf-httpapi-ratelimit-headers-10: structured lists, quota and window, remaining and reset.
    left = f'"{policy.name}";r={verdict.remaining};t={math.ceil(verdict.wait)}'
    return [(b"ratelimit-policy", policy.header), (b"ratelimit", left.encode())]
