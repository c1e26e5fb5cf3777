"""Accounts: deletion of a user's data, its export, and the published limits."""

import asyncpg
from tests.integration.ml.events import deliver, event
from tests.integration.ml.service import ADA, BOB, FILES_OF_A_DATASET, Service, eventually
from tests.integration.ml.test_crash_recovery import MINUTES_LONG, start_fit
from tests.support.tokens import bearer


async def test_user_deletion_deletes_datasets_models_and_files(service: Service) -> None:
    await service.train()
    await service.train(BOB)
    assert await deliver(service, event("user_deleted", user_id=ADA)) == 204

    async def only_bobs_are_left() -> bool:
        files = len(service.stored("uploads")), len(service.stored("artefacts"))
        return files == (FILES_OF_A_DATASET, 1)

    await eventually(only_bobs_are_left)
    export = (await service.client.get("/v1/me/export", headers=bearer(ADA))).json()
    assert export == {"datasets": [], "jobs": [], "models": []}
    assert len((await service.client.get("/v1/me/export", headers=bearer(BOB))).json()["models"]) == 1


async def test_user_deletion_cancels_running_job_and_releases_hold(service: Service) -> None:
    await start_fit(service, 20_000, MINUTES_LONG)
    await deliver(service, event("user_deleted", user_id=ADA))

    async def nothing_is_left() -> bool:
        jobs = (await service.client.get("/v1/jobs", headers=bearer(ADA))).json()["items"]
        return jobs == [] and service.billing.held(ADA) == 0

    await eventually(nothing_is_left)
    assert service.billing.balance(ADA) == 100


async def test_deleted_user_cannot_upload(idle: Service) -> None:
    await deliver(idle, event("user_deleted", user_id=ADA))
    answer = await idle.client.post(
        "/v1/datasets", content=b"a,b\n1,2\n", headers=bearer(ADA) | {"Content-Type": "text/csv"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "account_deleted")


async def test_events_are_refused_from_users(idle: Service) -> None:
    answer = await idle.client.post("/internal/events", json=[], headers=bearer(ADA, role="admin"))
    assert answer.status_code == 401


async def test_repeated_and_other_events_are_accepted(idle: Service) -> None:
    deletion = event("user_deleted", user_id=BOB)
    assert await deliver(idle, deletion, deletion, event("user_created", user_id=3)) == 204
    assert await deliver(idle, deletion) == 204


async def test_event_without_a_valid_id_is_refused(idle: Service) -> None:
    for user_id in ("5", " 5", 0, True, None):
        assert await deliver(idle, event("user_deleted", user_id=user_id)) == 422
    assert await deliver(idle, event("user_deleted")) == 422


async def test_export_lists_datasets_jobs_and_models(service: Service) -> None:
    job = await service.train()
    export = (await service.client.get("/v1/me/export", headers=bearer(ADA))).json()
    assert [dataset["id"] for dataset in export["datasets"]] == [job["dataset_id"]]
    assert [exported["id"] for exported in export["jobs"]] == [job["id"]]
    assert [model["name"] for model in export["models"]] == [job["model_name"]]


async def test_export_of_many_rows_is_whole(idle: Service, sql: asyncpg.Connection) -> None:
    job = await idle.start()
    columns = "user_id, kind, model_name, model_type, units, spec, fingerprint, hold_until, tokens_held"
    await sql.execute(
        f"INSERT INTO ml.jobs ({columns}, hold_key) SELECT {columns}, 'k' || n"  # noqa: S608 - our own names
        " FROM ml.jobs, generate_series(1, 50) n"
    )
    columns = "user_id, size_bytes, row_count, column_count, profile, preview, name"
    await sql.execute(
        f"INSERT INTO ml.datasets ({columns}, location, sha256)"  # noqa: S608 - as above
        f" SELECT {columns}, 'uploads/' || n, sha256(n::text::bytea)"
        " FROM ml.datasets, generate_series(1, 450) n"
    )
    export = (await idle.client.get("/v1/me/export", headers=bearer(ADA))).json()
    for name, count in (("jobs", 51), ("datasets", 451)):
        ids = [item["id"] for item in export[name]]
        assert ids == sorted(set(ids), reverse=True)
        assert len(ids) == count
    assert export["jobs"][-1]["id"] == job["id"]


async def test_limits_need_no_login(idle: Service) -> None:
    limits = (await idle.client.get("/v1/limits")).json()
    assert limits["csv"]["file_bytes"] == 50 * 1024 * 1024
    assert limits["prediction"]["rows"] >= 1000
