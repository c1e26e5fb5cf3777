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
    ModelNotFound,
    NameTaken,
    Unauthenticated,
    UserNotFound,
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


def test_the_main_job_from_sign_up_to_the_last_token(client: Farebox) -> None:
    heard: list[JobEvent] = []
    model = client.models.train(
        PENGUINS, "species", type="random_forest", params=QUICK, on_progress=heard.append
    )
    said = client.predictions.one(model.name, ROW)

    assert heard[-1].kind == "succeeded"
    assert said.prediction == "Adelie"
    assert said.charge is not None
    assert (said.charge.tokens, said.charge.balance) == (5, 9)
    assert client.wallet.balance().available == 9
    assert [each.amount for each in client.wallet.ledger()] == [-5, -1, 15]
    assert said.charge.receipt_id is not None
    assert client.wallet.receipt(said.charge.receipt_id).tokens == 5


def test_the_best_of_all_types_is_kept_and_every_candidate_told(client: Farebox) -> None:
    heard: list[JobEvent] = []
    model = client.models.train(
        PENGUINS, "species", type="auto", budget={"tokens": 2, "seconds": 60}, on_progress=heard.append
    )

    assert model.leaderboard is not None
    best = model.leaderboard[0]
    assert (best.chosen, best.state, best.type) == (True, "finished", model.type)
    told = [(each.number, each.candidate.state) for each in heard if each.candidate is not None]
    assert sorted(state for _, state in told) == ["finished", "finished", "started", "started"]
    assert client.wallet.balance().available == 13


def test_a_model_says_how_good_it_is_beside_a_baseline(penguins: Model) -> None:
    accuracy, baseline = penguins.metrics["accuracy"], penguins.baseline["accuracy"]

    assert accuracy is not None
    assert baseline is not None
    assert accuracy > baseline


def test_a_models_example_can_be_sent_as_it_is(owner: Farebox, penguins: Model) -> None:
    schema = owner.models.schema(penguins.name)

    said = owner.predictions.one(penguins.name, schema.example["features"])

    assert said.prediction in schema.classes


def test_rows_and_frames_are_answered_alike(owner: Farebox, penguins: Model) -> None:
    frame = pandas.read_csv(PENGUINS).drop(columns="species").head(20)

    by_frame = owner.predictions.many(penguins.name, frame)
    by_rows = owner.predictions.many(penguins.name, [row.to_dict() for _, row in frame.iterrows()])

    assert by_frame.predictions == by_rows.predictions
    assert len(by_frame.predictions) == 20


def test_the_same_key_is_answered_again_and_charged_once(owner: Farebox, penguins: Model) -> None:
    before = owner.wallet.balance().available
    first = owner.predictions.one(penguins.name, ROW, idempotency_key="client-test-once")
    second = owner.predictions.one(penguins.name, ROW, idempotency_key="client-test-once")

    assert first.prediction == second.prediction
    assert owner.wallet.balance().available == before - 5


def test_an_answer_lost_on_the_way_is_fetched_again_and_charged_once(
    stack: Stack, owner: Farebox, penguins: Model
) -> None:
    class LosesTheFirst(httpx.HTTPTransport):
        lost = False

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = super().handle_request(request)
            if not self.lost:
                self.lost = True
                answer.close()
                raise httpx.ReadError("reset", request=request)
            return answer

    before = owner.wallet.balance().available
    key, transport = owner.api_keys.create("unlucky"), LosesTheFirst()
    with Farebox(stack.url, api_key=key.api_key, transport=transport) as unlucky:
        said = unlucky.predictions.one(penguins.name, ROW)

    assert transport.lost
    assert said.prediction == "Adelie"
    assert owner.wallet.balance().available == before - 5


def test_a_file_is_predicted_and_a_model_taken_along(owner: Farebox, penguins: Model, tmp_path: Path) -> None:
    frame = pandas.read_csv(PENGUINS).drop(columns="species").head(20)
    told = owner.models.batch(penguins.name, frame, tmp_path / "told.csv", probabilities=True)
    bundle = owner.models.export(penguins.name, tmp_path / "model.zip")

    assert (told.rows, told.failed) == (20, 0)
    assert told.charge is not None
    assert told.charge.tokens == 5
    assert pandas.read_csv(told.path)["prediction"].tolist()[0] == "Adelie"
    assert zipfile.is_zipfile(bundle)


def test_not_enough_tokens_is_told_with_both_numbers(client: Farebox) -> None:
    model = client.models.train(PENGUINS, "species", params=QUICK)
    for _ in range(2):
        client.predictions.one(model.name, ROW)

    with pytest.raises(NotEnoughTokens) as caught:
        client.predictions.one(model.name, ROW)

    assert (caught.value.required, caught.value.available) == (5, 4)
    assert caught.value.request_id


