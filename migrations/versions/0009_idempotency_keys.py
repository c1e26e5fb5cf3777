"""One table of idempotency keys in auth and ml, which share one mechanism for first answers.

Stored answers are copied, so that a retry across the upgrade finds the first answer. The old tables stay for
replicas of the previous release; the next release drops them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

TIME = sa.DateTime(timezone=True)
COPIES = (
    """
    INSERT INTO auth.idempotency_keys (scope, key, fingerprint, answer, lease_until, created_at)
    SELECT scope, key, fingerprint, convert_to(answer::text, 'UTF8'), created_at, created_at
    FROM auth.first_answers
    """,
    """
    INSERT INTO ml.idempotency_keys (scope, key, fingerprint, answer, location, lease_until, created_at)
    SELECT user_id::text, idempotency_key, fingerprint, answer, location, lease_until, created_at
    FROM ml.answers
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for schema in ("auth", "ml"):
        _create_idempotency_keys(schema)
    for copy in COPIES:
        op.execute(copy)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for schema in ("auth", "ml"):
        op.drop_table("idempotency_keys", schema=schema)


def _create_idempotency_keys(schema: str) -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("lease_until", TIME, nullable=False),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(fingerprint) = 32", name="ck_idempotency_keys_fingerprint_length"),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_idempotency_keys"),
        sa.UniqueConstraint("location", name="uq_idempotency_keys_location"),
        schema=schema,
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], schema=schema)
