"""Store answers that are too large for a row as files."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("answers", sa.Column("location", sa.Text(), nullable=True), schema="ml")
    op.create_unique_constraint("uq_answers_location", "answers", ["location"], schema="ml")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("answers", "location", schema="ml")
