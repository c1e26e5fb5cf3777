"""Users, sessions, API keys, signing keys, revocations and first answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

TIME = sa.DateTime(timezone=True)
TABLES = (
    "outbox",
    "secrets",
    "first_answers",
    "revocations",
    "signing_keys",
    "login_attempts",
    "api_keys",
    "refresh_tokens",
    "sessions",
    "users",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_users()
    _create_sessions()
    _create_api_keys()
    _create_memories()
    _create_secrets()
    _create_outbox()


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TABLES:
        op.drop_table(table, schema="auth")


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("folded_name", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("folded_name", name="uq_users_folded_name"),
        sa.CheckConstraint("role IN ('user', 'admin')", name="ck_users_role_known"),
        schema="auth",
    )


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("refreshed_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["auth.users.id"], name="fk_sessions_user_id", ondelete="CASCADE"
        ),
        schema="auth",
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], schema="auth")
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], schema="auth")
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME),
        sa.PrimaryKeyConstraint("digest", name="pk_refresh_tokens"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["auth.sessions.id"], name="fk_refresh_tokens_session_id", ondelete="CASCADE"
        ),
        schema="auth",
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"], schema="auth")


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("token_cap", sa.BigInteger),
        sa.Column("expires_at", TIME),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("last_used_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["auth.users.id"], name="fk_api_keys_user_id", ondelete="CASCADE"
        ),
        schema="auth",
    )
    op.create_index("ix_api_keys_user_id", "api_keys", ["user_id"], schema="auth")


def _create_memories() -> None:
    """Tables whose rows expire and are purged."""
    op.create_table(
        "login_attempts",
        sa.Column("name_digest", sa.LargeBinary, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("running", sa.Integer, nullable=False),
        sa.Column("blocked_until", TIME),
        sa.Column("touched_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name_digest", name="pk_login_attempts"),
        schema="auth",
    )
    op.create_index("ix_login_attempts_touched_at", "login_attempts", ["touched_at"], schema="auth")
    op.create_table(
        "revocations",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column(
            "transaction",
            sa.BigInteger,
            server_default=sa.text("((pg_current_xact_id())::text)::bigint"),
            nullable=False,
        ),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("generation", sa.BigInteger),
        sa.Column("session_id", sa.Text),
        sa.Column("api_key_id", sa.BigInteger),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revocations"),
        schema="auth",
    )
    op.create_index("ix_revocations_transaction", "revocations", ["transaction"], schema="auth")
    op.create_index("ix_revocations_expires_at", "revocations", ["expires_at"], schema="auth")
    op.create_table(
        "first_answers",
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("answer", JSONB, nullable=False),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_first_answers"),
        schema="auth",
    )
    op.create_index("ix_first_answers_created_at", "first_answers", ["created_at"], schema="auth")


def _create_secrets() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("public_key", sa.Text, nullable=False),
        sa.Column("sealed_private_key", sa.LargeBinary, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("signs_from", TIME, nullable=False),
        sa.Column("published_until", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_signing_keys"),
        schema="auth",
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secrets"),
        schema="auth",
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("occurred_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_outbox"),
        schema="auth",
    )
    op.create_index("ix_outbox_destination", "outbox", ["destination"], schema="auth")
