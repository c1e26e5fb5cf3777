"""Submissions: slots, payment, freezing, failures, time and access."""

import asyncio
import json
from pathlib import Path

from tests.integration.ml.challenge import DAN, EVE, FUNDS, ClassRoom, moment
from tests.integration.ml.events import GROUP, deliver, event
from tests.integration.ml.service import BOB, Json, eventually, run_service
from tests.support.cluster import TestCluster
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database


async def slots(room: ClassRoom) -> dict[str, int]:
    rows = await room.sql.fetch("SELECT period, used FROM ml.submission_slots ORDER BY period DESC")
    return {"total" if row["period"] == "total" else "day": row["used"] for row in rows}


async def copies_of(room: ClassRoom, model: str, count: int) -> list[str]:
    """So many models like this one, of the same member, each with an artefact of its own digest."""
    names = [f"{model}_{number}" for number in range(count)]
    for number, name in enumerate(names):
        await room.sql.execute(
            "INSERT INTO ml.models (user_id, name, model_type, artefact, files, size_bytes, description,"
            " challenge_id, ready_at) SELECT user_id, $2, model_type, $3, files, size_bytes, description,"
            " challenge_id, now() FROM ml.models WHERE name = $1",
            *(model, name, f"0-{number}"),
        )
        source = await room.sql.fetchval("SELECT artefact FROM ml.models WHERE name = $1", model)
        files = await make_artefact(room, source, f"0-{number}", number)
        await room.sql.execute("UPDATE ml.models SET files = $2 WHERE name = $1", name, json.dumps(files))
    return names


