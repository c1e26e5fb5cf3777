"""Refunds that billing has not answered yet, and a notification of every change of a user's models."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

# The payload is the owner's id: notifications of one transaction with the same payload are sent once.
FUNCTION = """
CREATE FUNCTION ml.notify_model_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('ml_models', coalesce(NEW.user_id, OLD.user_id)::text);
    RETURN NULL;
END $$
"""
TRIGGER = """
CREATE TRIGGER notify_model_change AFTER INSERT OR UPDATE OR DELETE ON ml.models
FOR EACH ROW EXECUTE FUNCTION ml.notify_model_change()
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "refunds",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_refunds"),
        schema="ml",
    )
    op.execute(FUNCTION)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER notify_model_change ON ml.models")
    op.execute("DROP FUNCTION ml.notify_model_change()")
    op.drop_table("refunds", schema="ml")
