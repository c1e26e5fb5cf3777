"""The type `auto`, and trainings with a quote, through the gateway."""

import pytest
from tests.support.people import Person
from tests.support.problems import assert_problem
from tests.support.tables import shared
from tests.support.training import ended, start, upload

BUDGET = {"seconds": 40, "tokens": 5}


async def test_comparison_returns_the_best_type_within_the_budget(user: Person) -> None:
    dataset_id = await upload(user, shared("penguins"))
    spec = {"dataset_id": dataset_id, "type": "auto", "label": "species", "budget": BUDGET}
    job = await ended(user, (await start(user, spec))["id"])
    assert job["state"] == "succeeded", job
    model = (await user.get(f"/v1/models/{job['model_name']}")).json()
    board = model["leaderboard"]
    finished = [candidate for candidate in board if candidate["state"] == "finished"]
    assert board[0]["chosen"]
    assert (board[0]["type"], board[0]["metric"]) == (model["type"], "balanced_accuracy")
    assert 1 <= len(finished) <= BUDGET["tokens"]
    assert (job["tokens_charged"], await user.balance()) == (len(finished), 15 - len(finished))
    receipt = (await user.get(f"/v1/receipts/{job['receipt_id']}")).json()
    assert (receipt["action"], receipt["tokens"]) == ("train", len(finished))
    example = (await user.get(f"/v1/models/{model['name']}/schema")).json()["example"]
    assert (await user.post(f"/v1/models/{model['name']}/predict", json=example)).status_code == 200


async def test_events_report_every_candidate(user: Person) -> None:
    spec = {"dataset_id": await upload(user), "type": "auto", "label": "y", "budget": {"tokens": 2}}
    job = await ended(user, (await start(user, spec))["id"])
    history = (await user.get(f"/v1/jobs/{job['id']}/events")).text
    assert history.count("event: candidate") == 4
    assert history.index("event: candidate") < history.index('"stage":"saving"')


@pytest.mark.usefixtures("usual_prices")
async def test_quote_is_honoured_after_a_price_change(admin: Person, user: Person) -> None:
    quote = (await user.post("/v1/quotes", json={"action": "train"})).json()
    assert (await admin.put("/v1/prices/train", json={"tokens": 9})).status_code == 200
    spec = {"dataset_id": await upload(user), "type": "linear", "label": "y", "quote_id": quote["id"]}
    job = await ended(user, (await start(user, spec))["id"])
    assert (job["state"], job["tokens_charged"], await user.balance()) == ("succeeded", 1, 14)


async def test_quote_of_another_user_is_refused(user: Person, bystander: Person) -> None:
    quote = (await bystander.post("/v1/quotes", json={"action": "train"})).json()
    spec = {"dataset_id": await upload(user), "type": "linear", "label": "y", "quote_id": quote["id"]}
    assert_problem(await user.post("/v1/models", json=spec), 404, "quote_not_found")
    assert await user.balance() == 15


async def test_quote_for_another_request_is_refused(user: Person) -> None:
    quote = (await user.post("/v1/quotes", json={"action": "predict"})).json()
    spec = {"dataset_id": await upload(user), "type": "linear", "label": "y", "quote_id": quote["id"]}
    assert_problem(await user.post("/v1/models", json=spec), 404, "quote_not_found")
