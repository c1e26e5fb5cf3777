"""The Python client against the real services."""

import asyncio
import zipfile
from pathlib import Path

import httpx
import pandas
import pytest
from tests.e2e.client.conftest import PASSWORD, PENGUINS, QUICK, new_name
from tests.support.stack import Stack

from farebox import AsyncFarebox, Farebox, MemoryTokenStore, NotEnoughTokens
from farebox.errors import (
    CardDeclined,
    Forbidden,
    InvalidInput,
    NameTaken,
    NotFound,
    Unauthenticated,
    WrongCredentials,
)
from farebox.results.jobs import JobEvent
from farebox.results.models import Model

CARD = "1234-5678-9999-0000"
ROW = {
    "island": "Dream",
    "bill_length_mm": 39.1,
    "bill_depth_mm": 18.7,
    "flipper_length_mm": 181,
    "body_mass_g": 3750,
    "sex": "male",
    "year": 2007,
}


def test_main_journey_from_sign_up_to_ledger(client: Farebox) -> None:
    events: list[JobEvent] = []
    model = client.models.train(
        PENGUINS, "species", type="random_forest", params=QUICK, on_progress=events.append
    )
    predicted = client.predictions.one(model.name, ROW)

    assert events[-1].kind == "succeeded"
    assert predicted.prediction == "Adelie"
    assert predicted.charge is not None
    assert (predicted.charge.tokens, predicted.charge.balance) == (5, 9)
    assert client.wallet.balance().available == 9
    assert [row.amount for row in client.wallet.ledger()] == [-5, -1, 15]
    assert predicted.charge.receipt_id is not None
    assert client.wallet.receipt(predicted.charge.receipt_id).tokens == 5


def test_auto_keeps_best_type_and_reports_every_candidate(client: Farebox) -> None:
    events: list[JobEvent] = []
    model = client.models.train(
        PENGUINS, "species", type="auto", budget={"tokens": 2, "seconds": 60}, on_progress=events.append
    )

    assert model.leaderboard is not None
    best = model.leaderboard[0]
    assert (best.chosen, best.state, best.type) == (True, "finished", model.type)
    candidates = [(event.number, event.candidate.state) for event in events if event.candidate is not None]
    assert sorted(state for _, state in candidates) == ["finished", "finished", "started", "started"]
    assert client.wallet.balance().available == 13


def test_model_has_metrics_and_baseline(penguins: Model) -> None:
    accuracy, baseline = penguins.metrics["accuracy"], penguins.baseline["accuracy"]

    assert accuracy is not None
    assert baseline is not None
    assert accuracy > baseline


def test_schema_example_can_be_predicted(owner: Farebox, penguins: Model) -> None:
    schema = owner.models.schema(penguins.name)

    predicted = owner.predictions.one(penguins.name, schema.example["features"])

    assert predicted.prediction in schema.classes


def test_rows_and_frame_give_same_predictions(owner: Farebox, penguins: Model) -> None:
    frame = pandas.read_csv(PENGUINS).drop(columns="species").head(20)

    by_frame = owner.predictions.many(penguins.name, frame)
    by_rows = owner.predictions.many(penguins.name, [row.to_dict() for _, row in frame.iterrows()])

    assert by_frame.predictions == by_rows.predictions
    assert len(by_frame.predictions) == 20


def test_same_idempotency_key_is_replayed_and_charged_once(owner: Farebox, penguins: Model) -> None:
    before = owner.wallet.balance().available
    first = owner.predictions.one(penguins.name, ROW, idempotency_key="client-test-once")
    second = owner.predictions.one(penguins.name, ROW, idempotency_key="client-test-once")

    assert first.prediction == second.prediction
    assert owner.wallet.balance().available == before - 5


def test_prediction_with_lost_response_is_repeated_and_charged_once(
    stack: Stack, owner: Farebox, penguins: Model
) -> None:
    class LosesFirstResponse(httpx.HTTPTransport):
        lost = False

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = super().handle_request(request)
            if not self.lost:
                self.lost = True
                response.close()
                raise httpx.ReadError("reset", request=request)
            return response

    before = owner.wallet.balance().available
    key, transport = owner.api_keys.create("unlucky"), LosesFirstResponse()
    with Farebox(stack.url, api_key=key.api_key, transport=transport) as unlucky:
        predicted = unlucky.predictions.one(penguins.name, ROW)

    assert transport.lost
    assert predicted.prediction == "Adelie"
    assert owner.wallet.balance().available == before - 5


def test_file_is_predicted_and_model_exported(owner: Farebox, penguins: Model, tmp_path: Path) -> None:
    frame = pandas.read_csv(PENGUINS).drop(columns="species").head(20)
    predicted = owner.models.batch(penguins.name, frame, tmp_path / "predicted.csv", probabilities=True)
    bundle = owner.models.export(penguins.name, tmp_path / "model.zip")

    assert (predicted.rows, predicted.failed) == (20, 0)
    assert predicted.charge is not None
    assert predicted.charge.tokens == 5
    assert pandas.read_csv(predicted.path)["prediction"].tolist()[0] == "Adelie"
    assert zipfile.is_zipfile(bundle)


def test_not_enough_tokens_has_both_numbers(client: Farebox) -> None:
    model = client.models.train(PENGUINS, "species", params=QUICK)
    for _ in range(2):
        client.predictions.one(model.name, ROW)

    with pytest.raises(NotEnoughTokens) as caught:
        client.predictions.one(model.name, ROW)

    assert (caught.value.required, caught.value.available) == (5, 4)
    assert caught.value.request_id


