"""Charges without a hold, and a ledger whose batches write less.

The receipt of a charge is also its first answer, so no other row is written for it. Wallets have room on
their pages, so that an update changes no index. Indexes that no query uses are gone: those of system
accounts, whose balances are sums over all transfers. A new price is announced to all replicas.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

KINDS_BEFORE = "kind IN ('charge', 'purchase')"
KINDS = "kind IN ('charge', 'purchase', 'refund')"
WALLET = sa.text("greatest(debit_account, credit_account)")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _add_first_answers_to_receipts()
    _index_wallets_of_transfers()
    # Half of each page stays free: 64 updates of one page fit before it is pruned.
    op.execute("ALTER TABLE billing.accounts SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02)")
    op.execute("ALTER TABLE billing.allowances SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02)")
    op.execute("""
        CREATE FUNCTION billing.announce_prices() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('billing_prices', '');
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER announced AFTER INSERT ON billing.prices
        FOR EACH STATEMENT EXECUTE FUNCTION billing.announce_prices()
    """)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER announced ON billing.prices")
    op.execute("DROP FUNCTION billing.announce_prices()")
    for table in ("accounts", "allowances"):
        op.execute(f"ALTER TABLE billing.{table} RESET (fillfactor, autovacuum_vacuum_scale_factor)")
    op.drop_index("ix_transfers_wallet_id", "transfers", schema="billing")
    for side in ("debit_account", "credit_account"):
        op.create_index(f"ix_transfers_{side}_id", "transfers", [side, "id"], schema="billing")
    op.drop_index("ix_receipts_created_at", "receipts", schema="billing")
    op.create_index("ix_receipts_created_at", "receipts", ["created_at"], schema="billing")
    op.drop_constraint("ck_receipts_first_answer_is_whole", "receipts", schema="billing")
    # History stays, and so do the receipts of refunds.
    _replace_kinds(KINDS_BEFORE, postgresql_not_valid=True)
    for column in ("api_key_id", "available", "input_hash"):
        op.drop_column("receipts", column, schema="billing")


def _add_first_answers_to_receipts() -> None:
    op.add_column("receipts", sa.Column("input_hash", sa.LargeBinary()), schema="billing")
    op.add_column("receipts", sa.Column("available", sa.BigInteger()), schema="billing")
    op.add_column("receipts", sa.Column("api_key_id", sa.BigInteger()), schema="billing")
    _replace_kinds(KINDS)
    op.create_check_constraint(
        "ck_receipts_first_answer_is_whole",
        "receipts",
        "(input_hash IS NULL) = (available IS NULL)",
        schema="billing",
    )
    # Rows arrive in the order of time, so a summary of each range of pages is enough.
    op.drop_index("ix_receipts_created_at", "receipts", schema="billing")
    op.create_index(
        "ix_receipts_created_at", "receipts", ["created_at"], schema="billing", postgresql_using="brin"
    )


def _replace_kinds(kinds: str, **options: bool) -> None:
    op.drop_constraint("ck_receipts_kind", "receipts", schema="billing")
    op.create_check_constraint("ck_receipts_kind", "receipts", kinds, schema="billing", **options)


def _index_wallets_of_transfers() -> None:
    """One index over the transfer's one wallet, whose id is above those of all system accounts."""
    for side in ("debit_account", "credit_account"):
        op.drop_index(f"ix_transfers_{side}_id", "transfers", schema="billing")
    op.create_index("ix_transfers_wallet_id", "transfers", [WALLET, "id"], schema="billing")
