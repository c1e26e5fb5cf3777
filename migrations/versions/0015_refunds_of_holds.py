"""Refunds of holds, beside those of charges."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "refunds", sa.Column("kind", sa.Text(), server_default="charge", nullable=False), schema="ml"
    )
    op.create_check_constraint(
        op.f("ck_refunds_known_kind"), "refunds", "kind IN ('charge', 'hold')", schema="ml"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # A refund of a hold cannot be sent by the code of this revision.
    op.execute("DELETE FROM ml.refunds WHERE kind = 'hold'")
    op.drop_constraint(op.f("ck_refunds_known_kind"), "refunds", schema="ml", type_="check")
    op.drop_column("refunds", "kind", schema="ml")
