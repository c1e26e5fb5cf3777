"""SQL statements of the ledger. Each handles a whole batch, with arrays as arguments."""

OPEN_WALLETS = """
INSERT INTO billing.accounts (owner_id)
SELECT unnest($1::bigint[]) ON CONFLICT (owner_id) DO NOTHING
"""

# A batch finds few rows by key. Without this setting, a plan made while the tables were small would go on
# reading all of their rows until the first automatic ANALYZE.
BEGIN = "BEGIN; SET LOCAL enable_seqscan = off"

# All writers lock in id order, so that batches with common wallets wait instead of deadlocking.
LOCK_WALLETS = """
SELECT id, owner_id, posted, held, closed_at FROM billing.accounts
WHERE owner_id = ANY($1::bigint[])
ORDER BY id FOR NO KEY UPDATE
"""

HOLD_COLUMNS = """
key, input_hash, wallet_id, tokens, state, action, units, resource, price_version, api_key_id, expires_at,
held_available, settled_tokens, ended_available, group_id, member_id, context, created_at
"""

# Holds and first answers are read after the locks, when no other batch can change them.
READ_HOLDS = f"SELECT {HOLD_COLUMNS} FROM billing.holds WHERE key = ANY($1::text[])"  # noqa: S608 - ours

READ_OPEN_HOLDS = f"""
SELECT {HOLD_COLUMNS} FROM billing.holds
WHERE state = 'held' AND wallet_id IN (SELECT id FROM billing.accounts WHERE owner_id = ANY($1::bigint[]))
"""  # noqa: S608 - ours

# One statement for three tables, because a round trip costs more than the unused columns.
READ_FIRST_ANSWERS = """
SELECT 1 AS source, key, input_hash, tokens, available, receipt_id,
    NULL::bigint AS owner_id, NULL AS kind, NULL AS action, NULL::bigint AS units, NULL AS resource,
    NULL::int AS price_version, NULL::bigint AS api_key_id,
    NULL::bigint AS group_id, NULL AS context, NULL::timestamptz AS created_at
FROM billing.operations WHERE key = ANY($1::text[])
UNION ALL
SELECT 2, NULL, input_hash, tokens, available, id,
    owner_id, kind, action, units, resource, price_version, api_key_id, group_id, context, created_at
FROM billing.receipts WHERE id = ANY($2::uuid[])
UNION ALL
SELECT 3, NULL, NULL, used, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, api_key_id, NULL, NULL, NULL
FROM billing.key_usage WHERE api_key_id = ANY($3::bigint[])
"""

READ_PRICES = """
SELECT DISTINCT ON (action) action, version, tokens, per_units FROM billing.prices
ORDER BY action, version DESC
"""

READ_QUOTES = """
SELECT quotes.id, user_id, expires_at, prices.action, version, prices.tokens, per_units
FROM billing.quotes JOIN billing.prices
    ON prices.action = quotes.action AND prices.version = quotes.price_version
WHERE quotes.id = ANY($1::uuid[])
"""

READ_KEY_USAGE = """
SELECT api_key_id, used FROM billing.key_usage
WHERE api_key_id = ANY($1::bigint[])
"""

# One statement, because most batches change these four tables and each round trip costs as much as ten rows.
WRITE_MOVEMENTS = """
WITH wallets AS (
    UPDATE billing.accounts
    SET posted = new.posted, held = new.held, closed_at = new.closed_at
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[])
        AS new (id, posted, held, closed_at)
    WHERE accounts.id = new.id
), key_usage AS (
    INSERT INTO billing.key_usage (api_key_id, used)
    SELECT * FROM unnest($5::bigint[], $6::bigint[])
    ON CONFLICT (api_key_id) DO UPDATE SET used = excluded.used
), receipts AS (
    INSERT INTO billing.receipts (
        id, owner_id, kind, tokens, action, units, resource, price_version, card_brand, card_last_four,
        input_hash, available, api_key_id, group_id, context, created_at
    )
    SELECT id, owner_id, kind, tokens, action, units, resource, price_version, card_brand, card_last_four,
        input_hash, available, api_key_id, group_id, context, coalesce(created_at, now())
    FROM unnest(
        $7::uuid[], $8::bigint[], $9::text[], $10::bigint[], $11::text[], $12::bigint[], $13::text[],
        $14::int[], $15::text[], $16::text[], $17::bytea[], $18::bigint[], $19::bigint[],
        $20::bigint[], $21::text[], $22::timestamptz[]
    ) AS new (
        id, owner_id, kind, tokens, action, units, resource, price_version, card_brand, card_last_four,
        input_hash, available, api_key_id, group_id, context, created_at
    )
)
INSERT INTO billing.transfers (
    debit_account, credit_account, amount, balance_after,
    kind, operation, action, resource, price_version, receipt_id, note, made_by, context, member_id,
    credit_balance_after, group_id
)
SELECT * FROM unnest(
    $23::bigint[], $24::bigint[], $25::bigint[], $26::bigint[],
    $27::text[], $28::text[], $29::text[], $30::text[], $31::int[], $32::uuid[], $33::text[], $34::bigint[],
    $35::text[], $36::bigint[], $37::bigint[], $38::bigint[]
)
"""

ADD_FIRST_ANSWERS = """
INSERT INTO billing.operations (key, input_hash, tokens, available, receipt_id)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::bigint[], $5::uuid[])
"""

ADD_HOLDS = f"""
INSERT INTO billing.holds ({HOLD_COLUMNS})
SELECT key, input_hash, wallet_id, tokens, state, action, units, resource, price_version, api_key_id,
    expires_at, held_available, settled_tokens, ended_available, group_id, member_id, context,
    coalesce(created_at, now())
FROM unnest(
    $1::text[], $2::bytea[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::text[],
    $9::int[], $10::bigint[], $11::timestamptz[], $12::bigint[], $13::bigint[], $14::bigint[],
    $15::bigint[], $16::bigint[], $17::text[], $18::timestamptz[]
) AS new ({HOLD_COLUMNS})
"""  # noqa: S608 - ours

CHANGE_HOLDS = """
UPDATE billing.holds
SET state = new.state, resource = new.resource, expires_at = new.expires_at,
    settled_tokens = new.settled_tokens, ended_available = new.ended_available
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[]
) AS new (key, state, resource, expires_at, settled_tokens, ended_available)
WHERE holds.key = new.key
"""

FIND_OVERDUE_HOLDS = """
SELECT key FROM billing.holds WHERE state = 'held' AND expires_at <= $1 ORDER BY expires_at LIMIT $2
"""
