from datetime import UTC, datetime

from tests.unit.client.samples import job

from dashboard.jobs.progress import title_of
from dashboard.models.names import brief_names, given_name
from farebox.results.jobs import Job
from farebox.results.models import Model

MADE_UP = "12_random_forest_20261122_081901_247321"


def model(name: str) -> Model:
    """As much of one as its name is made of."""
    made = datetime(2026, 5, 4, 10, tzinfo=UTC)
    return Model.model_construct(name=name, type="random_forest", created_at=made)


def test_the_owners_number_is_left_out_and_a_made_up_name_is_none() -> None:
    assert given_name("12_penguins") == "penguins"
    assert given_name(MADE_UP) is None


def test_models_without_a_name_are_told_apart_by_their_time() -> None:
    named = brief_names([model("12_penguins"), model(MADE_UP)])
    assert named == {"12_penguins": "penguins", MADE_UP: "Random forest, 04 May 10:00:00"}


def test_models_that_would_be_called_alike_keep_their_whole_names() -> None:
    twin = MADE_UP[:-1] + "2"
    named = brief_names([model(name) for name in (MADE_UP, twin)])
    assert named == {MADE_UP: MADE_UP, twin: twin}


def test_a_job_is_called_by_what_it_learns_unless_its_model_has_a_name() -> None:
    order = {"model_type": "random_forest", "label": "species"}
    assert title_of(Job.model_validate(job(model_name=MADE_UP, order=order))) == "Random forest for species"
    assert title_of(Job.model_validate(job(model_name="12_penguins", order=order))) == "penguins"
