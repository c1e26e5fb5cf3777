"""Datasets, jobs, models, and answers stored for retries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

JSON = postgresql.JSONB(none_as_null=True)
TABLES = ("datasets", "jobs", "job_events", "models", "answers", "departed_users", "inbox")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_datasets()
    _create_jobs()
    _index_jobs()
    _create_job_events()
    _create_models()
    _create_answers()
    _create_departed_users()
    _create_inbox()


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in reversed(TABLES):
        op.drop_table(table, schema="ml")
    op.execute("DROP TYPE ml.job_state")


def _create_datasets() -> None:
    op.create_table(
        "datasets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("column_count", sa.BigInteger(), nullable=False),
        sa.Column("profile", JSON, nullable=False),
        sa.Column("preview", JSON, nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(sha256) = 32", name="ck_datasets_sha256_length"),
        sa.CheckConstraint(
            "size_bytes >= 0 AND row_count >= 0 AND column_count >= 0", name="ck_datasets_sizes"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_datasets"),
        sa.UniqueConstraint("location", name="uq_datasets_location"),
        sa.UniqueConstraint("user_id", "idempotency_key", name="uq_datasets_user_id_idempotency_key"),
        sa.UniqueConstraint("user_id", "sha256", name="uq_datasets_user_id_sha256"),
        schema="ml",
    )


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("queued", "running", "succeeded", "failed", "cancelled", name="job_state", schema="ml"),
            server_default="queued",
            nullable=False,
        ),
        sa.Column("dataset_id", sa.BigInteger(), nullable=True),
        sa.Column("model_name", sa.Text(), nullable=False),
        sa.Column("spec", JSON, nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("hold_key", sa.Text(), nullable=False),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tokens_held", sa.BigInteger(), nullable=False),
        sa.Column("tokens_charged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("receipt_id", sa.Text(), nullable=True),
        sa.Column("balance_after", sa.BigInteger(), nullable=True),
        sa.Column("api_key_id", sa.BigInteger(), nullable=True),
        sa.Column("api_key_cap", sa.BigInteger(), nullable=True),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("run_after", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("percent", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("result", JSON, nullable=True),
        sa.Column("error", JSON, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        *_job_checks(),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["ml.datasets.id"], name="fk_jobs_dataset_id_datasets", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.UniqueConstraint("hold_key", name="uq_jobs_hold_key"),
        sa.UniqueConstraint("user_id", "idempotency_key", name="uq_jobs_user_id_idempotency_key"),
        schema="ml",
    )


def _index_jobs() -> None:
    op.create_index("ix_jobs_dataset_id", "jobs", ["dataset_id"], unique=False, schema="ml")
    op.create_index(
        "ix_jobs_live",
        "jobs",
        ["id"],
        unique=False,
        schema="ml",
        postgresql_where="state IN ('queued', 'running')",
    )
    op.create_index("ix_jobs_user_id_id", "jobs", ["user_id", "id"], unique=False, schema="ml")


def _job_checks() -> list[sa.CheckConstraint]:
    checks = {
        "ck_jobs_lease_while_running": "(state = 'running') = (lease IS NOT NULL)",
        "ck_jobs_ended_at": "(state IN ('queued', 'running')) = (ended_at IS NULL)",
        "ck_jobs_failure_has_a_reason": "state <> 'failed' OR error IS NOT NULL",
        "ck_jobs_paid_result": "state <> 'succeeded' OR (result IS NOT NULL AND receipt_id IS NOT NULL)",
        "ck_jobs_only_success_costs": "state = 'succeeded' OR tokens_charged = 0",
        "ck_jobs_lease_has_an_end": "(lease IS NULL) = (lease_until IS NULL)",
        "ck_jobs_progress": "percent BETWEEN 0 AND 100 AND attempts >= 0",
        "ck_jobs_one_outcome": "result IS NULL OR error IS NULL",
        "ck_jobs_tokens": "tokens_held >= 0 AND tokens_charged >= 0",
    }
    return [sa.CheckConstraint(condition, name=name) for name, condition in checks.items()]


def _create_job_events() -> None:
    op.create_table(
        "job_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "data",
            JSON,
            server_default="{}",
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["ml.jobs.id"], name="fk_job_events_job_id_jobs", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_job_events"),
        schema="ml",
    )
    op.create_index("ix_job_events_job_id_id", "job_events", ["job_id", "id"], unique=False, schema="ml")


def _create_models() -> None:
    op.create_table(
        "models",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("model_type", sa.Text(), nullable=False),
        sa.Column("artefact", sa.Text(), nullable=True),
        sa.Column("files", JSON, nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("description", JSON, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(ready_at IS NULL) = (artefact IS NULL)", name="ck_models_bytes_when_ready"),
        sa.CheckConstraint(
            "(ready_at IS NULL) = (description IS NULL)", name="ck_models_described_when_ready"
        ),
        sa.CheckConstraint("(ready_at IS NULL) = (files IS NULL)", name="ck_models_digests_when_ready"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["ml.jobs.id"], name="fk_models_job_id_jobs", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_models"),
        sa.UniqueConstraint("artefact", name="uq_models_artefact"),
        sa.UniqueConstraint("job_id", name="uq_models_job_id"),
        sa.UniqueConstraint("name", name="uq_models_name"),
        schema="ml",
    )
    op.create_index("ix_models_user_id_id", "models", ["user_id", "id"], unique=False, schema="ml")


def _create_answers() -> None:
    op.create_table(
        "answers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(fingerprint) = 32", name="ck_answers_fingerprint_length"),
        sa.PrimaryKeyConstraint("id", name="pk_answers"),
        sa.UniqueConstraint("user_id", "idempotency_key", name="uq_answers_user_id_idempotency_key"),
        schema="ml",
    )
    op.create_index("ix_answers_created_at", "answers", ["created_at"], unique=False, schema="ml")


def _create_departed_users() -> None:
    op.create_table(
        "departed_users",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("departed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_departed_users"),
        schema="ml",
    )


def _create_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_inbox"),
        schema="ml",
    )
