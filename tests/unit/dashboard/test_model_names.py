"""Display names of models and jobs, and the progress of jobs."""

from datetime import UTC, datetime

import pytest
from tests.unit.client.samples import job

from dashboard.widgets.job_progress import job_title, progress_text
from dashboard.widgets.model_summary import display_names, given_name, metric_value, name_in_ledger
from farebox.results.jobs import Job
from farebox.results.models import Model

GENERATED = "12_random_forest_20261122_081901_247321"


def model(name: str) -> Model:
    """A model with the fields of its display name only."""
    created_at = datetime(2026, 5, 4, 10, tzinfo=UTC)
    return Model.model_construct(name=name, type="random_forest", label="species", created_at=created_at)


def test_given_name_omits_owner_number_and_is_none_for_generated_names() -> None:
    assert given_name("12_penguins") == "penguins"
    assert given_name(GENERATED) is None


def test_model_without_given_name_is_named_by_type_label_and_time() -> None:
    names = display_names([model("12_penguins"), model(GENERATED)])
    assert names == {"12_penguins": "penguins", GENERATED: "Random forest for species, 04 May 10:00"}


def test_models_with_equal_display_names_show_their_internal_names() -> None:
    similar = GENERATED[:-1] + "2"
    names = display_names([model(name) for name in (GENERATED, similar)])
    assert all(name in shown for name, shown in names.items())
    assert len(set(names.values())) == 2


def test_ledger_shows_type_and_time_of_a_generated_name() -> None:
    assert name_in_ledger(GENERATED) == "Random forest, 22 Nov 08:19"
    assert name_in_ledger("12_penguins") == "penguins"


def test_job_is_titled_by_given_name_or_by_type_and_label() -> None:
    order = {"model_type": "random_forest", "label": "species"}
    assert (
        job_title(Job.model_validate(job(model_name=GENERATED, order=order))) == "Random forest for species"
    )
    assert job_title(Job.model_validate(job(model_name="12_penguins", order=order))) == "penguins"


def test_progress_of_a_queued_job_shows_its_place_or_its_retry() -> None:
    queued = job("queued", model_name="12_penguins", stage=None, queue_position=2)
    assert progress_text(Job.model_validate(queued)) == "**penguins**: queued, number 2 in the queue"
    again = queued | {"stage": "retrying, 2 of 3: the worker was lost"}
    assert progress_text(Job.model_validate(again)) == (
        "**penguins**: retrying, 2 of 3: the worker was lost, number 2 in the queue"
    )


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [
        ("accuracy", 0.80668, "80.7%"),
        ("r2_score", -1.269e-06, "0.000"),
        ("roc_auc", 0.98551, "0.986"),
        ("root_mean_squared_error", 307_534.2, "307,534"),
        ("accuracy", None, "–"),
    ],
)
def test_each_metric_has_one_format(metric: str, value: float | None, shown: str) -> None:
    assert metric_value(metric, value) == shown
