"""Budgets of groups: pools, allowances and their rules, spending limits, and holds that a group pays.

Replicas of the previous release find wallets by `owner_id`, so it stays unique, and an allowance has a
`member_id` instead. They refuse to end a hold without a `wallet_id`, which a group pays.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

TIME = sa.DateTime(timezone=True)
KINDS = "kind IN ('house', 'wallet', 'pool', 'allowance')"
# The columns that a row of this kind must have, and those that it must not have.
CHECKS_OF_KINDS = {
    "house_columns": "kind <> 'house' OR (house IS NOT NULL"
    " AND num_nonnulls(owner_id, group_id, member_id, rule_id, period, expires_at) = 0)",
    "wallet_columns": "kind <> 'wallet' OR (owner_id IS NOT NULL"
    " AND num_nonnulls(house, group_id, member_id, rule_id, period, expires_at) = 0)",
    "pool_columns": "kind <> 'pool' OR (group_id IS NOT NULL"
    " AND num_nonnulls(house, owner_id, member_id, rule_id, period) = 0)",
    "allowance_columns": "kind <> 'allowance' OR ("
    "num_nulls(group_id, member_id, rule_id, period, expires_at) = 0 AND num_nonnulls(house, owner_id) = 0)",
}
WALLET_OR_HOUSE = "(house IS NULL) <> (owner_id IS NULL)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _extend_accounts()
    _create_groups()
    _create_allowance_rules()
    _create_limits()
    _extend_holds()
    _extend_receipts()
    _extend_transfers()
    _add_default_payers()


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER announced ON billing.owners")
    op.execute("DROP FUNCTION billing.announce_payers()")
    op.drop_column("owners", "default_group", schema="billing")
    # The indexes on a column go with it.
    _drop_columns("transfers", "member_id", "group_id", "credit_balance_after", "context")
    _drop_columns("receipts", "context", "group_id")
    op.drop_constraint("ck_holds_wallet_or_group", "holds", schema="billing")
    # History stays, as holds of no wallet.
    op.execute("UPDATE billing.holds SET wallet_id = 0 WHERE wallet_id IS NULL")
    op.alter_column("holds", "wallet_id", nullable=False, schema="billing")
    _drop_columns("holds", "context", "member_id", "group_id")
    for table in (
        "receipt_parts",
        "hold_parts",
        "limit_usage",
        "limits",
        "allowance_rules",
        "members",
        "groups",
    ):
        op.drop_table(table, schema="billing")
    for name in ("kind", *CHECKS_OF_KINDS):
        op.drop_constraint(f"ck_accounts_{name}", "accounts", schema="billing")
    _drop_columns("accounts", "expires_at", "period", "rule_id", "member_id", "group_id", "kind")
    op.create_check_constraint(
        "ck_accounts_wallet_or_house",
        "accounts",
        WALLET_OR_HOUSE,
        schema="billing",
        postgresql_not_valid=True,
    )


def _drop_columns(table: str, *columns: str) -> None:
    for column in columns:
        op.drop_column(table, column, schema="billing")


def _created_at() -> sa.Column[object]:
    return sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False)


def _extend_accounts() -> None:
    # Replicas of the previous release open wallets without naming the kind.
    op.add_column(
        "accounts", sa.Column("kind", sa.String(), server_default="wallet", nullable=False), schema="billing"
    )
    for name in ("group_id", "member_id", "rule_id", "period"):
        op.add_column("accounts", sa.Column(name, sa.BigInteger()), schema="billing")
    op.add_column("accounts", sa.Column("expires_at", TIME), schema="billing")
    op.execute("UPDATE billing.accounts SET kind = 'house' WHERE house IS NOT NULL")
    op.drop_constraint("ck_accounts_wallet_or_house", "accounts", schema="billing")
    for name, condition in {"kind": KINDS, **CHECKS_OF_KINDS}.items():
        op.create_check_constraint(f"ck_accounts_{name}", "accounts", condition, schema="billing")
    is_pool, is_allowance = sa.text("kind = 'pool'"), sa.text("kind = 'allowance'")
    _index_accounts("uq_accounts_pool_group_id", ["group_id"], is_pool, unique=True)
    _index_accounts(
        "uq_accounts_allowance_rule_id_member_id_period",
        ["rule_id", "member_id", "period"],
        is_allowance,
        unique=True,
    )
    is_open = sa.text("kind = 'allowance' AND closed_at IS NULL")
    _index_accounts("ix_accounts_open_allowance_group_id_member_id", ["group_id", "member_id"], is_open)
    _index_accounts(
        "ix_accounts_open_expires_at", ["expires_at"], sa.text("expires_at IS NOT NULL AND closed_at IS NULL")
    )


def _index_accounts(name: str, columns: list[str], where: sa.TextClause, *, unique: bool = False) -> None:
    op.create_index(name, "accounts", columns, unique=unique, schema="billing", postgresql_where=where)


def _create_groups() -> None:
    op.create_table(
        "groups",
        sa.Column("group_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("pays_from", sa.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("group_id", name="pk_groups"),
        sa.CheckConstraint("state IN ('active', 'archived', 'deleted')", name="ck_groups_state"),
        sa.CheckConstraint(
            "pays_from <@ ARRAY['allowance', 'pool', 'own'] AND cardinality(pays_from) > 0",
            name="ck_groups_pays_from",
        ),
        schema="billing",
    )
    op.create_table(
        "members",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("active_since", TIME, nullable=False),
        sa.Column("is_settled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("group_id", "user_id", name="pk_members"),
        sa.CheckConstraint("state IN ('active', 'removed')", name="ck_members_state"),
        schema="billing",
    )
    op.create_index("ix_members_user_id", "members", ["user_id"], schema="billing")
    op.create_index(
        "ix_members_unsettled",
        "members",
        ["group_id", "user_id"],
        schema="billing",
        postgresql_where=sa.text("state = 'removed' AND NOT is_settled"),
    )


def _create_allowance_rules() -> None:
    op.create_table(
        "allowance_rules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("input_hash", sa.LargeBinary(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("every", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(), nullable=False),
        sa.Column("ends_at", sa.DateTime()),
        sa.Column("keeps", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), server_default="active", nullable=False),
        sa.Column("next_at", TIME),
        sa.Column("needed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        _created_at(),
        sa.PrimaryKeyConstraint("id", name="pk_allowance_rules"),
        sa.UniqueConstraint("group_id", "key", name="uq_allowance_rules_group_id_key"),
        sa.CheckConstraint("amount > 0", name="ck_allowance_rules_amount_above_zero"),
        sa.CheckConstraint("keeps > 0", name="ck_allowance_rules_keeps_above_zero"),
        sa.CheckConstraint("needed >= 0", name="ck_allowance_rules_needed_not_negative"),
        sa.CheckConstraint("state IN ('active', 'stopped')", name="ck_allowance_rules_state"),
        schema="billing",
    )
    op.create_index(
        "ix_allowance_rules_active_next_at",
        "allowance_rules",
        ["next_at"],
        schema="billing",
        postgresql_where=sa.text("state = 'active'"),
    )


def _create_limits() -> None:
    op.create_table(
        "limits",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("input_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("context", sa.String()),
        sa.Column("api_key_id", sa.BigInteger()),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("every", sa.String()),
        sa.Column("starts_at", sa.DateTime(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        _created_at(),
        sa.PrimaryKeyConstraint("id", name="pk_limits"),
        sa.UniqueConstraint("group_id", "key", name="uq_limits_group_id_key"),
        schema="billing",
    )
    op.create_table(
        "limit_usage",
        sa.Column("limit_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("limit_id", "user_id", "period", name="pk_limit_usage"),
        sa.ForeignKeyConstraint(
            ["limit_id"], ["billing.limits.id"], name="fk_limit_usage_limit_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("used >= 0", name="ck_limit_usage_used_not_negative"),
        schema="billing",
    )


def _extend_holds() -> None:
    for name in ("group_id", "member_id"):
        op.add_column("holds", sa.Column(name, sa.BigInteger()), schema="billing")
    op.add_column("holds", sa.Column("context", sa.String()), schema="billing")
    op.alter_column("holds", "wallet_id", nullable=True, schema="billing")
    op.create_check_constraint(
        "ck_holds_wallet_or_group",
        "holds",
        "(wallet_id IS NULL) = (group_id IS NOT NULL) AND (group_id IS NULL) = (member_id IS NULL)",
        schema="billing",
    )
    op.create_table(
        "hold_parts",
        sa.Column("hold_key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("settled_tokens", sa.BigInteger()),
        sa.PrimaryKeyConstraint("hold_key", "position", name="pk_hold_parts"),
        sa.ForeignKeyConstraint(["hold_key"], ["billing.holds.key"], name="fk_hold_parts_hold_key"),
        sa.CheckConstraint("tokens > 0", name="ck_hold_parts_tokens_above_zero"),
        sa.CheckConstraint("settled_tokens BETWEEN 0 AND tokens", name="ck_hold_parts_settled_within_part"),
        schema="billing",
    )


def _extend_receipts() -> None:
    op.add_column("receipts", sa.Column("group_id", sa.BigInteger()), schema="billing")
    op.add_column("receipts", sa.Column("context", sa.String()), schema="billing")
    op.create_index(
        "ix_receipts_group_id_created_at",
        "receipts",
        ["group_id", "created_at"],
        schema="billing",
        postgresql_where=sa.text("group_id IS NOT NULL"),
    )
    op.create_table(
        "receipt_parts",
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        _created_at(),
        sa.PrimaryKeyConstraint("receipt_id", "position", name="pk_receipt_parts"),
        sa.CheckConstraint("tokens > 0", name="ck_receipt_parts_tokens_above_zero"),
        schema="billing",
    )
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON billing.receipt_parts FROM billing_service")
    op.execute("""
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.receipt_parts
        FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_change()
    """)


def _extend_transfers() -> None:
    op.add_column("transfers", sa.Column("context", sa.String()), schema="billing")
    for name in ("credit_balance_after", "group_id", "member_id"):
        op.add_column("transfers", sa.Column(name, sa.BigInteger()), schema="billing")
    of_groups = sa.text("group_id IS NOT NULL")
    for columns in (["group_id", "id"], ["group_id", "member_id", "id"]):
        name = f"ix_transfers_{'_'.join(columns)}"
        op.create_index(name, "transfers", columns, schema="billing", postgresql_where=of_groups)


def _add_default_payers() -> None:
    op.add_column("owners", sa.Column("default_group", sa.BigInteger()), schema="billing")
    op.execute("""
        CREATE FUNCTION billing.announce_payers() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('billing_payers', '');
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER announced AFTER UPDATE OF default_group ON billing.owners
        FOR EACH STATEMENT EXECUTE FUNCTION billing.announce_payers()
    """)
