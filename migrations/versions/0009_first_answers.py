"""One shape for the first answers of auth-service and ml-service, which share one mechanism.

An answer is bytes, the key has a scope, and a lease says how long a running request blocks its key.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

AUTH = (
    "ALTER TABLE auth.first_answers ALTER COLUMN answer DROP NOT NULL",
    "ALTER TABLE auth.first_answers ALTER COLUMN answer TYPE bytea USING convert_to(answer::text, 'UTF8')",
    "ALTER TABLE auth.first_answers ADD COLUMN location text CONSTRAINT uq_first_answers_location UNIQUE",
    "ALTER TABLE auth.first_answers ADD COLUMN lease_until timestamptz NOT NULL DEFAULT now()",
    "ALTER TABLE auth.first_answers ALTER COLUMN lease_until DROP DEFAULT",
    "ALTER TABLE auth.first_answers ADD CONSTRAINT ck_first_answers_fingerprint_length"
    " CHECK (octet_length(fingerprint) = 32)",
)
AUTH_BACK = (
    "ALTER TABLE auth.first_answers DROP CONSTRAINT ck_first_answers_fingerprint_length",
    "ALTER TABLE auth.first_answers DROP COLUMN lease_until, DROP COLUMN location",
    "DELETE FROM auth.first_answers WHERE answer IS NULL",
    "ALTER TABLE auth.first_answers ALTER COLUMN answer TYPE jsonb USING convert_from(answer, 'UTF8')::jsonb",
    "ALTER TABLE auth.first_answers ALTER COLUMN answer SET NOT NULL",
)
ML = (
    "ALTER TABLE ml.answers RENAME TO first_answers",
    "ALTER TABLE ml.first_answers DROP CONSTRAINT pk_answers",
    "ALTER TABLE ml.first_answers DROP CONSTRAINT uq_answers_user_id_idempotency_key",
    "ALTER TABLE ml.first_answers DROP COLUMN id",
    "ALTER TABLE ml.first_answers RENAME COLUMN idempotency_key TO key",
    "ALTER TABLE ml.first_answers RENAME COLUMN user_id TO scope",
    "ALTER TABLE ml.first_answers ALTER COLUMN scope TYPE text USING scope::text",
    "ALTER TABLE ml.first_answers ADD CONSTRAINT pk_first_answers PRIMARY KEY (scope, key)",
    "ALTER TABLE ml.first_answers RENAME CONSTRAINT uq_answers_location TO uq_first_answers_location",
    "ALTER TABLE ml.first_answers RENAME CONSTRAINT ck_answers_fingerprint_length"
    " TO ck_first_answers_fingerprint_length",
    "ALTER INDEX ml.ix_answers_created_at RENAME TO ix_first_answers_created_at",
)
ML_BACK = (
    "ALTER INDEX ml.ix_first_answers_created_at RENAME TO ix_answers_created_at",
    "ALTER TABLE ml.first_answers RENAME CONSTRAINT ck_first_answers_fingerprint_length"
    " TO ck_answers_fingerprint_length",
    "ALTER TABLE ml.first_answers RENAME CONSTRAINT uq_first_answers_location TO uq_answers_location",
    "ALTER TABLE ml.first_answers DROP CONSTRAINT pk_first_answers",
    "ALTER TABLE ml.first_answers ALTER COLUMN scope TYPE bigint USING scope::bigint",
    "ALTER TABLE ml.first_answers RENAME COLUMN scope TO user_id",
    "ALTER TABLE ml.first_answers RENAME COLUMN key TO idempotency_key",
    "ALTER TABLE ml.first_answers ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE ml.first_answers ADD CONSTRAINT pk_answers PRIMARY KEY (id)",
    "ALTER TABLE ml.first_answers ADD CONSTRAINT uq_answers_user_id_idempotency_key"
    " UNIQUE (user_id, idempotency_key)",
    "ALTER TABLE ml.first_answers RENAME TO answers",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in (*AUTH, *ML):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in (*ML_BACK, *AUTH_BACK):
        op.execute(statement)
