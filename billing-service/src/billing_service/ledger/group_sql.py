"""SQL statements of the ledger for groups. Each handles a whole batch, with arrays as arguments."""

FUND_COLUMNS = """
id, coalesce(owner_id, member_id, 0) AS owner, posted, held, closed_at, kind, group_id, expires_at,
rule_id, period
"""

# Wallets and accounts of groups, in the order in which all writers lock. The wallet of a user is locked with
# whatever the user spends from, so that two commands of a user never run at the same time.
LOCK_FUNDS = f"""
SELECT {FUND_COLUMNS} FROM billing.accounts
WHERE id IN (
    SELECT id FROM billing.accounts WHERE owner_id = ANY($1::bigint[])
    UNION ALL
    SELECT coalesce(wallet_id, wallets.id) FROM billing.holds
    LEFT JOIN billing.accounts AS wallets ON wallets.owner_id = holds.member_id
    WHERE key = ANY($2::text[])
    UNION ALL
    SELECT unnest(ARRAY[paid.id, pools.id]) FROM (
        SELECT account_id FROM billing.hold_parts WHERE hold_key = ANY($2::text[])
        UNION ALL
        SELECT account_id FROM billing.receipt_parts WHERE receipt_id = ANY($3::uuid[])
    ) AS parts
    JOIN billing.accounts AS paid ON paid.id = parts.account_id
    LEFT JOIN billing.accounts AS pools ON pools.kind = 'pool' AND pools.group_id = paid.group_id
        AND paid.kind = 'allowance' AND (paid.closed_at IS NOT NULL OR paid.expires_at <= $4::timestamptz)
    UNION ALL
    SELECT unnest(ARRAY[own.id, pools.id])
    FROM unnest($5::bigint[], $6::bigint[]) AS spenders (user_id, group_id)
    JOIN billing.groups ON groups.group_id = spenders.group_id
    LEFT JOIN billing.accounts AS own ON own.kind = 'allowance' AND own.closed_at IS NULL
        AND own.group_id = spenders.group_id AND own.member_id = spenders.user_id
    LEFT JOIN billing.accounts AS pools ON pools.kind = 'pool' AND pools.group_id = spenders.group_id
        AND 'pool' = ANY(groups.pays_from)
    UNION ALL
    SELECT id FROM billing.accounts WHERE kind = 'pool' AND group_id = ANY($7::bigint[])
    UNION ALL
    SELECT unnest($8::bigint[])
)
ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608 - ours

READ_SPENDERS = """
SELECT spenders.group_id, spenders.user_id, groups.state, members.state, pays_from,
    EXISTS (SELECT FROM billing.limits WHERE limits.group_id = spenders.group_id)
FROM unnest($1::bigint[], $2::bigint[]) AS spenders (user_id, group_id)
LEFT JOIN billing.groups ON groups.group_id = spenders.group_id
LEFT JOIN billing.members ON members.group_id = spenders.group_id AND members.user_id = spenders.user_id
"""

READ_HOLD_PARTS = """
SELECT hold_key, account_id, tokens, settled_tokens FROM billing.hold_parts
WHERE hold_key = ANY($1::text[]) ORDER BY hold_key, position
"""

READ_RECEIPT_PARTS = """
SELECT receipt_id, account_id, tokens FROM billing.receipt_parts
WHERE receipt_id = ANY($1::uuid[]) ORDER BY receipt_id, position
"""

READ_LIMITS = """
SELECT id, group_id, user_id, context, api_key_id, amount, every, starts_at, time_zone, created_at
FROM billing.limits WHERE group_id = ANY($1::bigint[]) ORDER BY id
"""

READ_LIMIT_USAGE = """
SELECT limit_id, user_id, period, used FROM billing.limit_usage
WHERE (limit_id, user_id, period) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]))
"""

# Under the lock of the pool, so that no other replica issues them. The ids are those of the new accounts.
READ_ISSUE = """
SELECT rules.amount, members.user_id, nextval('billing.accounts_id_seq') AS account_id
FROM billing.allowance_rules AS rules
JOIN billing.groups ON groups.group_id = rules.group_id AND groups.state = 'active'
JOIN billing.members ON members.group_id = rules.group_id
    AND members.state = 'active' AND members.active_since < $3
WHERE rules.id = $1 AND rules.state = 'active' AND NOT EXISTS (
    SELECT FROM billing.accounts
    WHERE kind = 'allowance' AND rule_id = $1 AND member_id = members.user_id AND period = $2
)
ORDER BY members.user_id
"""

ADD_ALLOWANCES = """
INSERT INTO billing.accounts (id, member_id, posted, held, group_id, expires_at, rule_id, period, kind)
SELECT *, 'allowance' FROM unnest(
    $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::bigint[],
    $8::bigint[]
)
"""

END_FUNDS = """
UPDATE billing.accounts SET expires_at = new.expires_at
FROM unnest($1::bigint[], $2::timestamptz[]) AS new (id, expires_at)
WHERE accounts.id = new.id
"""

ADD_HOLD_PARTS = """
INSERT INTO billing.hold_parts (hold_key, position, account_id, tokens, settled_tokens)
SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[])
"""

CHANGE_HOLD_PARTS = """
UPDATE billing.hold_parts SET settled_tokens = new.settled_tokens
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS new (hold_key, position, settled_tokens)
WHERE hold_parts.hold_key = new.hold_key AND hold_parts.position = new.position
"""

ADD_RECEIPT_PARTS = """
INSERT INTO billing.receipt_parts (receipt_id, position, account_id, tokens)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[])
"""

SAVE_LIMIT_USAGE = """
INSERT INTO billing.limit_usage (limit_id, user_id, period, used)
SELECT new.* FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
    AS new (limit_id, user_id, period, used)
JOIN billing.limits ON limits.id = new.limit_id
ON CONFLICT (limit_id, user_id, period) DO UPDATE SET used = excluded.used
"""

READ_DEFAULT_GROUPS = "SELECT user_id, default_group FROM billing.owners WHERE default_group IS NOT NULL"
