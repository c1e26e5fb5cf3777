"""Container: the objects with the lifetime of the process, built once in `main.py`."""

from dataclasses import dataclass

from auth_service.api_keys.service import ApiKeyService
from auth_service.groups.service import GroupService
from auth_service.passwords.hashing import PasswordHasher
from auth_service.passwords.service import PasswordCheck
from auth_service.rosters.service import RosterService
from auth_service.sessions.service import SessionService
from auth_service.settings import AuthSettings
from auth_service.tokens.revocations import DatabaseTrustSource
from auth_service.tokens.secrets import RootSecret
from auth_service.tokens.signing import SigningKeys
from auth_service.users.service import UserService
from kit.authentication import Authentication
from kit.database import Database
from kit.idempotency import FirstAnswers


@dataclass(frozen=True)
class Container:
    settings: AuthSettings
    authentication: Authentication
    database: Database
    secret: RootSecret
    signing_keys: SigningKeys
    trust_source: DatabaseTrustSource
    hasher: PasswordHasher
    password_check: PasswordCheck
    sessions: SessionService
    api_keys: ApiKeyService
    users: UserService
    groups: GroupService
    rosters: RosterService
    first_answers: FirstAnswers
