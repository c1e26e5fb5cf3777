"""What lives as long as the process, and the services that each request is given, put together from it."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.access_tokens.service import AccessTokens
from auth_service.after_commit import AfterCommit
from auth_service.api_keys.repository import ApiKeyRepository
from auth_service.api_keys.service import ApiKeyService
from auth_service.first_answers import FirstAnswers
from auth_service.idempotency.repository import FirstAnswerRepository
from auth_service.passwords.hashing import PasswordHasher
from auth_service.passwords.service import PasswordCheck
from auth_service.revocations.repository import RevocationRepository
from auth_service.secrets.service import RootSecret
from auth_service.sessions.repository import SessionRepository
from auth_service.sessions.service import SessionService, SessionStores
from auth_service.settings import AuthSettings
from auth_service.tokens.repository import SigningKeyRepository
from auth_service.tokens.revocations import DatabaseTrustSource, OwnTrust, Revocations
from auth_service.tokens.secrets import Seal
from auth_service.tokens.signing import SigningKeys
from auth_service.users.events import Delivery, UserEvents
from auth_service.users.repository import UserRepository
from auth_service.users.service import UserService
from kit.authentication import Authentication
from kit.database import Database
from kit.outbox import Outbox, Relay
from kit.trust_store import TrustStore


@dataclass(frozen=True)
class Parts:
    authentication: Authentication
    settings: AuthSettings
    database: Database
    hasher: PasswordHasher
    seal: Seal
    secret: RootSecret
    outbox: Outbox
    relay: Relay
    trust: TrustStore
    trust_source: DatabaseTrustSource

    @property
    def password_check(self) -> PasswordCheck:
        return PasswordCheck(self.database, self.hasher, self.secret)


@dataclass(frozen=True)
class Services:
    """The services of one transaction."""

    parts: Parts
    session: AsyncSession
    after_commit: AfterCommit

    @property
    def users(self) -> UserService:
        delivery = Delivery(self.parts.relay, self.after_commit)
        events = UserEvents(self.session, self.parts.outbox, self.parts.secret, delivery)
        return UserService(UserRepository(self.session), self._revocations, events)

    @property
    def sessions(self) -> SessionService:
        stores = SessionStores(SessionRepository(self.session), UserRepository(self.session))
        lifetime = self.parts.settings.refresh_lifetime
        return SessionService(stores, self.access_tokens, self._revocations, lifetime)

    @property
    def api_keys(self) -> ApiKeyService:
        return ApiKeyService(ApiKeyRepository(self.session), self._revocations, self.parts.secret)

    @property
    def first_answers(self) -> FirstAnswers:
        return FirstAnswers(FirstAnswerRepository(self.session), self.parts.secret)

    @property
    def access_tokens(self) -> AccessTokens:
        return AccessTokens(self.parts.settings, self.signing_keys)

    @property
    def signing_keys(self) -> SigningKeys:
        rows = SigningKeyRepository(self.session)
        return SigningKeys(rows, self.parts.seal, self.parts.settings)

    @property
    def _revocations(self) -> Revocations:
        own_trust = OwnTrust(self.parts.trust, self.parts.trust_source, self.after_commit)
        return Revocations(RevocationRepository(self.session), self.parts.settings, own_trust)
