"""Networks from which users have logged in, and the client of each used refresh token."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "known_networks",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("network_digest", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "network_digest", name="pk_known_networks"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["auth.users.id"], name="fk_known_networks_user_id", ondelete="CASCADE"
        ),
        schema="auth",
    )
    op.create_index("ix_known_networks_used_at", "known_networks", ["used_at"], schema="auth")
    # Null in tokens that the previous release has used: nobody may repeat their use.
    op.add_column("refresh_tokens", sa.Column("used_by", sa.LargeBinary()), schema="auth")
    op.add_column("refresh_tokens", sa.Column("repeated_at", TIME), schema="auth")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("refresh_tokens", "repeated_at", schema="auth")
    op.drop_column("refresh_tokens", "used_by", schema="auth")
    op.drop_table("known_networks", schema="auth")
