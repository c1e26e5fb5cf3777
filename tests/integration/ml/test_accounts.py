"""Users come, go, and take their things along."""

from datetime import UTC, datetime
from uuid import uuid4

from tests.integration.ml.service import ADA, BOB, Json, Service, eventually
from tests.integration.ml.test_crash_recovery import MINUTES_LONG, start_fit
from tests.support.tokens import bearer, service_bearer


def event(kind: str, **data: object) -> Json:
    return {"id": str(uuid4()), "kind": kind, "occurred_at": datetime.now(UTC).isoformat(), "data": data}


async def tell(service: Service, *events: Json) -> int:
    headers = service_bearer("ml-service", caller="auth-service")
    return (await service.client.post("/internal/events", json=events, headers=headers)).status_code


async def test_a_deleted_users_things_are_deleted(service: Service) -> None:
    await service.train()
    await service.train(BOB)
    assert await tell(service, event("user_deleted", user_id=ADA)) == 204

    async def only_bobs_are_left() -> bool:
        return len(service.stored("uploads")) == len(service.stored("artefacts")) == 1

    await eventually(only_bobs_are_left)
    export = (await service.client.get("/v1/me/export", headers=bearer(ADA))).json()
    assert export == {"datasets": [], "jobs": [], "models": []}
    assert len((await service.client.get("/v1/me/export", headers=bearer(BOB))).json()["models"]) == 1


async def test_a_deleted_users_fit_is_stopped_and_its_hold_released(service: Service) -> None:
    await start_fit(service, 20_000, MINUTES_LONG)
    await tell(service, event("user_deleted", user_id=ADA))

    async def nothing_is_left() -> bool:
        jobs = (await service.client.get("/v1/jobs", headers=bearer(ADA))).json()["items"]
        return jobs == [] and service.billing.held(ADA) == 0

    await eventually(nothing_is_left)
    assert service.billing.balance(ADA) == 100


async def test_a_deleted_user_adds_nothing_more(idle: Service) -> None:
    await tell(idle, event("user_deleted", user_id=ADA))
    answer = await idle.client.post(
        "/v1/datasets", content=b"a,b\n1,2\n", headers=bearer(ADA) | {"Content-Type": "text/csv"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "account_deleted")


async def test_events_come_from_services_only(idle: Service) -> None:
    answer = await idle.client.post("/internal/events", json=[], headers=bearer(ADA, role="admin"))
    assert answer.status_code == 401


async def test_an_event_may_come_twice_and_others_need_nothing(idle: Service) -> None:
    same = event("user_deleted", user_id=BOB)
    assert await tell(idle, same, same, event("user_created", user_id=3)) == 204
    assert await tell(idle, same) == 204


async def test_an_export_holds_datasets_jobs_and_models(service: Service) -> None:
    job = await service.train()
    export = (await service.client.get("/v1/me/export", headers=bearer(ADA))).json()
    assert [each["id"] for each in export["datasets"]] == [job["dataset_id"]]
    assert [each["id"] for each in export["jobs"]] == [job["id"]]
    assert [each["name"] for each in export["models"]] == [job["model_name"]]


async def test_limits_are_open_to_everybody(idle: Service) -> None:
    limits = (await idle.client.get("/v1/limits")).json()
    assert limits["csv"]["file_bytes"] == 50 * 1024 * 1024
    assert limits["prediction"]["rows"] >= 1000
