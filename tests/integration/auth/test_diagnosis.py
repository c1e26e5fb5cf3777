"""Diagnosis of auth-service on a real database."""

import asyncpg
from tests.integration.auth.service import (
    ADMIN_PASSWORD,
    Consumer,
    Service,
    admin_bearer,
    run_service,
)
from tests.support.postgres import Database
from tests.support.tokens import service_bearer

OTHER_SECRET = "e5b1d0c47f29a8360e5b1d0c47f29a83"

Found = dict[str, dict[str, str | None]]


async def found(service: Service) -> Found:
    answer = await service.client.get(
        "/internal/diagnosis", headers=service_bearer("auth-service", caller="gateway")
    )
    assert answer.status_code == 200, answer.text
    return {finding["check"]: finding for finding in answer.json()["findings"]}


async def test_new_installation_has_one_administrator_with_the_first_password(service: Service) -> None:
    findings = await found(service)
    assert findings["administrators"]["status"] == "ok"
    assert findings["first password"]["status"] == "warning"
    assert "HS256" in str(findings["signing keys"]["detail"])
    assert findings["migrations"]["status"] == findings["previous secret"]["status"] == "ok"


async def test_changed_password_of_the_first_administrator_is_ok(service: Service) -> None:
    change = {"current_password": ADMIN_PASSWORD, "new_password": "a longer sentence"}
    headers = await admin_bearer(service.client)
    assert (await service.client.put("/v1/me/password", json=change, headers=headers)).status_code < 300
    assert (await found(service))["first password"]["status"] == "ok"


async def test_installation_without_an_administrator_is_failed(
    service: Service, sql: asyncpg.Connection
) -> None:
    await sql.execute("UPDATE auth.users SET disabled = true")
    findings = await found(service)
    assert findings["administrators"]["status"] == "failed"
    assert "first password" not in findings


async def test_previous_secret_is_a_warning(database: Database, consumer: Consumer) -> None:
    async with run_service(database, consumer, jwt_secret_previous=OTHER_SECRET) as service:
        assert (await found(service))["previous secret"]["status"] == "warning"


async def test_signing_keys_are_judged_by_age_and_secret(
    database: Database, consumer: Consumer, sql: asyncpg.Connection
) -> None:
    async with run_service(database, consumer, jwt_algorithm="EdDSA") as service:
        assert (await found(service))["signing keys"]["status"] == "ok"
        await sql.execute("UPDATE auth.signing_keys SET signs_from = now() - interval '40 days'")
        assert (await found(service))["signing keys"]["status"] == "warning"
        await sql.execute("UPDATE auth.signing_keys SET sealed_private_key = 'x'")
        assert (await found(service))["signing keys"]["status"] == "failed"


async def test_diagnosis_shows_no_secret(service: Service) -> None:
    answer = await service.client.get("/internal/diagnosis", headers=service_bearer("auth-service"))
    settings = service.container.settings
    for secret in (settings.jwt_secret, settings.db_password, settings.admin_password):
        assert secret is not None
        assert secret.get_secret_value() not in answer.text
