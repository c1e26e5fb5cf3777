"""Trust store: polls its source and keeps every revocation."""

import asyncio
import time

import pytest

from kit.background import background_tasks
from kit.trust_store import Revocation, TrustStore, TrustUpdate


class ScriptedSource:
    """Returns or raises each item of the script once, then reports no changes."""

    def __init__(self, *script: TrustUpdate | Exception) -> None:
        self._script = list(script)
        self.requested_since: list[int] = []
        self.exhausted = asyncio.Event()

    async def updates(self, since: int) -> TrustUpdate:
        self.requested_since.append(since)
        if not self._script:
            self.exhausted.set()
            return TrustUpdate(cursor=since)
        update = self._script.pop(0)
        if isinstance(update, Exception):
            raise update
        return update


async def follow_to_the_end(trust: TrustStore, source: ScriptedSource) -> None:
    async with background_tasks(trust.follow(source, seconds=0)):
        await asyncio.wait_for(source.exhausted.wait(), 5)


async def test_each_poll_requests_updates_after_the_last_cursor() -> None:
    source = ScriptedSource(TrustUpdate(cursor=4), TrustUpdate(cursor=9))
    await follow_to_the_end(TrustStore(), source)
    assert source.requested_since[:3] == [0, 4, 9]


async def test_failed_poll_keeps_revocations_and_is_retried() -> None:
    trust = TrustStore()
    revoked = TrustUpdate(cursor=4, revocations=[Revocation(user_id=7, generation=2)])
    source = ScriptedSource(revoked, ConnectionRefusedError(), ValueError("no JSON"), TrustUpdate(cursor=5))
    await follow_to_the_end(trust, source)
    assert source.requested_since[:5] == [0, 4, 4, 4, 5]
    assert trust.is_revoked(7, 1, None, None)


def test_repeated_older_generation_does_not_lower_the_known_one() -> None:
    trust = TrustStore()
    for generation in (3, 2):
        trust.apply(TrustUpdate(cursor=1, revocations=[Revocation(user_id=7, generation=generation)]))
    assert trust.is_revoked(7, 2, None, None)
    assert not trust.is_revoked(7, 3, None, None)


def test_revocation_leaves_other_users_tokens_valid() -> None:
    trust = TrustStore()
    trust.apply(TrustUpdate(cursor=1, revocations=[Revocation(user_id=7, generation=3)]))
    assert not trust.is_revoked(8, 0, "session", 1)


@pytest.mark.parametrize(
    ("revocation", "hours"), [(Revocation(session_id="session"), 25), (Revocation(api_key_id=5), 1)]
)
def test_revocation_is_forgotten_once_its_tokens_have_expired(
    monkeypatch: pytest.MonkeyPatch, revocation: Revocation, hours: int
) -> None:
    trust, now = TrustStore(), time.monotonic()
    trust.apply(TrustUpdate(cursor=1, revocations=[revocation]))
    for seconds, is_revoked in ((hours * 3600 - 60, True), (hours * 3600 + 60, False)):
        monkeypatch.setattr(time, "monotonic", lambda seconds=seconds: now + seconds)
        trust.apply(TrustUpdate(cursor=2))
        assert trust.is_revoked(7, 0, revocation.session_id, revocation.api_key_id) is is_revoked
