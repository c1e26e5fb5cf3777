"""Jobs of several kinds, with the columns for a fair queue and for estimates."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

CHECKS = {
    "ck_jobs_known_kind": "kind IN ('train', 'batch')",
    "ck_jobs_sizes": "units > 0 AND workers > 0 AND rows >= 0",
}
INDEXES = {
    "ix_jobs_past": (["kind", "model_type", "id"], "state = 'succeeded'"),
    "ix_jobs_running": (["user_id"], "state = 'running'"),
}
MODEL_TYPES_AND_ROWS = """
    UPDATE ml.jobs SET model_type = spec->>'model_type', rows = row_count
    FROM ml.datasets WHERE datasets.id = jobs.dataset_id
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in (
        sa.Column("kind", sa.Text(), server_default="train", nullable=False),
        sa.Column("model_type", sa.Text(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("units", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("workers", sa.BigInteger(), server_default="1", nullable=False),
    ):
        op.add_column("jobs", column, schema="ml")
    for name, condition in CHECKS.items():
        op.create_check_constraint(name, "jobs", condition, schema="ml")
    op.execute(MODEL_TYPES_AND_ROWS)
    for name, (columns, condition) in INDEXES.items():
        op.create_index(name, "jobs", columns, schema="ml", postgresql_where=condition)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in INDEXES:
        op.drop_index(name, "jobs", schema="ml")
    for column in ("workers", "units", "rows", "model_type", "kind"):
        op.drop_column("jobs", column, schema="ml")
