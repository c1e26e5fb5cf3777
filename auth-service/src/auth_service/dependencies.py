"""What endpoints are given. One transaction a request, committed before the answer leaves."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.access_tokens.service import AccessTokens
from auth_service.after_commit import AfterCommit
from auth_service.api_keys.service import ApiKeyService
from auth_service.container import Parts, Services
from auth_service.first_answers import Answer, Attempt, FirstAnswers
from auth_service.passwords.hashing import PasswordHasher
from auth_service.passwords.service import PasswordCheck
from auth_service.sessions.service import SessionService
from auth_service.tokens.revocations import DatabaseTrustSource
from auth_service.users.service import UserService
from kit.idempotency import REPLAYED, IdempotencyKey


def find_parts(request: Request) -> Parts:
    parts: Parts = request.app.state.container
    return parts


FoundParts = Annotated[Parts, Depends(find_parts)]


async def follow_commit() -> AsyncIterator[AfterCommit]:
    after_commit = AfterCommit()
    yield after_commit
    await after_commit.run()


FollowedCommit = Annotated[AfterCommit, Depends(follow_commit, scope="function")]


# It asks for the follow-up, so that the follow-up is begun before it and runs after its commit.
async def open_transaction(parts: FoundParts, _follow_up: FollowedCommit) -> AsyncIterator[AsyncSession]:
    async with parts.database.transaction() as session:
        yield session


Transaction = Annotated[AsyncSession, Depends(open_transaction, scope="function")]


def open_services(parts: FoundParts, session: Transaction, after_commit: FollowedCommit) -> Services:
    return Services(parts, session, after_commit)


OpenServices = Annotated[Services, Depends(open_services)]


def give_users(services: OpenServices) -> UserService:
    return services.users


def give_sessions(services: OpenServices) -> SessionService:
    return services.sessions


def give_api_keys(services: OpenServices) -> ApiKeyService:
    return services.api_keys


def give_access_tokens(services: OpenServices) -> AccessTokens:
    return services.access_tokens


@dataclass(frozen=True)
class Once:
    """Has work done once for the request's Idempotency-Key, and marks an answer that was given before."""

    answers: FirstAnswers
    key: str | None
    response: Response

    async def do(self, scope: str, order: object, work: Callable[[], Awaitable[Answer]]) -> Answer:
        outcome = await self.answers.once(Attempt(scope, self.key, order), work)
        if outcome.replayed:
            self.response.headers.update(REPLAYED)
        return outcome.answer


def give_once(services: OpenServices, response: Response, key: IdempotencyKey = None) -> Once:
    return Once(services.first_answers, key, response)


def give_trust(parts: FoundParts) -> DatabaseTrustSource:
    return parts.trust_source


def give_hasher(parts: FoundParts) -> PasswordHasher:
    return parts.hasher


def give_password_check(parts: FoundParts) -> PasswordCheck:
    return parts.password_check


Users = Annotated[UserService, Depends(give_users)]
Sessions = Annotated[SessionService, Depends(give_sessions)]
ApiKeys = Annotated[ApiKeyService, Depends(give_api_keys)]
Tokens = Annotated[AccessTokens, Depends(give_access_tokens)]
OncePerKey = Annotated[Once, Depends(give_once)]
TrustFeed = Annotated[DatabaseTrustSource, Depends(give_trust)]
Hasher = Annotated[PasswordHasher, Depends(give_hasher)]
Passwords = Annotated[PasswordCheck, Depends(give_password_check)]
