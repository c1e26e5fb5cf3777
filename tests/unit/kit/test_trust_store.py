import asyncio

from kit.background import running
from kit.trust_store import Revocation, Trust, TrustNews


class Bulletin:
    """Tells what it was given, once each; an error in the list is raised."""

    def __init__(self, *news: TrustNews | Exception) -> None:
        self._news = list(news)
        self.asked_since: list[int] = []
        self.all_told = asyncio.Event()

    async def news(self, since: int) -> TrustNews:
        self.asked_since.append(since)
        if not self._news:
            self.all_told.set()
            return TrustNews(cursor=since)
        told = self._news.pop(0)
        if isinstance(told, Exception):
            raise told
        return told


async def follow_to_the_end(trust: Trust, bulletin: Bulletin) -> None:
    async with running(trust.follow(bulletin, every=0)):
        await asyncio.wait_for(bulletin.all_told.wait(), 5)


async def test_each_poll_asks_for_what_came_after_the_last() -> None:
    bulletin = Bulletin(TrustNews(cursor=4), TrustNews(cursor=9))
    await follow_to_the_end(Trust(), bulletin)
    assert bulletin.asked_since[:3] == [0, 4, 9]


async def test_a_failed_poll_keeps_what_was_heard_and_asks_again() -> None:
    trust = Trust()
    revoked = TrustNews(cursor=4, revocations=[Revocation(user_id=7, generation=2)])
    bulletin = Bulletin(revoked, ConnectionRefusedError(), ValueError("no JSON"), TrustNews(cursor=5))
    await follow_to_the_end(trust, bulletin)
    assert bulletin.asked_since[:5] == [0, 4, 4, 4, 5]
    assert trust.is_revoked(7, 1, None, None)


def test_a_repeated_older_generation_takes_nothing_back() -> None:
    trust = Trust()
    for generation in (3, 2):
        trust.learn(TrustNews(cursor=1, revocations=[Revocation(user_id=7, generation=generation)]))
    assert trust.is_revoked(7, 2, None, None)
    assert not trust.is_revoked(7, 3, None, None)


def test_another_users_tokens_live_on() -> None:
    trust = Trust()
    trust.learn(TrustNews(cursor=1, revocations=[Revocation(user_id=7, generation=3)]))
    assert not trust.is_revoked(8, 0, "session", 1)
