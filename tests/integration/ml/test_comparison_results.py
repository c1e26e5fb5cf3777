"""Results of comparisons: the chosen model, its rivals, and the progress on the way."""

import pytest
from tests.integration.ml.service import ADA, Json, Service
from tests.integration.ml.test_comparisons import CLASSIFIERS, REGRESSORS, events_of, model_of, start_long
from tests.integration.ml.test_crash_recovery import cancel
from tests.support.tokens import bearer


@pytest.fixture
async def comparison(service: Service) -> tuple[Service, Json]:
    """The ended comparison of all types on the penguins."""
    return service, await service.train(type="auto")


async def test_chosen_classifier_is_trained_and_finished_candidates_are_charged(
    comparison: tuple[Service, Json],
) -> None:
    service, job = comparison
    model = await model_of(service, job)
    board = model["leaderboard"]
    assert [entry["state"] for entry in board] == ["finished"] * CLASSIFIERS
    assert [entry["chosen"] for entry in board] == [True] + [False] * (CLASSIFIERS - 1)
    scores = [entry["score"] for entry in board]
    assert scores[1:] == sorted(scores[1:], reverse=True)
    best = max(board, key=lambda entry: entry["score"])
    assert scores[0] >= best["score"] - best["standard_error"]
    assert len({entry["name"] for entry in board}) == CLASSIFIERS
    assert (model["type"], model["recipe"]["spec"]["params"]) == (board[0]["type"], board[0]["params"])
    assert model["recipe"]["selection"]["type"] == "auto"
    assert model["recipe"]["selection"]["chosen"] == {"type": board[0]["type"], "params": board[0]["params"]}
    assert model["metrics"]["balanced_accuracy"] > 0.9
    assert (job["tokens_held"], job["tokens_charged"]) == (CLASSIFIERS, CLASSIFIERS)
    assert (service.billing.balance(ADA), service.billing.held(ADA)) == (100 - CLASSIFIERS, 0)
    assert (await service.predict(job["model_name"])).status_code == 200
    states = [(event["number"], event["candidate"]["state"]) for event in await events_of(service, job)]
    ended = [number for number, state in states if state == "finished"]
    assert sorted(ended) == list(range(1, CLASSIFIERS + 1))
    assert all(states.index((number, "started")) < states.index((number, "finished")) for number in ended)


async def test_verdict_names_rivals_of_the_chosen_model_on_the_test_part(
    comparison: tuple[Service, Json],
) -> None:
    service, job = comparison
    model = await model_of(service, job)
    selection = model["recipe"]["selection"]
    assert selection["rule"] == "one_standard_error"
    assert {"type": "random_forest", "params": {}} in [
        {name: rival[name] for name in ("type", "params")} for rival in selection["rivals"]
    ]
    for rival in selection["rivals"]:
        assert set(rival["metrics"]) == set(model["metrics"])
    assert "On the test part, " in model["verdict"]
    assert "Random forest (defaults)" in model["verdict"]
    url = f"/v1/models/{job['model_name']}/report?format=json"
    report = (await service.client.get(url, headers=bearer(ADA))).json()
    assert report["verdict"] == model["verdict"]


async def test_progress_names_running_candidates_and_counts_the_others(
    comparison: tuple[Service, Json],
) -> None:
    service, job = comparison
    events = await events_of(service, job)
    for event in events:
        if event["candidate"]["state"] == "started":
            assert event["candidate"]["name"] in event["running"]
    assert events[0]["seconds_left"] is None
    assert (events[0]["finished"], events[0]["left"]) == (0, CLASSIFIERS)
    assert (events[-1]["finished"], events[-1]["left"], events[-1]["running"]) == (CLASSIFIERS, 0, [])
    assert events[-1]["seconds_left"] > 0
    assert (await service.job(job["id"]))["comparison"] is None


async def test_running_comparison_shows_its_candidates_and_the_time_left(service: Service) -> None:
    job = await start_long(service)
    shown = await service.job(job["id"])
    assert shown["comparison"]["of"] == REGRESSORS
    assert shown["comparison"]["finished"] >= 1
    assert all("(" in name for name in shown["comparison"]["running"])
    assert 0 < shown["comparison"]["left"] < REGRESSORS
    assert shown["estimated_seconds"] >= 1
    listed = (await service.client.get("/v1/jobs", headers=bearer(ADA))).json()["items"]
    assert listed[0]["comparison"] is not None
    await cancel(service, job)
    await service.ended(job)


async def test_comparison_with_a_split_in_time_uses_it_throughout(service: Service) -> None:
    dataset = await service.upload("seattle-weather.csv")
    split = {"by": "time", "column": "date"}
    job = await service.train(
        type="auto", label="temp_max", dataset_id=dataset["id"], budget={"tokens": 2}, split=split
    )
    model = await model_of(service, job)
    assert model["recipe"]["spec"]["split"] == {"by": "time", "column": "date"}
    assert [entry["state"] for entry in model["leaderboard"][:2]] == ["finished"] * 2
