"""Tables and trainings; the course's flow shows one that succeeds."""

import re

from tests.e2e.dashboard.conftest import PENGUINS
from tests.support.browser import Somebody, Window
from tests.support.stack import Stack
from tests.support.tables import line_table
from tests.support.training import slow_table


def test_a_profile_shows_columns_findings_and_a_sensible_order(owners_window: Window) -> None:
    owners_window.go("Train")
    owners_window.sees("What to learn")
    owners_window.tab("One column")
    owners_window.choose("Column", "bill_length_mm")
    owners_window.sees("Read it as")
    owners_window.picture("train-column")
    owners_window.page.get_by_text("Parameters and more").click()
    owners_window.sees("N estimators")
    owners_window.picture("train-order")


def test_a_broken_file_is_refused_with_its_line(window: Window, somebody: Somebody, stack: Stack) -> None:
    window.come_as(somebody.name, stack, path="train")
    window.is_at("Train")
    window.upload("broken.csv", b"a,b\n1,2\n3,4,5\n")
    window.sees(re.compile("line 3", re.IGNORECASE))
    window.picture("train-refused")
    window.sees("15 tokens")


def test_a_training_shows_how_far_it_is_and_can_be_cancelled_at_no_cost(
    window: Window, somebody: Somebody, stack: Stack
) -> None:
    dataset = somebody.client.datasets.upload(slow_table())
    somebody.client.models.start(
        dataset, "y", type="random_forest", task="regression", params={"n_estimators": 500}
    )
    window.come_as(somebody.name, stack, path="train")
    window.is_at("Train")
    window.picture("train-under-way")
    window.press("Cancel")
    window.sees("was cancelled; nothing was charged.")
    window.sees("15 tokens")


def test_all_types_are_compared_within_a_budget_and_ranked(
    window: Window, somebody: Somebody, stack: Stack
) -> None:
    somebody.client.datasets.upload(line_table())
    window.come_as(somebody.name, stack, path="train")
    window.is_at("Train")
    window.choose("Type of model", "The best of all types")
    window.page.get_by_text("Parameters and more").click()
    window.fill("Tokens to spend at most", "2")
    window.page.keyboard.press("Enter")
    window.press("Train for at most 2 tokens")
    window.sees("is trained, for 2 tokens.")
    window.sees("Leaderboard")
    window.picture("train-leaderboard")
    [model] = somebody.client.models.list()
    assert model.leaderboard is not None
    assert [each.state for each in model.leaderboard].count("finished") == 2


def test_an_order_that_cannot_be_carried_out_is_refused_in_a_sentence(
    window: Window, somebody: Somebody, stack: Stack
) -> None:
    somebody.client.datasets.upload(PENGUINS)
    window.come_as(somebody.name, stack, path="train")
    window.is_at("Train")
    window.choose("Label: the column to predict", "species")
    window.choose("Type of model", "Linear")
    window.press("Train for 1 token")
    window.sees("which cannot be regressed")
    window.sees("15 tokens")


def test_a_column_named_like_html_or_markdown_is_shown_as_it_is(
    window: Window, somebody: Somebody, stack: Stack
) -> None:
    hostile = '<img src=x onerror="document.title=1">,**bold** [l](javascript:alert(1)),y\n'
    rows = "".join(f"{n % 7},{n % 5},{n}\n" for n in range(40))
    dataset = somebody.client.datasets.upload((hostile.replace('"', "'") + rows).encode())
    job = somebody.client.models.start(dataset, "y", type="linear")
    somebody.client.jobs.wait(job.id)
    window.come_as(somebody.name, stack, path="predict")
    window.is_at("Predict")
    window.sees("**bold** [l](javascript:alert(1))")
    assert window.page.locator("img[src=x]").count() == 0
    assert window.page.locator("a[href^=javascript]").count() == 0
    window.picture("hostile-names")