async def make_artefact(room: ClassRoom, source: str, name: str, number: int) -> Json:
    """A copy of an artefact whose document has a space more, which changes its digest alone."""
    import hashlib

    folder = room.service.store / "artefacts"
    (folder / name).mkdir()
    files: Json = {}
    for file in (folder / source).iterdir():
        content = file.read_bytes() + (b" " * (number + 1) if file.name == "model.json" else b"")
        (folder / name / file.name).write_bytes(content)
        files[file.name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    return files


async def test_submission_is_scored_and_paid_in_the_group(room: ClassRoom) -> None:
    challenge = await room.published(slots_per_day=5, slots_total=7)
    model = await room.train(challenge)
    answer = await room.submit(challenge, model)
    accepted = answer.json()
    assert (answer.status_code, accepted["state"], accepted["late"]) == (202, "accepted", False)
    assert (accepted["slots_left"], accepted["public_score"]) == (4, None)
    assert answer.headers["location"] == f"/v1/submissions/{accepted['id']}"
    job = await room.service.ended({"id": accepted["job_id"]}, BOB)
    assert (job["kind"], job["state"], job["tokens_charged"]) == ("score", "succeeded", 1)
    assert job["order"] == {"submission_id": accepted["id"]}
    assert (job["group_id"], job["challenge_id"]) == (GROUP, challenge["id"])
    scored = await room.get(f"/v1/submissions/{accepted['id']}", BOB)
    assert scored["state"] == "scored"
    assert 0.7 < scored["public_score"] <= 1
    assert (scored["final_score"], scored["interval"], scored["entrant"]) == (None, None, "Falcon")
    assert room.service.billing.spent_in(challenge["context"], BOB) == 2
    assert room.service.billing.groups[GROUP].pool.posted == FUNDS - 2
    assert await slots(room) == {"total": 1, "day": 1}


async def test_same_artefact_gets_the_first_answer_and_no_slot(room: ClassRoom) -> None:
    challenge = await room.published()
    model = await room.train(challenge)
    first = await room.submit(challenge, model)
    again = await room.submit(challenge, model)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["idempotency-replayed"] == "true"
    retrained = await room.submit(challenge, await room.train(challenge))
    assert retrained.json()["id"] == first.json()["id"]
    assert await slots(room) == {"total": 1, "day": 1}
    await room.close(challenge)
    assert (await room.submit(challenge, model)).json()["id"] == first.json()["id"]


async def test_64_submissions_at_once_take_5_slots(room: ClassRoom) -> None:
    challenge = await room.published(slots_per_day=5, slots_total=50)
    names = await copies_of(room, await room.train(challenge), 64)
    before = room.service.billing.groups[GROUP].pool.posted
    answers = await asyncio.gather(*(room.submit(challenge, name) for name in names))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [202] * 5 + [409] * 59
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert (refused["code"], refused["limit"], refused["used"]) == ("submission_limit_reached", 5, 5)
    assert refused["resets_at"].endswith("T00:00:00Z")
    assert await slots(room) == {"total": 5, "day": 5}
    for answer in answers:
        if answer.status_code == 202:
            await room.service.ended({"id": answer.json()["job_id"]}, BOB)
    pool = room.service.billing.groups[GROUP].pool
    assert (pool.held, pool.posted) == (0, before - 5)
    assert await room.sql.fetchval("SELECT count(*) FROM ml.submissions") == 5


async def test_two_replicas_share_the_slots(
    room: ClassRoom, database: Database, tmp_path: Path, billing: MemoryBilling, cluster: TestCluster
) -> None:
    challenge = await room.published(slots_per_day=3)
    names = await copies_of(room, await room.train(challenge), 16)
    async with run_service(database, tmp_path, billing, dask_scheduler_address=cluster.address) as second:
        other = ClassRoom(second, room.sql)
        rooms = [room if number % 2 else other for number in range(len(names))]
        answers = await asyncio.gather(
            *(each.submit(challenge, name) for each, name in zip(rooms, names, strict=True)),
            *(other.submit(challenge, name) for name in names),
        )
        assert {answer.status_code for answer in answers} == {202, 409}
        assert len({a.json()["id"] for a in answers if a.status_code == 202}) == 3
        assert await slots(room) == {"total": 3, "day": 3}
        for job_id in {a.json()["job_id"] for a in answers if a.status_code == 202}:
            await room.service.ended({"id": job_id}, BOB)
    assert room.service.billing.groups[GROUP].pool.held == 0


async def test_slots_of_the_whole_challenge_end(room: ClassRoom) -> None:
    challenge = await room.published(slots_per_day=5, slots_total=1)
    await room.scored(challenge)
    answer = await room.submit(challenge, await room.train(challenge, type="knn"))
    refused = answer.json()
    assert (answer.status_code, refused["code"], refused["limit"]) == (409, "submission_limit_reached", 1)
    assert refused["resets_at"] is None


async def test_edited_artefact_is_refused_and_takes_nothing(room: ClassRoom) -> None:
    challenge = await room.published()
    model = await room.train(challenge)
    edit(room, await room.sql.fetchval("SELECT artefact FROM ml.models"))
    answer = await room.submit(challenge, model)
    assert (answer.status_code, answer.json()["code"]) == (409, "artefact_refused")
    assert await slots(room) == {}
    assert room.service.billing.groups[GROUP].pool.held == 0


async def test_artefact_edited_after_the_submission_is_void_and_its_slot_returned(room: ClassRoom) -> None:
    challenge = await room.published()
    model = await room.train(challenge)
    artefact = await room.sql.fetchval("SELECT artefact FROM ml.models")
    await room.sql.execute("UPDATE ml.jobs SET run_after = now()")
    async with room.sql.transaction():
        # No job is claimed while this lock is held.
        await room.sql.execute(f"SELECT pg_advisory_xact_lock({0x6D6C_6A6F_6273})")
        accepted = (await room.submit(challenge, model)).json()
        edit(room, artefact)
    job = await room.service.ended({"id": accepted["job_id"]}, BOB)
    assert (job["state"], job["error"]["code"], job["tokens_charged"]) == ("failed", "model_refused", 0)
    submission = await room.get(f"/v1/submissions/{accepted['id']}", BOB)
    assert (submission["state"], submission["public_score"]) == ("void", None)
    assert await slots(room) == {"total": 0, "day": 0}
    assert await room.sql.fetchval("SELECT count(*) FROM ml.private_scores") == 0
    assert room.service.billing.groups[GROUP].pool.held == 0


def edit(room: ClassRoom, artefact: str) -> None:
    path = room.service.store / "artefacts" / artefact / "predictor.npz"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


async def test_deletion_of_the_model_changes_nothing(room: ClassRoom) -> None:
    challenge = await room.published()
    model = await room.train(challenge)
    accepted = (await room.submit(challenge, model)).json()
    assert (await room.request("DELETE", f"/v1/models/{model}", BOB)).status_code == 204
    job = await room.service.ended({"id": accepted["job_id"]}, BOB)
    assert job["state"] == "succeeded"
    await room.service.app.state.container.sweeper.sweep()
    assert len(room.service.stored("artefacts")) == 1


async def test_model_of_another_training_is_not_eligible(room: ClassRoom) -> None:
    challenge = await room.published()
    own = await room.service.upload(user=BOB)
    job = await room.service.train(BOB, dataset_id=own["id"])
    other = await room.published()
    trained = await room.train(other)
    regression = await room.train(challenge, label="x", type="linear", task="regression")
    for model in (job["model_name"], trained, regression):
        answer = await room.submit(challenge, model)
        assert (answer.status_code, answer.json()["code"]) == (422, "model_not_eligible")
    foreign = await room.train(challenge)
    answer = await room.submit(challenge, foreign, EVE)
    assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")
    assert await slots(room) == {}


async def test_group_without_tokens_takes_no_slot(room: ClassRoom) -> None:
    challenge = await room.published()
    model = await room.train(challenge)
    room.service.billing.groups[GROUP].limit = 1
    answer = await room.submit(challenge, model)
    refusal = answer.json()
    assert (answer.status_code, refusal["code"]) == (402, "spending_limit_reached")
    assert (refusal["limit"]["used"], refusal["payers"][0]["kind"]) == (1, "pool")
    assert await slots(room) == {}


async def test_submission_after_the_end_is_refused_or_late(room: ClassRoom) -> None:
    refusing = await room.published()
    unranked = await room.published(late="unranked")
    models = [await room.train(challenge) for challenge in (refusing, unranked)]
    for challenge in (refusing, unranked):
        await room.close(challenge)
    refused = await room.submit(refusing, models[0])
    assert (refused.status_code, refused.json()["code"]) == (409, "challenge_not_open")
    late = (await room.submit(unranked, models[1])).json()
    assert (late["state"], late["late"]) == ("accepted", True)
    await room.service.ended({"id": late["job_id"]}, BOB)
    assert (await room.get(f"/v1/submissions/{late['id']}", BOB))["state"] == "scored"


async def test_submission_before_the_opening_is_refused(room: ClassRoom) -> None:
    challenge = await room.published(opens_at=moment(minutes=30))
    model = await room.train(challenge, DAN)
    answer = await room.submit(challenge, model, DAN)
    assert (answer.status_code, answer.json()["code"]) == (409, "challenge_not_open")


async def test_cancelled_scoring_returns_the_slot(room: ClassRoom) -> None:
    challenge = await room.published()
    model = await room.train(challenge)
    async with room.sql.transaction():
        await room.sql.execute(f"SELECT pg_advisory_xact_lock({0x6D6C_6A6F_6273})")
        accepted = (await room.submit(challenge, model)).json()
        cancelled = await room.request("POST", f"/v1/jobs/{accepted['job_id']}/cancel", BOB)
        assert cancelled.status_code == 202
    await room.service.ended({"id": accepted["job_id"]}, BOB)
    assert await slots(room) == {"total": 0, "day": 0}
    again = (await room.submit(challenge, model)).json()
    assert again["id"] != accepted["id"]
    await room.service.ended({"id": again["job_id"]}, BOB)


async def test_deleted_account_keeps_its_line_without_model_and_artefact(room: ClassRoom) -> None:
    challenge = await room.published()
    submission = await room.scored(challenge)
    await deliver(room.service, event("user_deleted", user_id=BOB))

    async def is_anonymous() -> bool:
        row = await room.sql.fetchrow("SELECT artefact, model_name FROM ml.submissions")
        return row["artefact"] is None and not room.service.stored("artefacts")

    await eventually(is_anonymous)
    shown = await room.get(f"/v1/submissions/{submission['id']}")
    assert (shown["entrant"], shown["model"], shown["state"]) == ("deleted member", None, "scored")
