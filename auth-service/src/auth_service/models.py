"""Tables of auth-service, as SQLAlchemy models; the migrations are compared with them."""

from datetime import datetime
from typing import Literal

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import declarative_base
from kit.idempotency import idempotency_keys_table
from kit.identity import Role
from kit.outbox import outbox_table

Base = declarative_base("auth")

GroupKind = Literal["class", "lab", "team"]
GroupState = Literal["active", "archived"]
GroupRole = Literal["owner", "assistant", "member"]
MembershipState = Literal["active", "removed"]
RosterRole = Literal["assistant", "member"]


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
    # The group that pays for all work of the key; without a foreign key, since the key outlives the group.
    group_id: Mapped[int | None]
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


class Group(Base):
    """A class, a lab or a team."""

    __tablename__ = "groups"
    __table_args__ = (
        CheckConstraint("kind IN ('class', 'lab', 'team')", name="kind_known"),
        CheckConstraint("state IN ('active', 'archived')", name="state_known"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    name: Mapped[str]
    kind: Mapped[GroupKind] = mapped_column(Text)
    time_zone: Mapped[str]
    state: Mapped[GroupState] = mapped_column(Text, server_default="active")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("auth.users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Membership(Base):
    """A user in a group; removed ones stay, so that a return has the same alias."""

    __tablename__ = "memberships"
    __table_args__ = (
        CheckConstraint("role IN ('owner', 'assistant', 'member')", name="role_known"),
        CheckConstraint("(state = 'active') = (removed_at IS NULL)", name="removed_with_time"),
        CheckConstraint("state IN ('active', 'removed')", name="state_known"),
        Index("uq_memberships_group_id_folded_alias", "group_id", text("lower(alias)"), unique=True),
    )

    group_id: Mapped[int] = mapped_column(ForeignKey("auth.groups.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[GroupRole] = mapped_column(Text)
    state: Mapped[MembershipState] = mapped_column(Text, server_default="active")
    alias: Mapped[str]
    joined_at: Mapped[datetime] = mapped_column(server_default=func.now())
    removed_at: Mapped[datetime | None]
    # The user's own id after leaving; a user that the staff removed returns by a personal code only.
    removed_by: Mapped[int | None]


class RosterEntry(Base):
    """A person who is expected in a group, and the user who has claimed the seat."""

    __tablename__ = "roster_entries"
    __table_args__ = (
        UniqueConstraint("group_id", "external_id"),
        UniqueConstraint("group_id", "folded_account"),
        UniqueConstraint("group_id", "user_id"),
        CheckConstraint("role IN ('assistant', 'member')", name="role_known"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("auth.groups.id", ondelete="CASCADE"))
    external_id: Mapped[str]
    account: Mapped[str | None]
    folded_account: Mapped[str | None]
    name: Mapped[str]
    role: Mapped[RosterRole] = mapped_column(Text)
    section: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("auth.users.id", ondelete="SET NULL"), index=True)


class JoinCode(Base):
    """A code that admits users to a group; a personal one belongs to an entry of the roster."""

    __tablename__ = "join_codes"
    __table_args__ = (CheckConstraint("uses BETWEEN 0 AND max_uses", name="uses_limited"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("auth.groups.id", ondelete="CASCADE"), index=True)
    code: Mapped[str] = mapped_column(unique=True)
    entry_id: Mapped[int | None] = mapped_column(
        ForeignKey("auth.roster_entries.id", ondelete="CASCADE"), unique=True
    )
    only_roster: Mapped[bool]
    max_uses: Mapped[int] = mapped_column(Integer)
    uses: Mapped[int] = mapped_column(Integer, server_default="0")
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


metadata = Base.metadata
outbox = outbox_table(metadata)
first_answers = idempotency_keys_table(metadata)
