"""The billing schema: wallets, the ledger, holds, prices, purchases and receipts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

HOUSE = {1: "grants", 2: "sales", 3: "revenue", 4: "expired"}
KEPT_FOREVER = ("transfers", "receipts", "operations", "prices")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_accounts()
    create_transfers()
    create_holds()
    create_answers()
    create_prices()
    create_people()
    protect_the_ledger()


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    tables = "inbox owners purchases quotes prices receipts operations allowances holds transfers accounts"
    for table in tables.split():
        op.drop_table(table, schema="billing")
    op.execute("DROP FUNCTION billing.refuse_change()")


def created_at(name: str = "created_at") -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def create_accounts() -> None:
    accounts = op.create_table(
        "accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(start=1000), nullable=False),
        sa.Column("house", sa.String()),
        sa.Column("owner_id", sa.BigInteger()),
        sa.Column("posted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("held", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("house", name="uq_accounts_house"),
        sa.UniqueConstraint("owner_id", name="uq_accounts_owner_id"),
        sa.CheckConstraint("(house IS NULL) <> (owner_id IS NULL)", name="ck_accounts_wallet_or_house"),
        sa.CheckConstraint("house IS NULL OR (posted = 0 AND held = 0)", name="ck_accounts_house_is_summed"),
        sa.CheckConstraint("held >= 0", name="ck_accounts_held_not_negative"),
        sa.CheckConstraint("posted - held >= 0", name="ck_accounts_nothing_overspent"),
        sa.CheckConstraint("closed_at IS NULL OR posted = 0", name="ck_accounts_closed_is_empty"),
        schema="billing",
    )
    op.bulk_insert(accounts, [{"id": number, "house": name} for number, name in HOUSE.items()])


def create_transfers() -> None:
    op.create_table(
        "transfers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("debit_account", sa.BigInteger(), nullable=False),
        sa.Column("credit_account", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("action", sa.String()),
        sa.Column("resource", sa.String()),
        sa.Column("price_version", sa.Integer()),
        sa.Column("receipt_id", sa.Uuid()),
        sa.Column("note", sa.String()),
        sa.Column("made_by", sa.BigInteger()),
        sa.Column("balance_after", sa.BigInteger(), nullable=False),
        created_at(),
        sa.PrimaryKeyConstraint("id", name="pk_transfers"),
        sa.CheckConstraint("amount > 0", name="ck_transfers_amount_above_zero"),
        sa.CheckConstraint("debit_account <> credit_account", name="ck_transfers_two_accounts"),
        schema="billing",
    )
    for side in ("debit_account", "credit_account"):
        op.create_index(f"ix_transfers_{side}_id", "transfers", [side, "id"], schema="billing")


def create_holds() -> None:
    op.create_table(
        "holds",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("input_hash", sa.LargeBinary(), nullable=False),
        sa.Column("wallet_id", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("resource", sa.String()),
        sa.Column("price_version", sa.Integer(), nullable=False),
        sa.Column("api_key_id", sa.BigInteger()),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_available", sa.BigInteger(), nullable=False),
        sa.Column("settled_tokens", sa.BigInteger()),
        sa.Column("ended_available", sa.BigInteger()),
        created_at(),
        sa.PrimaryKeyConstraint("key", name="pk_holds"),
        sa.CheckConstraint("state IN ('held', 'settled', 'released', 'expired')", name="ck_holds_state"),
        sa.CheckConstraint("tokens >= 0", name="ck_holds_tokens_not_negative"),
        sa.CheckConstraint("settled_tokens BETWEEN 0 AND tokens", name="ck_holds_settled_within_hold"),
        sa.CheckConstraint(
            "(state = 'settled') = (settled_tokens IS NOT NULL)", name="ck_holds_settled_has_tokens"
        ),
        sa.CheckConstraint("(state = 'held') = (ended_available IS NULL)", name="ck_holds_ended_has_answer"),
        schema="billing",
    )
    for column in ("expires_at", "wallet_id"):
        is_open = sa.text("state = 'held'")
        op.create_index(
            f"ix_holds_open_{column}", "holds", [column], schema="billing", postgresql_where=is_open
        )


def create_answers() -> None:
    op.create_table(
        "operations",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("input_hash", sa.LargeBinary(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("receipt_id", sa.Uuid()),
        created_at(),
        sa.PrimaryKeyConstraint("key", name="pk_operations"),
        schema="billing",
    )
    op.create_table(
        "allowances",
        sa.Column("api_key_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("api_key_id", name="pk_allowances"),
        sa.CheckConstraint("used >= 0", name="ck_allowances_used_not_negative"),
        schema="billing",
    )
    op.create_table(
        "receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String()),
        sa.Column("units", sa.BigInteger()),
        sa.Column("resource", sa.String()),
        sa.Column("price_version", sa.Integer()),
        sa.Column("card_brand", sa.String()),
        sa.Column("card_last_four", sa.String()),
        created_at(),
        sa.PrimaryKeyConstraint("id", name="pk_receipts"),
        sa.CheckConstraint("kind IN ('charge', 'purchase')", name="ck_receipts_kind"),
        schema="billing",
    )
    op.create_index(
        "ix_receipts_owner_id_created_at", "receipts", ["owner_id", "created_at"], schema="billing"
    )
    op.create_index("ix_receipts_created_at", "receipts", ["created_at"], schema="billing")


def create_prices() -> None:
    op.create_table(
        "prices",
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("per_units", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.BigInteger()),
        created_at(),
        sa.PrimaryKeyConstraint("action", "version", name="pk_prices"),
        sa.CheckConstraint("tokens >= 0", name="ck_prices_tokens_not_negative"),
        sa.CheckConstraint("per_units > 0", name="ck_prices_per_units_above_zero"),
        schema="billing",
    )
    op.create_table(
        "quotes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("price_version", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        created_at(),
        sa.PrimaryKeyConstraint("id", name="pk_quotes"),
        sa.UniqueConstraint("user_id", "key", name="uq_quotes_user_id_key"),
        schema="billing",
    )


def create_people() -> None:
    op.create_table(
        "purchases",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("input_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("card_brand", sa.String(), nullable=False),
        sa.Column("card_last_four", sa.String(), nullable=False),
        created_at(),
        sa.PrimaryKeyConstraint("key", name="pk_purchases"),
        schema="billing",
    )
    op.create_table(
        "owners",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("folded_name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_owners"),
        schema="billing",
    )
    op.create_index("ix_owners_folded_name", "owners", ["folded_name"], schema="billing")
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        created_at("received_at"),
        sa.PrimaryKeyConstraint("event_id", name="pk_inbox"),
        schema="billing",
    )


def protect_the_ledger() -> None:
    """History is append-only: no privilege to change it, and a trigger that stops the owner."""
    op.execute("""
        CREATE FUNCTION billing.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only; correct it with a new movement', TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation';
        END $$
    """)
    for table in KEPT_FOREVER:
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON billing.{table} FROM billing_service")
        op.execute(f"""
            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.{table}
            FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_change()
        """)
