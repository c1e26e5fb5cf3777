"""The usage of API keys gets its own name: an allowance is a member's share of a group's tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

RENAMED_CONSTRAINTS = ("pk_{}", "ck_{}_used_not_negative")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _rename("allowances", "key_usage")
    # Replicas of the previous release write through it; the next release drops it.
    op.execute("CREATE VIEW billing.allowances AS SELECT api_key_id, used FROM billing.key_usage")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP VIEW billing.allowances")
    _rename("key_usage", "allowances")


def _rename(old: str, new: str) -> None:
    op.rename_table(old, new, schema="billing")
    for name in RENAMED_CONSTRAINTS:
        rename = f"ALTER TABLE billing.{new} RENAME CONSTRAINT {name.format(old)} TO {name.format(new)}"
        op.execute(sa.text(rename))
