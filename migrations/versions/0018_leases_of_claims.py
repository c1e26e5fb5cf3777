"""A lease for each claim of an idempotency key, so that a claim that was lost changes nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

SCHEMAS = ("auth", "ml")
TABLE = "idempotency_keys"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for schema in SCHEMAS:
        # Replicas of the previous release claim without a lease.
        op.add_column(TABLE, sa.Column("lease", sa.Uuid(), nullable=True), schema=schema)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for schema in SCHEMAS:
        op.drop_column(TABLE, "lease", schema=schema)
