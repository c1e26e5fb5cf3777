"""Expected durations of jobs, for reserved workers, and charges of comparisons without a model."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

DURATIONS = "duration IN ('short', 'long', 'unknown')"
ONLY_SUCCESS = "state = 'succeeded' OR tokens_charged = 0"
ONLY_RESULTS = f"{ONLY_SUCCESS} OR (model_type = 'auto' AND receipt_id IS NOT NULL)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    duration = sa.Column("duration", sa.Text(), server_default="long", nullable=False)
    op.add_column("jobs", duration, schema="ml")
    op.create_check_constraint("ck_jobs_known_duration", "jobs", DURATIONS, schema="ml")
    queued = sa.text("state = 'queued'")
    op.create_index("ix_jobs_queued", "jobs", ["user_id"], schema="ml", postgresql_where=queued)
    op.create_index("ix_jobs_started_at", "jobs", ["started_at"], schema="ml")
    op.drop_constraint("ck_jobs_only_success_costs", "jobs", schema="ml")
    op.create_check_constraint("ck_jobs_only_results_cost", "jobs", ONLY_RESULTS, schema="ml")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("UPDATE ml.jobs SET tokens_charged = 0 WHERE state <> 'succeeded'")
    op.drop_constraint("ck_jobs_only_results_cost", "jobs", schema="ml")
    op.create_check_constraint("ck_jobs_only_success_costs", "jobs", ONLY_SUCCESS, schema="ml")
    op.drop_index("ix_jobs_started_at", "jobs", schema="ml")
    op.drop_index("ix_jobs_queued", "jobs", schema="ml")
    op.drop_column("jobs", "duration", schema="ml")
