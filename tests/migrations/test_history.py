"""Upgrades and downgrades of the schema, which ends equal to the models."""

import ast
import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from migrations.comparison import differences
from migrations.history import FOLDER, downgrade, upgrade
from tests.support.postgres import Database, Server

REVISIONS = sorted((FOLDER / "versions").glob("*.py"))
SCHEMAS = {"auth", "billing", "ml"}


async def schemas_of(database: Database) -> set[str]:
    connection = await asyncpg.connect(database.admin_dsn)
    try:
        rows = await connection.fetch("SELECT nspname FROM pg_namespace")
    finally:
        await connection.close()
    return {row["nspname"] for row in rows} & SCHEMAS


async def differences_in(server: Server, name: str) -> list[Any]:
    engine = server.migration_settings(name).create_engine()
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    return found


async def test_migrated_schema_equals_the_models(database: Database) -> None:
    assert await differences_in(database.server, database.name) == []


async def test_difference_is_detected(database: Database) -> None:
    connection = await asyncpg.connect(database.admin_dsn)
    await connection.execute("CREATE TABLE billing.forgotten (id bigint)")
    await connection.close()
    assert "forgotten" in str(await differences_in(database.server, database.name))


async def test_upgrade_creates_every_schema(empty_database: Database) -> None:
    settings = empty_database.server.migration_settings(empty_database.name)
    assert await schemas_of(empty_database) == set()
    await asyncio.to_thread(upgrade, settings)
    assert await schemas_of(empty_database) == SCHEMAS


async def test_downgrade_removes_everything_and_upgrade_restores_it(empty_database: Database) -> None:
    server, name = empty_database.server, empty_database.name
    settings = server.migration_settings(name)
    await asyncio.to_thread(upgrade, settings)
    await asyncio.to_thread(downgrade, settings, "base")
    assert await schemas_of(empty_database) == set()
    await asyncio.to_thread(upgrade, settings)
    assert await differences_in(server, name) == []


@pytest.mark.parametrize("revision", [path.name[:4] for path in REVISIONS])
async def test_each_revision_can_be_downgraded(empty_database: Database, revision: str) -> None:
    settings = empty_database.server.migration_settings(empty_database.name)
    await asyncio.to_thread(upgrade, settings, revision)
    await asyncio.to_thread(downgrade, settings, "-1")
    await asyncio.to_thread(upgrade, settings, revision)


async def test_two_databases_of_one_server_migrate_concurrently(postgres: Server) -> None:
    names = [f"twin_{uuid4().hex}" for _ in range(3)]
    for name in names:
        await postgres.execute(f"CREATE DATABASE {name}")
    walks = [asyncio.to_thread(postgres.migrate, name) for name in names]
    await asyncio.gather(*walks)
    for name in names:
        await postgres.execute(f"DROP DATABASE {name}")


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: path.stem)
@pytest.mark.parametrize("direction", ["upgrade", "downgrade"])
def test_each_revision_has_a_lock_timeout(path: Path, direction: str) -> None:
    tree = ast.parse(path.read_text())
    function = next(
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == direction
    )
    assert "SET LOCAL lock_timeout" in ast.unparse(function.body[0])


async def test_first_answers_of_the_previous_release_are_copied(empty_database: Database) -> None:
    settings = empty_database.server.migration_settings(empty_database.name)
    await asyncio.to_thread(upgrade, settings, "0008")
    connection = await asyncpg.connect(empty_database.admin_dsn)
    digest = bytes(32)
    await connection.execute(
        "INSERT INTO auth.first_answers (scope, key, fingerprint, answer) VALUES ('users', 'a', $1, $2)",
        digest,
        '{"id": 7}',
    )
    await connection.execute(
        "INSERT INTO ml.answers (user_id, idempotency_key, fingerprint, answer, location, lease_until)"
        " VALUES (7, 'b', $1, $2, 'results/1', now())",
        digest,
        b'{"predictions": [1]}',
    )
    await asyncio.to_thread(upgrade, settings)
    columns = "scope, key, fingerprint, answer, location"
    auth = await connection.fetchrow(f"SELECT {columns} FROM auth.idempotency_keys")  # noqa: S608 - our own text
    ml = await connection.fetchrow(f"SELECT {columns} FROM ml.idempotency_keys")  # noqa: S608 - our own text
    await connection.close()
    assert tuple(auth) == ("users", "a", digest, b'{"id": 7}', None)
    assert tuple(ml) == ("7", "b", digest, b'{"predictions": [1]}', "results/1")


async def test_previous_release_counts_the_usage_of_api_keys(database: Database) -> None:
    connection = await asyncpg.connect(database.admin_dsn)
    await connection.execute("SET ROLE billing_service")
    upsert = (
        "INSERT INTO billing.allowances (api_key_id, used) SELECT * FROM unnest($1::bigint[], $2::bigint[])"
        " ON CONFLICT (api_key_id) DO UPDATE SET used = excluded.used"
    )
    await connection.execute(upsert, [5, 6], [1, 2])
    await connection.execute(upsert, [5], [3])
    rows = await connection.fetch("SELECT api_key_id, used FROM billing.key_usage ORDER BY api_key_id")
    await connection.close()
    assert [tuple(row) for row in rows] == [(5, 3), (6, 2)]


async def test_previous_release_opens_and_locks_wallets_beside_funds_of_groups(database: Database) -> None:
    connection = await asyncpg.connect(database.admin_dsn)
    await connection.execute("SET ROLE billing_service")
    await connection.execute("""
        INSERT INTO billing.accounts (kind, group_id, member_id, rule_id, period, expires_at, posted)
        VALUES ('pool', 12, NULL, NULL, NULL, NULL, 100), ('allowance', 12, 7, 3, 0, now(), 30)
    """)
    for _ in range(2):
        await connection.execute(
            "INSERT INTO billing.accounts (owner_id) SELECT unnest($1::bigint[])"
            " ON CONFLICT (owner_id) DO NOTHING",
            [7, 8],
        )
    locked = await connection.fetch(
        "SELECT owner_id, posted FROM billing.accounts WHERE owner_id = ANY($1::bigint[]) ORDER BY id"
        " FOR NO KEY UPDATE",
        [7, 8],
    )
    kinds = await connection.fetch("SELECT kind, count(*) FROM billing.accounts GROUP BY kind ORDER BY kind")
    await connection.close()
    assert [tuple(row) for row in locked] == [(7, 0), (8, 0)]
    assert [tuple(row) for row in kinds] == [("allowance", 1), ("house", 4), ("pool", 1), ("wallet", 2)]


async def test_previous_release_finds_no_wallet_for_a_hold_that_a_group_pays(database: Database) -> None:
    connection = await asyncpg.connect(database.admin_dsn)
    await connection.execute("INSERT INTO billing.accounts (owner_id) VALUES (7)")
    await connection.execute("""
        INSERT INTO billing.holds (key, input_hash, tokens, state, action, units, price_version, expires_at,
            held_available, group_id, member_id)
        VALUES ('work', '', 5, 'held', 'train', 1, 1, now(), 0, 12, 7)
    """)
    wallets = await connection.fetch("""
        SELECT id FROM billing.accounts WHERE id IN (
            SELECT id FROM billing.accounts WHERE owner_id = ANY('{}'::bigint[])
            UNION SELECT wallet_id FROM billing.holds WHERE key = ANY('{work}'::text[])
        ) ORDER BY id FOR NO KEY UPDATE
    """)
    await connection.close()
    assert wallets == []
