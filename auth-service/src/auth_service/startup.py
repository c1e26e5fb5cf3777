"""What a process does before its first request."""

from auth_service.after_commit import AfterCommit
from auth_service.container import Parts, Services
from auth_service.secrets.repository import SecretRepository
from auth_service.secrets.service import RootSecret, load_root_secret
from auth_service.tokens.secrets import Seal
from auth_service.users.bootstrap import Bootstrap
from auth_service.users.repository import UserRepository
from kit.database import Database


async def load_secret(database: Database, seal: Seal) -> RootSecret:
    async with database.transaction() as session:
        return await load_root_secret(SecretRepository(session), seal)


async def prepare(parts: Parts) -> None:
    """Make the first administrator and the first signing key, and learn what was revoked."""
    async with parts.database.transaction() as session:
        services = Services(parts, session, AfterCommit())
        bootstrap = Bootstrap(UserRepository(session), services.users, parts.hasher)
        await bootstrap.make_admin(parts.settings)
        if parts.settings.jwt_algorithm == "EdDSA":
            await services.signing_keys.seal_again()
            await services.signing_keys.make_first()
    await parts.trust.refresh(parts.trust_source)
