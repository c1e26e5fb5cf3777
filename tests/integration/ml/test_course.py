"""Bodies of the course API."""

import json

import httpx
from tests.integration.ml.service import ADA, DATA, PENGUIN, Service
from tests.support.tokens import bearer

FEATURES = list(PENGUIN)
CHARGED = ("x-tokens-charged", "x-tokens-balance", "x-receipt-id")


async def test_create_trains_and_predict_answers(service: Service) -> None:
    created = await service.client.post(
        "/create",
        data={"model_type": "logistic", "feature_cols": json.dumps(FEATURES), "label_col": "species"},
        files={"csv_file": ("penguins.csv", (DATA / "penguins.csv").read_bytes())},
        headers=bearer(ADA),
    )
    assert created.status_code == 200, created.text
    body = created.json()
    assert body["status"] == "success"
    assert body["tokens_deducted"] == 1
    answer = await service.client.post(
        f"/predict/{body['model_name']}", json={"features": PENGUIN}, headers=bearer(ADA)
    )
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"status": "success", "prediction": "Gentoo", "tokens_deducted": 5}


async def test_retry_of_create_receives_the_same_charge(service: Service) -> None:
    async def create() -> httpx.Response:
        return await service.client.post(
            "/create",
            data={"model_type": "logistic", "feature_cols": json.dumps(FEATURES), "label_col": "species"},
            files={"csv_file": ("penguins.csv", (DATA / "penguins.csv").read_bytes())},
            headers={**bearer(ADA), "Idempotency-Key": "train-once"},
        )

    first, again = await create(), await create()
    assert again.json() == first.json()
    charged = [{name: answer.headers[name] for name in CHARGED} for answer in (first, again)]
    assert charged[0] == charged[1]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"


async def test_dataset_of_create_gets_its_details_when_it_is_shown(service: Service) -> None:
    created = await service.client.post(
        "/create",
        data={"model_type": "logistic", "feature_cols": json.dumps(FEATURES), "label_col": "species"},
        files={"csv_file": ("penguins.csv", (DATA / "penguins.csv").read_bytes())},
        headers=bearer(ADA),
    )
    assert created.status_code == 200, created.text
    listed = (await service.client.get("/v1/datasets", headers=bearer(ADA))).json()["items"]
    shown = await service.client.get(f"/v1/datasets/{listed[0]['id']}", headers=bearer(ADA))
    assert shown.json() == await service.upload()
    assert shown.json()["columns"][0]["distinct"] == 3
