"""Tables of auth-service, as SQLAlchemy models; the migrations are compared with them."""

from datetime import datetime

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Identity, Integer, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import declarative_base
from kit.idempotency import idempotency_keys_table
from kit.identity import Role
from kit.outbox import outbox_table

Base = declarative_base("auth")


class User(Base):
    __tablename__ = "users"
    __table_args__ = (CheckConstraint("role IN ('user', 'admin')", name="role_known"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    name: Mapped[str]
    folded_name: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str | None]
    role: Mapped[Role] = mapped_column(Text)
    disabled: Mapped[bool]
    # Access tokens and sessions of an earlier generation are void.
    generation: Mapped[int]
    password_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def is_active_admin(self) -> bool:
        return self.role == "admin" and not self.disabled


class LoginAttempts(Base):
    """Attempts with one name, from one network or from all of them together.

    A digest, because users type passwords into the name field.
    """

    __tablename__ = "login_attempts"

    name_digest: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    running: Mapped[int] = mapped_column(Integer)
    blocked_until: Mapped[datetime | None]
    touched_at: Mapped[datetime] = mapped_column(index=True)


class KnownNetwork(Base):
    """A network from which a user has logged in; a digest, because networks reveal places."""

    __tablename__ = "known_networks"

    user_id: Mapped[int] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"), primary_key=True)
    network_digest: Mapped[bytes] = mapped_column(primary_key=True)
    used_at: Mapped[datetime] = mapped_column(index=True)


class LoginSession(Base):
    """A login that can be refreshed."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"), index=True)
    # A session whose generation is older than its user's has ended: the password or role has changed.
    generation: Mapped[int]
    started_at: Mapped[datetime]
    refreshed_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class RefreshToken(Base):
    """A refresh token, as a digest; used ones stay until their session ends, to detect reuse."""

    __tablename__ = "refresh_tokens"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("auth.sessions.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    # A digest of the client's network; the same client may repeat the use once.
    used_by: Mapped[bytes | None]
    repeated_at: Mapped[datetime | None]


class StoredApiKey(Base):
    """An API key, stored as a digest."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    prefix: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    token_cap: Mapped[int | None]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]


class SigningKey(Base):
    """A key pair that signs access tokens under EdDSA."""

    __tablename__ = "signing_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    public_key: Mapped[str]
    sealed_private_key: Mapped[bytes]
    created_at: Mapped[datetime]
    signs_from: Mapped[datetime]
    published_until: Mapped[datetime | None]


class SealedSecret(Base):
    """A secret that outlives a change of JWT_SECRET."""

    __tablename__ = "secrets"

    name: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]


class RevocationRow(Base):
    """Access tokens of a user, a session or an API key that verifiers must refuse."""

    __tablename__ = "revocations"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    # Readers select by transaction: ids become visible out of order when transactions overlap.
    transaction: Mapped[int] = mapped_column(
        server_default=text("((pg_current_xact_id())::text)::bigint"), index=True
    )
    user_id: Mapped[int | None]
    generation: Mapped[int | None]
    session_id: Mapped[str | None]
    api_key_id: Mapped[int | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)


metadata = Base.metadata
outbox = outbox_table(metadata)
first_answers = idempotency_keys_table(metadata)
