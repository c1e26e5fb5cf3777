"""Payers of jobs; groups and their members as auth-service reports them; challenges and submissions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"

TIME = sa.DateTime(timezone=True)
JSON = postgresql.JSONB()
NEW_TABLES = (
    *("private_scores", "public_scores", "submission_slots", "submissions", "challenge_parts"),
    *("challenge_revisions", "challenges", "members", "groups"),
)
ONLY_KINDS = "kind IN ('train', 'batch')"
ALL_KINDS = "kind IN ('train', 'batch', 'split', 'score')"
PAID_RESULT = "state <> 'succeeded' OR (result IS NOT NULL AND receipt_id IS NOT NULL)"
RESULT = "state <> 'succeeded' OR (result IS NOT NULL AND (receipt_id IS NOT NULL OR hold_key IS NULL))"
FREE = "(hold_key IS NULL) = (hold_until IS NULL) AND (hold_key IS NOT NULL OR tokens_held = 0)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_groups()
    _create_challenges()
    _create_parts()
    _create_submissions()
    _create_slots()
    _create_scores()
    _extend_jobs()
    _extend_datasets()
    _add_challenge_to("models", index=True)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("models", "challenge_id", schema="ml")
    op.execute("DELETE FROM ml.jobs WHERE kind IN ('split', 'score')")
    op.execute("DELETE FROM ml.datasets WHERE user_id IS NULL")
    for name, condition in (("known_kind", ONLY_KINDS), ("paid_result", PAID_RESULT)):
        _replace_check("jobs", name, condition)
    op.drop_constraint("ck_jobs_free_without_hold", "jobs", schema="ml")
    for column in ("hold_key", "hold_until"):
        op.alter_column("jobs", column, nullable=False, schema="ml")
    for column in ("group_id", "context", "challenge_id"):
        op.drop_column("jobs", column, schema="ml")
    op.drop_column("datasets", "challenge_id", schema="ml")
    op.alter_column("datasets", "user_id", nullable=False, schema="ml")
    for table in NEW_TABLES:
        op.drop_table(table, schema="ml")


def _create_groups() -> None:
    op.create_table(
        "groups",
        sa.Column("group_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("group_id", name="pk_groups"),
        schema="ml",
    )
    # Without a reference to the group: the event about a member may arrive before that about the group.
    op.create_table(
        "members",
        sa.Column("group_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text()),
        sa.Column("member_name", sa.Text()),
        sa.PrimaryKeyConstraint("group_id", "user_id", name="pk_members"),
        schema="ml",
    )
    op.create_index("ix_members_user_id", "members", ["user_id"], schema="ml")


def _create_challenges() -> None:
    op.create_table(
        "challenges",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger()),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("split", JSON, nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("opens_at", TIME, nullable=False),
        sa.Column("closes_at", TIME, nullable=False),
        sa.Column("slots_per_day", sa.Integer(), nullable=False),
        sa.Column("slots_total", sa.Integer(), nullable=False),
        sa.Column("late", sa.Text(), nullable=False),
        sa.Column("token_limit", sa.BigInteger()),
        sa.Column("extensions", JSON, server_default="[]", nullable=False),
        sa.Column("publish_job_id", sa.BigInteger()),
        sa.Column("published_at", TIME),
        sa.Column("finalised_at", TIME),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("salt", sa.LargeBinary()),
        sa.Column("commitment", sa.LargeBinary()),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_challenges"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["ml.groups.group_id"], name="fk_challenges_group_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["ml.datasets.id"], name="fk_challenges_source_id", ondelete="SET NULL"
        ),
        sa.CheckConstraint("opens_at < closes_at", name="ck_challenges_times"),
        sa.CheckConstraint("late IN ('refuse', 'unranked')", name="ck_challenges_known_late"),
        sa.CheckConstraint("slots_per_day > 0 AND slots_total > 0", name="ck_challenges_slots"),
        sa.CheckConstraint(
            "(published_at IS NULL) = (commitment IS NULL)", name="ck_challenges_committed_when_published"
        ),
        sa.CheckConstraint(
            "finalised_at IS NULL OR published_at IS NOT NULL", name="ck_challenges_final_after_published"
        ),
        schema="ml",
    )
    op.create_index("ix_challenges_group_id", "challenges", ["group_id", "id"], schema="ml")
    op.create_index("ix_challenges_source_id", "challenges", ["source_id"], schema="ml")


def _create_parts() -> None:
    op.create_table(
        "challenge_revisions",
        sa.Column("challenge_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("job_id", sa.BigInteger()),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("challenge_id", "revision", name="pk_challenge_revisions"),
        _of_challenge("challenge_revisions"),
        schema="ml",
    )
    op.create_table(
        "challenge_parts",
        sa.Column("challenge_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("baseline", sa.Double()),
        sa.PrimaryKeyConstraint("challenge_id", "revision", "part", name="pk_challenge_parts"),
        _of_challenge("challenge_parts"),
        sa.CheckConstraint("part IN ('train', 'public', 'private')", name="ck_challenge_parts_known_part"),
        sa.CheckConstraint("octet_length(sha256) = 32", name="ck_challenge_parts_sha256_length"),
        sa.CheckConstraint("rows > 0", name="ck_challenge_parts_rows"),
        schema="ml",
    )


def _create_submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("challenge_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("model_name", sa.Text()),
        sa.Column("artefact", sa.Text()),
        sa.Column("files", JSON),
        sa.Column("artefact_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.BigInteger()),
        sa.Column("state", sa.Text(), server_default="accepted", nullable=False),
        sa.Column("accepted_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("selected", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("void_reason", sa.Text()),
        sa.Column("voided_by", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_submissions"),
        _of_challenge("submissions"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["ml.jobs.id"], name="fk_submissions_job_id", ondelete="SET NULL"
        ),
        sa.CheckConstraint("state IN ('accepted', 'scored', 'void')", name="ck_submissions_known_state"),
        sa.CheckConstraint("(state = 'void') = (void_reason IS NOT NULL)", name="ck_submissions_void_reason"),
        sa.CheckConstraint("(artefact IS NULL) = (files IS NULL)", name="ck_submissions_files_of_artefact"),
        sa.CheckConstraint("octet_length(artefact_sha256) = 32", name="ck_submissions_sha256_length"),
        schema="ml",
    )
    # A submission that our failure has voided may be sent again.
    counts = sa.text("state <> 'void' OR voided_by IS NOT NULL")
    op.create_index(
        "uq_submissions_challenge_id_user_id_artefact_sha256",
        "submissions",
        ["challenge_id", "user_id", "artefact_sha256"],
        unique=True,
        schema="ml",
        postgresql_where=counts,
    )
    for column in ("job_id", "artefact", "user_id"):
        op.create_index(f"ix_submissions_{column}", "submissions", [column], schema="ml")
    op.create_index("ix_submissions_challenge_id", "submissions", ["challenge_id", "id"], schema="ml")


def _create_slots() -> None:
    op.create_table(
        "submission_slots",
        sa.Column("challenge_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("challenge_id", "user_id", "period", name="pk_submission_slots"),
        _of_challenge("submission_slots"),
        sa.CheckConstraint("used >= 0", name="ck_submission_slots_used"),
        schema="ml",
    )


def _create_scores() -> None:
    """Two tables, so that no query of public scores can read private ones."""
    for table, figures in (
        ("public_scores", ("score", "error")),
        ("private_scores", ("score", "low", "high")),
    ):
        op.create_table(
            table,
            sa.Column("submission_id", sa.BigInteger(), nullable=False),
            sa.Column("revision", sa.Integer(), nullable=False),
            *(sa.Column(name, sa.Double(), nullable=name != "score") for name in figures),
            sa.Column("versions", JSON, nullable=False),
            sa.Column("scored_at", TIME, server_default=sa.func.now(), nullable=False),
            sa.PrimaryKeyConstraint("submission_id", "revision", name=f"pk_{table}"),
            sa.ForeignKeyConstraint(
                ["submission_id"],
                ["ml.submissions.id"],
                name=f"fk_{table}_submission_id",
                ondelete="CASCADE",
            ),
            schema="ml",
        )


def _extend_jobs() -> None:
    op.add_column("jobs", sa.Column("group_id", sa.BigInteger()), schema="ml")
    op.add_column("jobs", sa.Column("context", sa.Text()), schema="ml")
    _add_challenge_to("jobs", index=True)
    # A job without a hold is free.
    for column in ("hold_key", "hold_until"):
        op.alter_column("jobs", column, nullable=True, schema="ml")
    op.create_check_constraint("ck_jobs_free_without_hold", "jobs", FREE, schema="ml")
    _replace_check("jobs", "known_kind", ALL_KINDS)
    _replace_check("jobs", "paid_result", RESULT)


def _extend_datasets() -> None:
    """A dataset belongs to a user, or to a challenge, whose members read it."""
    op.alter_column("datasets", "user_id", nullable=True, schema="ml")
    op.add_column("datasets", sa.Column("challenge_id", sa.BigInteger()), schema="ml")
    op.create_foreign_key(
        "fk_datasets_challenge_id",
        *("datasets", "challenges", ["challenge_id"], ["id"]),
        source_schema="ml",
        referent_schema="ml",
        ondelete="CASCADE",
    )
    op.create_unique_constraint("uq_datasets_challenge_id", "datasets", ["challenge_id"], schema="ml")
    op.create_check_constraint(
        "ck_datasets_one_owner", "datasets", "(user_id IS NULL) <> (challenge_id IS NULL)", schema="ml"
    )


def _add_challenge_to(table: str, *, index: bool) -> None:
    op.add_column(table, sa.Column("challenge_id", sa.BigInteger()), schema="ml")
    op.create_foreign_key(
        f"fk_{table}_challenge_id",
        *(table, "challenges", ["challenge_id"], ["id"]),
        source_schema="ml",
        referent_schema="ml",
        ondelete="SET NULL",
    )
    if index:
        op.create_index(f"ix_{table}_challenge_id", table, ["challenge_id"], schema="ml")


def _of_challenge(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["challenge_id"], ["ml.challenges.id"], name=f"fk_{table}_challenge_id", ondelete="CASCADE"
    )


def _replace_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(f"ck_{table}_{name}", table, schema="ml")
    op.create_check_constraint(f"ck_{table}_{name}", table, condition, schema="ml")
