"""Lists of models: pages are bounded in bytes and lose no model."""

import json
import secrets

import asyncpg
from tests.integration.ml.service import ADA, Service
from tests.support.tokens import bearer

from ml_service.models.repository import MOST_NAMES


async def add_models(sql: asyncpg.Connection, count: int, detail: str = "") -> list[str]:
    """Copies of the model with a longer description; returns their names, newest first."""
    row = await sql.fetchrow("SELECT * FROM ml.models WHERE name = '1_penguins'")
    assert row is not None
    description = json.dumps(json.loads(row["description"]) | {"detail": detail})
    names = [f"1_copy{index}" for index in range(count)]
    await sql.execute(
        "INSERT INTO ml.models (user_id, name, model_type, artefact, files, description, ready_at)"
        " SELECT $1, name, 'logistic', name, $2, $3, now() FROM unnest($4::text[]) AS name",
        *(ADA, row["files"], description, names),
    )
    return names[::-1]


async def test_page_of_wide_models_is_shorter_and_the_next_one_continues(
    idle: Service,
    model: str,
    sql: asyncpg.Connection,
) -> None:
    names = [*await add_models(sql, 7, secrets.token_hex(400_000)), model]
    pages: list[list[str]] = []
    token: str | None = None
    while token is not None or not pages:
        parameters = {"page_size": "200"} | ({"page_token": token} if token else {})
        answer = await idle.client.get("/v1/models", params=parameters, headers=bearer(ADA))
        assert answer.status_code == 200, answer.text
        pages.append([item["name"] for item in answer.json()["items"]])
        token = answer.json()["next_page_token"]
    assert [name for page in pages for name in page] == names
    assert 1 <= max(map(len, pages)) <= 3


async def test_page_of_ordinary_models_has_the_requested_size(
    idle: Service,
    model: str,  # noqa: ARG001 - is copied
    sql: asyncpg.Connection,
) -> None:
    await add_models(sql, 120)
    answer = await idle.client.get("/v1/models", params={"page_size": 100}, headers=bearer(ADA))
    assert len(answer.json()["items"]) == 100


async def test_list_of_names_is_bounded(
    idle: Service,
    model: str,  # noqa: ARG001 - is copied
    sql: asyncpg.Connection,
) -> None:
    names = await add_models(sql, MOST_NAMES + 5)
    answer = await idle.client.get("/trained", headers=bearer(ADA))
    assert answer.json() == names[:MOST_NAMES]
