"""Payers: a request names the group that pays, and billing's refusals reach the caller as they are."""

import asyncpg
import httpx
import orjson
import pytest
from tests.integration.ml.service import ADA, BOB, PENGUIN, Service
from tests.support.tokens import bearer

GROUP, OTHER = 12, 13
FUNDS = 50


@pytest.fixture(autouse=True)
def _funded(idle: Service) -> None:
    idle.billing.fund(GROUP, FUNDS, ADA)
    idle.billing.fund(OTHER, FUNDS, ADA)


def paid_by(group: object, **claims: object) -> dict[str, str]:
    return bearer(ADA, **claims) | {"Farebox-Group": str(group)}


def bound_key(group: int) -> dict[str, object]:
    return {"api_key": {"id": 1, "scopes": ["predict", "train"], "cap": None}, "group_id": group}


async def predict(
    service: Service, model: str, headers: dict[str, str], path: str = "/v1/models/{}/predict"
) -> httpx.Response:
    return await service.client.post(path.format(model), json={"features": PENGUIN}, headers=headers)


def pool(service: Service, group: int = GROUP) -> int:
    return service.billing.groups[group].pool.posted


@pytest.mark.parametrize("path", ["/v1/models/{}/predict", "/predict/{}"])
async def test_group_in_the_header_pays_for_a_prediction(idle: Service, model: str, path: str) -> None:
    answer = await predict(idle, model, paid_by(GROUP), path)
    assert answer.status_code == 200, answer.text
    assert (pool(idle), idle.billing.balance(ADA)) == (FUNDS - 5, 100)
    assert answer.headers["x-tokens-balance"] == str(FUNDS - 5)


async def test_group_pays_for_a_batch(idle: Service, model: str) -> None:
    rows = ",".join(PENGUIN) + "\n" + ",".join(map(str, PENGUIN.values())) + "\n"
    headers = paid_by(GROUP) | {"Content-Type": "text/csv"}
    answer = await idle.client.post(f"/v1/models/{model}/batch", content=rows, headers=headers)
    assert answer.status_code == 200, answer.text
    assert (pool(idle), idle.billing.balance(ADA)) == (FUNDS - 5, 100)


async def test_group_holds_the_price_of_a_training(idle: Service, sql: asyncpg.Connection) -> None:
    dataset = await idle.upload()
    body = {"dataset_id": dataset["id"], "type": "logistic", "label": "species"}
    answer = await idle.client.post("/v1/models", json=body, headers=paid_by(GROUP))
    assert answer.status_code == 202, answer.text
    assert (idle.billing.groups[GROUP].pool.held, idle.billing.held(ADA)) == (1, 0)
    assert await sql.fetchval("SELECT group_id FROM ml.jobs") == GROUP


async def test_group_pays_for_a_trained_model(service: Service) -> None:
    service.billing.fund(GROUP, FUNDS, ADA)
    dataset = await service.upload()
    body = {"dataset_id": dataset["id"], "type": "linear", "label": "body_mass_g", "missing_label": "drop"}
    answer = await service.client.post("/v1/models", json=body, headers=paid_by(GROUP))
    job = await service.ended(answer.json())
    assert (job["state"], job["tokens_charged"]) == ("succeeded", 1)
    assert (pool(service), service.billing.balance(ADA)) == (FUNDS - 1, 100)


async def test_repeated_key_with_another_payer_is_another_request(idle: Service, model: str) -> None:
    key = {"Idempotency-Key": "one"}
    first = await predict(idle, model, paid_by(GROUP) | key)
    again = await predict(idle, model, paid_by(GROUP) | key)
    assert (first.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    for headers in (paid_by(OTHER), bearer(ADA)):
        answer = await predict(idle, model, headers | key)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert (pool(idle), pool(idle, OTHER), idle.billing.balance(ADA)) == (FUNDS - 5, FUNDS, 100)


async def test_repeated_training_with_another_payer_is_another_request(idle: Service) -> None:
    dataset = await idle.upload()
    body = {"dataset_id": dataset["id"], "type": "logistic", "label": "species"}
    key = {"Idempotency-Key": "one"}
    first = await idle.client.post("/v1/models", json=body, headers=paid_by(GROUP) | key)
    again = await idle.client.post("/v1/models", json=body, headers=paid_by(GROUP) | key)
    assert (again.json()["id"], again.headers["idempotency-replayed"]) == (first.json()["id"], "true")
    other = await idle.client.post("/v1/models", json=body, headers=bearer(ADA) | key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_bound_api_key_pays_with_its_group(idle: Service, model: str) -> None:
    answer = await predict(idle, model, bearer(ADA, **bound_key(GROUP)))
    assert (answer.status_code, pool(idle)) == (200, FUNDS - 5)
    same = await predict(idle, model, paid_by(GROUP, **bound_key(GROUP)))
    assert (same.status_code, pool(idle)) == (200, FUNDS - 10)


@pytest.mark.parametrize("path", ["/v1/models/{}/predict", "/predict/{}"])
async def test_bound_api_key_refuses_another_group(idle: Service, model: str, path: str) -> None:
    answer = await predict(idle, model, paid_by(OTHER, **bound_key(GROUP)), path)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (pool(idle), pool(idle, OTHER)) == (FUNDS, FUNDS)


@pytest.mark.parametrize("sent", ["0", "-1", "+12", "012", "a", "", "12, 12", "9223372036854775808"])
async def test_invalid_group_is_refused(idle: Service, model: str, sent: str) -> None:
    answer = await predict(idle, model, paid_by(sent))
    assert answer.status_code == 422, answer.text
    assert idle.billing.balance(ADA) == 100


async def test_foreign_and_archived_groups_are_refused_as_by_billing(idle: Service, model: str) -> None:
    idle.billing.fund(14, FUNDS, BOB)
    idle.billing.groups[OTHER].archived = True
    for group, status, code in ((14, 404, "group_not_found"), (OTHER, 409, "group_archived")):
        for answer in (
            await predict(idle, model, paid_by(group)),
            await idle.client.post(
                "/v1/models",
                json={"dataset_id": (await idle.upload())["id"], "type": "logistic", "label": "species"},
                headers=paid_by(group),
            ),
        ):
            assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_refusal_names_the_payers(idle: Service, model: str) -> None:
    idle.billing.fund(GROUP, 3, ADA)
    answer = orjson.loads((await predict(idle, model, paid_by(GROUP))).content)
    assert (answer["code"], answer["required"], answer["available"]) == ("not_enough_tokens", 5, 3)
    assert [payer["kind"] for payer in answer["payers"]] == ["pool"]
    assert answer["limit"] is None
