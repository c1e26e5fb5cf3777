"""Holds that were settled and whose tokens were transferred back."""

from alembic import op

revision = "0014"
down_revision = "0013"

STATES_BEFORE = "state IN ('held', 'settled', 'released', 'expired')"
STATES = "state IN ('held', 'settled', 'released', 'expired', 'refunded')"
SETTLED_BEFORE = "(state = 'settled') = (settled_tokens IS NOT NULL)"
SETTLED = "(state IN ('settled', 'refunded')) = (settled_tokens IS NOT NULL)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _replace_checks(STATES, SETTLED)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # History stays, and so do the refunded holds.
    _replace_checks(STATES_BEFORE, SETTLED_BEFORE, postgresql_not_valid=True)


def _replace_checks(states: str, settled: str, **options: bool) -> None:
    for name, condition in (("ck_holds_state", states), ("ck_holds_settled_has_tokens", settled)):
        op.drop_constraint(name, "holds", schema="billing")
        op.create_check_constraint(name, "holds", condition, schema="billing", **options)
