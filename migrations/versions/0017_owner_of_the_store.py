"""The owner of the store, sizes for one quota of stored bytes, and the end of a retired table.

The random id is created here, so a dump carries it along and a new database has another one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

INDEX = "ix_idempotency_keys_files"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "store_owner",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("1"), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_store_owner_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_store_owner"),
        schema="ml",
    )
    op.execute("INSERT INTO ml.store_owner DEFAULT VALUES")
    copy_bytes = sa.Column("copy_bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    op.add_column("datasets", copy_bytes, schema="ml")
    op.create_check_constraint("ck_datasets_copy_size", "datasets", "copy_bytes >= 0", schema="ml")
    has_file = sa.text("location IS NOT NULL")
    op.create_index(INDEX, "idempotency_keys", ["scope"], schema="ml", postgresql_where=has_file)
    op.drop_table("answers", schema="ml")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_answers()
    op.drop_index(INDEX, "idempotency_keys", schema="ml")
    op.drop_column("datasets", "copy_bytes", schema="ml")
    op.drop_table("store_owner", schema="ml")


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
        sa.Column("location", sa.Text(), nullable=True),
        sa.CheckConstraint("octet_length(fingerprint) = 32", name="ck_answers_fingerprint_length"),
        sa.PrimaryKeyConstraint("id", name="pk_answers"),
        sa.UniqueConstraint("user_id", "idempotency_key", name="uq_answers_user_id_idempotency_key"),
        sa.UniqueConstraint("location", name="uq_answers_location"),
        schema="ml",
    )
    op.create_index("ix_answers_created_at", "answers", ["created_at"], unique=False, schema="ml")
