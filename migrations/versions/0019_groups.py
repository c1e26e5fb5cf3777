"""Groups, memberships, rosters and join codes; API keys with a paying group."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_groups()
    _create_memberships()
    _create_roster_entries()
    _create_join_codes()
    op.add_column("api_keys", sa.Column("group_id", sa.BigInteger()), schema="auth")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("api_keys", "group_id", schema="auth")
    for table in ("join_codes", "roster_entries", "memberships", "groups"):
        op.drop_table(table, schema="auth")


def _create_groups() -> None:
    op.create_table(
        "groups",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("created_by", sa.BigInteger()),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_groups"),
        sa.ForeignKeyConstraint(
            ["created_by"], ["auth.users.id"], name="fk_groups_created_by", ondelete="SET NULL"
        ),
        sa.CheckConstraint("kind IN ('class', 'lab', 'team')", name="ck_groups_kind_known"),
        sa.CheckConstraint("state IN ('active', 'archived')", name="ck_groups_state_known"),
        schema="auth",
    )


def _create_memberships() -> None:
    op.create_table(
        "memberships",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("joined_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("removed_at", TIME),
        sa.Column("removed_by", sa.BigInteger()),
        sa.PrimaryKeyConstraint("group_id", "user_id", name="pk_memberships"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["auth.groups.id"], name="fk_memberships_group_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["auth.users.id"], name="fk_memberships_user_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("role IN ('owner', 'assistant', 'member')", name="ck_memberships_role_known"),
        sa.CheckConstraint("state IN ('active', 'removed')", name="ck_memberships_state_known"),
        sa.CheckConstraint(
            "(state = 'active') = (removed_at IS NULL)", name="ck_memberships_removed_with_time"
        ),
        schema="auth",
    )
    op.create_index("ix_memberships_user_id", "memberships", ["user_id"], schema="auth")
    op.create_index(
        "uq_memberships_group_id_folded_alias",
        "memberships",
        ["group_id", sa.text("lower(alias)")],
        unique=True,
        schema="auth",
    )


def _create_roster_entries() -> None:
    op.create_table(
        "roster_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text()),
        sa.Column("folded_account", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_roster_entries"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["auth.groups.id"], name="fk_roster_entries_group_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["auth.users.id"], name="fk_roster_entries_user_id", ondelete="SET NULL"
        ),
        sa.UniqueConstraint("group_id", "external_id", name="uq_roster_entries_group_id_external_id"),
        sa.UniqueConstraint("group_id", "folded_account", name="uq_roster_entries_group_id_folded_account"),
        sa.UniqueConstraint("group_id", "user_id", name="uq_roster_entries_group_id_user_id"),
        sa.CheckConstraint("role IN ('assistant', 'member')", name="ck_roster_entries_role_known"),
        schema="auth",
    )
    op.create_index("ix_roster_entries_user_id", "roster_entries", ["user_id"], schema="auth")


def _create_join_codes() -> None:
    op.create_table(
        "join_codes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.BigInteger()),
        sa.Column("only_roster", sa.Boolean(), nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("uses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_join_codes"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["auth.groups.id"], name="fk_join_codes_group_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["auth.roster_entries.id"], name="fk_join_codes_entry_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("code", name="uq_join_codes_code"),
        sa.UniqueConstraint("entry_id", name="uq_join_codes_entry_id"),
        sa.CheckConstraint("uses BETWEEN 0 AND max_uses", name="ck_join_codes_uses_limited"),
        schema="auth",
    )
    op.create_index("ix_join_codes_group_id", "join_codes", ["group_id"], schema="auth")
