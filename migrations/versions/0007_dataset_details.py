"""Details of a dataset from its inspection; older rows are inspected at their next request."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    details = sa.Column("details", postgresql.JSONB(none_as_null=True), nullable=True)
    op.add_column("datasets", details, schema="ml")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("datasets", "details", schema="ml")
