"""The tables of ml-service."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Json, declarative_base
from kit.idempotency import idempotency_keys_table
from kit.outbox import inbox_table

Base = declarative_base("ml")

metadata = Base.metadata
first_answers = idempotency_keys_table(metadata)
# Few answers have a file, and keys outlive their answers.
Index("ix_idempotency_keys_files", first_answers.c.scope, postgresql_where=text("location IS NOT NULL"))
inbox = inbox_table(metadata)


class Dataset(Base):
    """A table of a user, or of a challenge for its members.

    `location` is its key in the store, `profile` the types of its columns.

    `copy_bytes` is the size of its columnar copy. `details` are statistics and findings, null for a row of an
    older version. They are large, so a query loads them only on request.
    """

    __tablename__ = "datasets"
    __table_args__ = (
        UniqueConstraint("user_id", "sha256"),
        UniqueConstraint("user_id", "idempotency_key"),
        CheckConstraint("octet_length(sha256) = 32", name="sha256_length"),
        CheckConstraint("size_bytes >= 0 AND row_count >= 0 AND column_count >= 0", name="sizes"),
        CheckConstraint("copy_bytes >= 0", name="copy_size"),
        CheckConstraint("(user_id IS NULL) <> (challenge_id IS NULL)", name="one_owner"),
        UniqueConstraint("challenge_id"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    user_id: Mapped[int | None]
    challenge_id: Mapped[int | None] = mapped_column(
        ForeignKey("challenges.id", ondelete="CASCADE", use_alter=True)
    )
    name: Mapped[str]
    location: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[bytes]
    size_bytes: Mapped[int]
    copy_bytes: Mapped[int] = mapped_column(server_default="0")
    row_count: Mapped[int]
    column_count: Mapped[int]
    profile: Mapped[Json]
    preview: Mapped[Json]
    details: Mapped[Json | None] = mapped_column(deferred=True, deferred_raiseload=True)
    idempotency_key: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Job(Base):
    """State machine of one job: `result` or `error` is written before tokens move, the final `state` after.

    `jobs.rules` names the kinds and states. `units` is the number of charged units, `workers` the number of
    workers in use while the job runs; estimates read `model_type` and `rows`. By its `duration` a job may
    run on a reserved worker. A comparison (type auto) may be charged without a model. The rows of a batch are
    at `location` in the store, the files of its model at `artefact`. A job without `hold_key` is free.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key"),
        CheckConstraint("(state = 'running') = (lease IS NOT NULL)", name="lease_while_running"),
        CheckConstraint("(lease IS NULL) = (lease_until IS NULL)", name="lease_has_an_end"),
        CheckConstraint("(state IN ('queued', 'running')) = (ended_at IS NULL)", name="ended_at"),
        CheckConstraint(
            "state <> 'succeeded' OR (result IS NOT NULL AND (receipt_id IS NOT NULL OR hold_key IS NULL))",
            name="paid_result",
        ),
        CheckConstraint(
            "(hold_key IS NULL) = (hold_until IS NULL) AND (hold_key IS NOT NULL OR tokens_held = 0)",
            name="free_without_hold",
        ),
        CheckConstraint("state <> 'failed' OR error IS NOT NULL", name="failure_has_a_reason"),
        CheckConstraint("result IS NULL OR error IS NULL", name="one_outcome"),
        CheckConstraint("tokens_held >= 0 AND tokens_charged >= 0", name="tokens"),
        CheckConstraint(
            "state = 'succeeded' OR tokens_charged = 0 OR (model_type = 'auto' AND receipt_id IS NOT NULL)",
            name="only_results_cost",
        ),
        CheckConstraint("percent BETWEEN 0 AND 100 AND attempts >= 0", name="progress"),
        CheckConstraint("kind IN ('train', 'batch', 'split', 'score')", name="known_kind"),
        CheckConstraint(
            "kind <> 'batch' OR (location IS NOT NULL AND artefact IS NOT NULL)", name="batch_has_rows"
        ),
        CheckConstraint("duration IN ('short', 'long', 'unknown')", name="known_duration"),
        CheckConstraint("units > 0 AND workers > 0 AND rows >= 0", name="sizes"),
        Index("ix_jobs_live", "id", postgresql_where="state IN ('queued', 'running')"),
        Index("ix_jobs_running", "user_id", postgresql_where="state = 'running'"),
        Index("ix_jobs_queued", "user_id", postgresql_where="state = 'queued'"),
        Index("ix_jobs_started_at", "started_at"),
        Index("ix_jobs_past", "kind", "model_type", "id", postgresql_where="state = 'succeeded'"),
        Index("ix_jobs_user_id_id", "user_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    user_id: Mapped[int]
    kind: Mapped[str] = mapped_column(server_default="train")
    state: Mapped[str] = mapped_column(
        Enum("queued", "running", "succeeded", "failed", "cancelled", name="job_state", schema="ml"),
        server_default="queued",
    )
    dataset_id: Mapped[int | None] = mapped_column(ForeignKey("datasets.id", ondelete="SET NULL"), index=True)
    model_name: Mapped[str]
    model_type: Mapped[str | None]
    rows: Mapped[int | None]
    units: Mapped[int] = mapped_column(server_default="1")
    spec: Mapped[Json]
    location: Mapped[str | None] = mapped_column(unique=True)
    artefact: Mapped[str | None]
    idempotency_key: Mapped[str | None]
    fingerprint: Mapped[bytes]
    request_id: Mapped[str | None]

    hold_key: Mapped[str | None] = mapped_column(unique=True)
    hold_until: Mapped[datetime | None]
    tokens_held: Mapped[int]
    tokens_charged: Mapped[int] = mapped_column(server_default="0")
    receipt_id: Mapped[str | None]
    balance_after: Mapped[int | None]
    api_key_id: Mapped[int | None]
    api_key_cap: Mapped[int | None]
    group_id: Mapped[int | None]
    context: Mapped[str | None]
    challenge_id: Mapped[int | None] = mapped_column(
        ForeignKey("challenges.id", ondelete="SET NULL"), index=True
    )

    lease: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    workers: Mapped[int] = mapped_column(server_default="1")
    duration: Mapped[str] = mapped_column(server_default="long")
    attempts: Mapped[int] = mapped_column(server_default="0")
    run_after: Mapped[datetime] = mapped_column(server_default=func.now())
    cancel_requested_at: Mapped[datetime | None]

    stage: Mapped[str | None]
    percent: Mapped[int] = mapped_column(server_default="0")
    result: Mapped[Json | None]
    error: Mapped[Json | None]

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class JobEvent(Base):
    """One event in the history of a job; clients send its `id` as Last-Event-ID to resume."""

    __tablename__ = "job_events"
    __table_args__ = (Index("ix_job_events_job_id_id", "job_id", "id"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    kind: Mapped[str]
    data: Mapped[Json] = mapped_column(server_default="{}")
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class Model(Base):
    """A model, inserted with its job so that its unique name decides races; visible once `ready_at` is set.

    `files` holds the SHA-256 of each file of the artefact.
    """

    __tablename__ = "models"
    __table_args__ = (
        CheckConstraint("(ready_at IS NULL) = (artefact IS NULL)", name="bytes_when_ready"),
        CheckConstraint("(ready_at IS NULL) = (files IS NULL)", name="digests_when_ready"),
        CheckConstraint("(ready_at IS NULL) = (description IS NULL)", name="described_when_ready"),
        Index("ix_models_user_id_id", "user_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    user_id: Mapped[int]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"), unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    model_type: Mapped[str]
    artefact: Mapped[str | None] = mapped_column(unique=True)
    files: Mapped[Json | None]
    size_bytes: Mapped[int] = mapped_column(server_default="0")
    description: Mapped[Json | None]
    challenge_id: Mapped[int | None] = mapped_column(
        ForeignKey("challenges.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ready_at: Mapped[datetime | None]


class PendingRefund(Base):
    """The refund of the charge or hold with this key, deleted once billing has answered."""

    __tablename__ = "refunds"
    __table_args__ = (CheckConstraint("kind IN ('charge', 'hold')", name="known_kind"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(server_default="charge")
    user_id: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DeletedUser(Base):
    """A user whose account was deleted; the sweeper deletes their data."""

    __tablename__ = "departed_users"

    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    departed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StoreOwner(Base):
    """The random id of this database, also in a file of its store; one row."""

    __tablename__ = "store_owner"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, server_default="1")
    owner: Mapped[UUID] = mapped_column(server_default=func.gen_random_uuid())