def test_a_dataset_is_uploaded_once_and_looked_at(client: Farebox) -> None:
    first, second = client.datasets.upload(PENGUINS), client.datasets.upload(PENGUINS)

    assert first == second
    assert [each.name for each in client.datasets.get(first.id).columns][:2] == ["species", "island"]
    assert client.datasets.preview(first.id).rows[0][0] == "Adelie"
    assert [each.id for each in client.datasets.list()] == [first.id]
    client.datasets.delete(first.id)
    assert list(client.datasets.list()) == []


def test_a_frame_can_be_trained_on(client: Farebox) -> None:
    frame = pandas.DataFrame({"x": range(40), "y": [3 * x + 2 for x in range(40)]})

    model = client.models.train(frame, "y", type="linear")

    assert model.task == "regression"
    assert client.predictions.one(model.name, {"x": 100}).prediction == pytest.approx(302)


def test_a_job_is_listed_and_its_events_can_be_read_again(owner: Farebox, penguins: Model) -> None:
    job = next(each for each in owner.jobs.list() if each.model_name == penguins.name)
    events = list(owner.jobs.events(job.id))

    resumed = list(owner.jobs.events(job.id, last_event_id=events[1].id))

    assert [each.id for each in resumed] == [each.id for each in events[2:]]
    assert events[-1].kind == "succeeded"


def test_an_api_key_does_what_its_scopes_allow(stack: Stack, owner: Farebox, penguins: Model) -> None:
    made = owner.api_keys.create("predictions only", scopes=["predict"], token_cap=5)
    with Farebox(stack.url, api_key=made.api_key) as robot:
        assert robot.predictions.one(penguins.name, ROW).prediction == "Adelie"
        with pytest.raises(NotEnoughTokens):
            robot.predictions.one(penguins.name, ROW)
        with pytest.raises(Forbidden, match="scope"):
            robot.wallet.balance()

    assert made.id in [each.id for each in owner.api_keys.list()]
    owner.api_keys.revoke(made.id)


def test_a_session_renews_itself(stack: Stack, client: Farebox) -> None:
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


def test_a_changed_password_ends_the_login(client: Farebox) -> None:
    name = client.me.get().name
    client.me.change_password(PASSWORD, "another good password")
    with pytest.raises(WrongCredentials):
        client.log_in(name, PASSWORD)

    client.log_in(name, "another good password")

    assert client.me.set_display_name("Ada").display_name == "Ada"


def test_a_taken_name_and_a_declined_card_are_told_by_their_class(client: Farebox) -> None:
    with pytest.raises(NameTaken):
        client.sign_up(client.me.get().name, PASSWORD)
    with pytest.raises(CardDeclined):
        client.wallet.buy(5, credit_card="4000-0000-0000-0002")
    with pytest.raises(InvalidInput, match="amount"):
        client.wallet.buy(-5, credit_card=CARD)


def test_a_model_of_somebody_else_is_not_found(client: Farebox, penguins: Model) -> None:
    with pytest.raises(ModelNotFound):
        client.predictions.one(penguins.name, ROW)


def test_whoever_leaves_is_forgotten(client: Farebox) -> None:
    name = client.me.get().name
    assert set(client.me.export()) == {"auth", "billing", "ml"}
    client.me.delete()

    with pytest.raises(Unauthenticated):
        client.log_in(name, PASSWORD)


def test_an_administrator_grants_changes_and_checks(admin: Farebox, client: Farebox) -> None:
    user = client.me.get()
    given = admin.admin.grant(user.id, 100, "for the test")
    [listed] = admin.admin.users(query=user.name)

    assert given.available == listed.available == 115
    assert admin.admin.set_disabled(user.id, True).disabled
    admin.admin.set_disabled(user.id, False)
    assert admin.admin.set_role(user.id, "admin").role == "admin"
    assert admin.admin.verify_ledger().balanced
    admin.admin.delete_user(user.id)
    with pytest.raises(UserNotFound):
        admin.admin.set_disabled(user.id, True)


def test_prices_are_quoted(client: Farebox) -> None:
    quote = client.prices.quote("batch", 1001)
    price = next(each for each in client.prices.list() if each.action == "batch")

    assert quote.tokens == price.cost_of(1001) == 10


def test_the_asynchronous_client_does_the_same_job(stack: Stack) -> None:
    async def work() -> list[int]:
        async with AsyncFarebox(stack.url, store=MemoryTokenStore()) as client:
            await client.sign_up(new_name(), PASSWORD)
            model = await client.models.train(PENGUINS, "species", params=QUICK)
            said = await asyncio.gather(*(client.predictions.one(model.name, ROW) for _ in range(2)))
            assert [each.prediction for each in said] == ["Adelie", "Adelie"]
            return [each.amount async for each in client.wallet.ledger()]

    assert asyncio.run(work()) == [-5, -5, -1, 15]
