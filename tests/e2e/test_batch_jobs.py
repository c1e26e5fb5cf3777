"""Files predicted by jobs, through the gateway."""

from tests.support.people import Person, grant
from tests.support.problems import assert_problem
from tests.support.training import Json, ended, train

CSV = {"Content-Type": "text/csv"}
ASYNC = CSV | {"Prefer": "respond-async"}
MANY = 1_000_000


def table(rows: int) -> bytes:
    lines = "".join(f"{n},0\n" for n in range(rows))
    return f"x,noise\n{lines}far,0\n".encode()


async def start_batch(user: Person, model: str, content: bytes, key: str | None = None) -> Json:
    headers = ASYNC | ({"Idempotency-Key": key} if key else {})
    response = await user.post(f"/v1/models/{model}/batch", content=content, headers=headers)
    assert response.status_code == 202, response.text
    assert response.headers["Location"] == f"/v1/jobs/{response.json()['id']}"
    assert response.headers["Preference-Applied"] == "respond-async"
    return response.json()


async def test_batch_job_result_equals_immediate_batch(owner: Person, admin: Person, line_model: str) -> None:
    await grant(admin, owner, 100)
    before = await owner.balance()
    path, content = f"/v1/models/{line_model}/batch", table(2500)
    at_once = await owner.post(path, content=content, headers=CSV)
    job = await ended(owner, (await start_batch(owner, line_model, content))["id"])
    assert (job["state"], job["kind"], job["tokens_charged"]) == ("succeeded", "batch", 15)
    result = await owner.get(f"/v1/jobs/{job['id']}/result")
    assert result.content == at_once.content
    assert (result.headers["X-Rows"], result.headers["X-Rows-Failed"]) == ("2501", "1")
    assert await owner.balance() == before - 30
    receipt = await owner.get(f"/v1/receipts/{job['receipt_id']}")
    assert (receipt.json()["tokens"], receipt.json()["action"]) == (15, "batch")


async def test_key_has_one_job_and_one_charge_for_both_ways_of_a_batch(user: Person) -> None:
    model = (await train(user))["name"]
    job = await start_batch(user, model, table(1), key="once")
    await ended(user, job["id"])
    assert (await start_batch(user, model, table(1), key="once"))["id"] == job["id"]
    keyed = CSV | {"Idempotency-Key": "once"}
    again = await user.post(f"/v1/models/{model}/batch", content=table(1), headers=keyed)
    assert (again.status_code, again.json()["id"]) == (202, job["id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await user.balance() == 15 - 1 - 5


async def test_cancelled_batch_is_released_and_has_no_result(
    owner: Person, admin: Person, line_model: str
) -> None:
    await grant(admin, owner, MANY // 200 + 5)
    before = await owner.balance()
    job = await start_batch(owner, line_model, table(MANY))
    assert_problem(await owner.get(f"/v1/jobs/{job['id']}/result"), 409, "result_pending")
    assert (await owner.post(f"/v1/jobs/{job['id']}/cancel")).status_code == 202
    job = await ended(owner, job["id"])
    assert (job["state"], job["tokens_charged"]) == ("cancelled", 0)
    assert_problem(await owner.get(f"/v1/jobs/{job['id']}/result"), 404, "no_result")
    assert await owner.balance() == before


async def test_result_of_another_users_job_is_404(user: Person, bystander: Person) -> None:
    model = (await train(user))["name"]
    job = await ended(user, (await start_batch(user, model, table(1)))["id"])
    assert (await user.get(f"/v1/jobs/{job['id']}/result")).status_code == 200
    assert_problem(await bystander.get(f"/v1/jobs/{job['id']}/result"), 404, "job_not_found")
