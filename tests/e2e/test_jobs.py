"""`/v1/jobs`: state, events and cancellation of jobs."""

import json

from tests.support.people import Person
from tests.support.problems import assert_problem
from tests.support.training import Json, ended, slow_table, slow_training, start, upload


async def _finished(user: Person) -> Json:
    job = await start(user, {"dataset_id": await upload(user), "type": "linear", "label": "y"})
    return await ended(user, job["id"])


async def test_finished_job_shows_its_charge(user: Person) -> None:
    job = await _finished(user)
    assert (job["state"], job["percent"], job["tokens_charged"], job["error"]) == ("succeeded", 100, 1, None)
    receipt = (await user.get(f"/v1/receipts/{job['receipt_id']}")).json()
    assert (receipt["action"], receipt["tokens"], receipt["resource"]) == ("train", 1, job["model_name"])


async def test_jobs_are_listed_newest_first(user: Person) -> None:
    older, newer = await _finished(user), await _finished(user)
    jobs = (await user.get("/v1/jobs")).json()["items"]
    assert [job["id"] for job in jobs] == [newer["id"], older["id"]]


async def test_events_contain_the_whole_history(user: Person) -> None:
    job = await _finished(user)
    response = await user.get(f"/v1/jobs/{job['id']}/events")
    assert response.headers["content-type"].startswith("text/event-stream")
    kinds = [
        line.removeprefix("event: ") for line in response.text.splitlines() if line.startswith("event: ")
    ]
    assert kinds[0] == "queued"
    assert kinds[-1] == "succeeded"
    data = [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: ")]
    assert all("at" in event for event in data)


async def test_events_resume_after_last_event_id(user: Person) -> None:
    job = await _finished(user)
    whole = (await user.get(f"/v1/jobs/{job['id']}/events")).text
    ids = [line.removeprefix("id: ") for line in whole.splitlines() if line.startswith("id: ")]
    rest = await user.get(f"/v1/jobs/{job['id']}/events", headers={"Last-Event-ID": ids[1]})
    resumed = [line.removeprefix("id: ") for line in rest.text.splitlines() if line.startswith("id: ")]
    assert resumed == ids[2:]


async def test_cancelled_job_is_free(user: Person) -> None:
    job = await start(user, slow_training(await upload(user, slow_table())))
    assert (await user.post(f"/v1/jobs/{job['id']}/cancel")).status_code == 202
    assert (await ended(user, job["id"]))["state"] == "cancelled"
    assert await user.balance() == 15
    assert_problem(await user.get(f"/v1/models/{job['model_name']}"), 404)


async def test_ended_job_cannot_be_cancelled(user: Person) -> None:
    job = await _finished(user)
    assert_problem(await user.post(f"/v1/jobs/{job['id']}/cancel"), 409, "job_ended")


async def test_job_of_another_user_is_404(user: Person, bystander: Person) -> None:
    job = await _finished(user)
    assert_problem(await bystander.get(f"/v1/jobs/{job['id']}"), 404)
    assert_problem(await bystander.get(f"/v1/jobs/{job['id']}/events"), 404)
    assert_problem(await bystander.post(f"/v1/jobs/{job['id']}/cancel"), 404)
