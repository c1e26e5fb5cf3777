"""Location of the rows of a batch job, and the artefact that predicts them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

CHECK = "kind <> 'batch' OR (location IS NOT NULL AND artefact IS NOT NULL)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("location", "artefact"):
        op.add_column("jobs", sa.Column(name, sa.Text(), nullable=True), schema="ml")
    op.create_unique_constraint("uq_jobs_location", "jobs", ["location"], schema="ml")
    op.create_check_constraint("ck_jobs_batch_has_rows", "jobs", CHECK, schema="ml")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("artefact", "location"):
        op.drop_column("jobs", name, schema="ml")