def test_dataset_is_stored_once_listed_and_deleted(client: Farebox) -> None:
    first, second = client.datasets.upload(PENGUINS), client.datasets.upload(PENGUINS)

    assert first == second
    assert [column.name for column in client.datasets.get(first.id).columns][:2] == ["species", "island"]
    assert client.datasets.preview(first.id).rows[0][0] == "Adelie"
    assert [dataset.id for dataset in client.datasets.list()] == [first.id]
    client.datasets.delete(first.id)
    assert list(client.datasets.list()) == []


def test_model_is_trained_on_frame(client: Farebox) -> None:
    frame = pandas.DataFrame({"x": range(40), "y": [3 * x + 2 for x in range(40)]})

    model = client.models.train(frame, "y", type="linear")

    assert model.task == "regression"
    assert client.predictions.one(model.name, {"x": 100}).prediction == pytest.approx(302)


def test_job_is_listed_and_its_events_are_replayed(owner: Farebox, penguins: Model) -> None:
    job = next(job for job in owner.jobs.list() if job.model_name == penguins.name)
    events = list(owner.jobs.events(job.id))

    resumed = list(owner.jobs.events(job.id, last_event_id=events[1].id))

    assert [event.id for event in resumed] == [event.id for event in events[2:]]
    assert events[-1].kind == "succeeded"


def test_api_key_is_limited_by_scopes_and_token_cap(stack: Stack, owner: Farebox, penguins: Model) -> None:
    created = owner.api_keys.create("predictions only", scopes=["predict"], token_cap=5)
    with Farebox(stack.url, api_key=created.api_key) as script:
        assert script.predictions.one(penguins.name, ROW).prediction == "Adelie"
        with pytest.raises(NotEnoughTokens) as capped:
            script.predictions.one(penguins.name, ROW)
        with pytest.raises(Forbidden, match="scope"):
            script.wallet.balance()

    assert capped.value.code == "token_cap_reached"
    assert (capped.value.required, capped.value.available) == (5, 0)
    assert created.id in [api_key.id for api_key in owner.api_keys.list()]
    owner.api_keys.revoke(created.id)


def test_session_renews_itself(stack: Stack, client: Farebox) -> None:
    store = MemoryTokenStore()
    with Farebox(stack.url, store=store) as other:
        other.log_in(client.me.get().name, PASSWORD)
        tokens = store.load()
        assert tokens is not None
        store.save(tokens.model_copy(update={"expires_at": 0.0}))
    with Farebox(stack.url, store=store) as later:
        assert later.me.get() == client.me.get()

    renewed = store.load()
    assert renewed is not None
    assert renewed.refresh_token != tokens.refresh_token


def test_changed_password_ends_login(client: Farebox) -> None:
    name = client.me.get().name
    client.me.change_password(PASSWORD, "another good password")
    with pytest.raises(WrongCredentials):
        client.log_in(name, PASSWORD)

    client.log_in(name, "another good password")

    assert client.me.set_display_name("Ada").display_name == "Ada"


def test_taken_name_and_declined_card_have_their_class(client: Farebox) -> None:
    with pytest.raises(NameTaken):
        client.sign_up(client.me.get().name, PASSWORD)
    with pytest.raises(CardDeclined):
        client.wallet.buy(5, credit_card="4000-0000-0000-0002")
    with pytest.raises(InvalidInput, match="amount"):
        client.wallet.buy(-5, credit_card=CARD)


def test_model_of_another_user_is_not_found(client: Farebox, penguins: Model) -> None:
    with pytest.raises(NotFound) as raised:
        client.predictions.one(penguins.name, ROW)

    assert raised.value.code == "model_not_found"


def test_deleted_account_cannot_log_in(client: Farebox) -> None:
    name = client.me.get().name
    assert set(client.me.export()) == {"auth", "billing", "ml"}
    client.me.delete()

    with pytest.raises(Unauthenticated):
        client.log_in(name, PASSWORD)


def test_admin_grants_disables_verifies_and_deletes(admin: Farebox, client: Farebox) -> None:
    user = client.me.get()
    granted = admin.admin.grant(user.id, 100, "for the test")
    [user_row] = admin.admin.users(query=user.name)

    assert granted.available == user_row.available == 115
    assert admin.admin.set_disabled(user.id, True).disabled
    admin.admin.set_disabled(user.id, False)
    assert admin.admin.set_role(user.id, "admin").role == "admin"
    assert admin.admin.verify_ledger().balanced
    admin.admin.delete_user(user.id)
    with pytest.raises(NotFound) as raised:
        admin.admin.set_disabled(user.id, True)
    assert raised.value.code == "user_not_found"


def test_quote_equals_price(client: Farebox) -> None:
    quote = client.prices.quote("batch", 1001)
    price = next(price for price in client.prices.list() if price.action == "batch")

    assert quote.tokens == price.cost_of(1001) == 10


def test_asynchronous_client_trains_and_predicts(stack: Stack) -> None:
    async def work() -> list[int]:
        async with AsyncFarebox(stack.url, store=MemoryTokenStore()) as client:
            await client.sign_up(new_name(), PASSWORD)
            model = await client.models.train(PENGUINS, "species", params=QUICK)
            predicted = await asyncio.gather(*(client.predictions.one(model.name, ROW) for _ in range(2)))
            assert [prediction.prediction for prediction in predicted] == ["Adelie", "Adelie"]
            return [row.amount async for row in client.wallet.ledger()]

    assert asyncio.run(work()) == [-5, -5, -1, 15]
