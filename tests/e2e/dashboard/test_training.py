"""The train page; `test_course_flow` has the training that succeeds."""

import re

from tests.e2e.dashboard.conftest import PENGUINS
from tests.support.browser import Account, Window
from tests.support.stack import PROJECT, Stack
from tests.support.tables import line_table
from tests.support.training import slow_table

WEATHER = PROJECT / "data" / "seattle-weather.csv"


def test_dataset_profile_and_training_form_are_shown(owner_window: Window) -> None:
    owner_window.go("Train")
    owner_window.expect_text("Train a model")
    owner_window.open_tab("Column detail")
    owner_window.select("Column", "bill_length_mm")
    owner_window.expect_chart()
    owner_window.screenshot("train-column")
    owner_window.page.get_by_text("Advanced options").click()
    owner_window.expect_text("Number of trees")
    owner_window.screenshot("train-form")


def test_malformed_file_is_refused_with_its_line(window: Window, account: Account, stack: Stack) -> None:
    window.open_as(account.name, stack, path="train")
    window.expect_page("Train")
    window.upload("broken.csv", b"a,b\n1,2\n3,4,5\n")
    window.expect_text(re.compile("line 3", re.IGNORECASE))
    window.screenshot("train-refused")
    window.expect_text("15 tokens")


def test_running_training_shows_progress_and_is_cancelled_without_charge(
    window: Window, account: Account, stack: Stack
) -> None:
    dataset = account.client.datasets.upload(slow_table())
    account.client.models.start(
        dataset, "y", type="random_forest", task="regression", params={"n_estimators": 500}
    )
    window.open_as(account.name, stack, path="train")
    window.expect_page("Train")
    window.screenshot("train-running")
    window.click("Cancel")
    window.expect_text("was cancelled; nothing was charged.")
    window.expect_text("15 tokens")


def test_automatic_training_ranks_candidates_within_budget(
    window: Window, account: Account, stack: Stack
) -> None:
    account.client.datasets.upload(line_table())
    window.open_as(account.name, stack, path="train")
    window.expect_page("Train")
    window.select("Model type", "The best of all types")
    window.page.get_by_text("Advanced options").click()
    window.fill("Token budget", "2")
    window.page.keyboard.press("Enter")
    window.click("Train (up to 2 tokens)")
    window.expect_text("is ready (2 tokens).")
    window.expect_text("Leaderboard")
    window.screenshot("train-leaderboard")
    [model] = account.client.models.list()
    assert model.leaderboard is not None
    assert [candidate.state for candidate in model.leaderboard].count("finished") == 2


def test_split_in_time_is_chosen_and_reported(window: Window, account: Account, stack: Stack) -> None:
    account.client.datasets.upload(WEATHER)
    window.open_as(account.name, stack, path="train")
    window.expect_page("Train")
    window.select("Label (column to predict)", "temp_max")
    window.select("Model type", "Linear")
    window.page.get_by_text("Advanced options").click()
    window.expect_text("a split by time tests on the latest rows")
    window.select("Split", "By time")
    window.expect_text("Split column")
    window.screenshot("train-split")
    window.click("Train (1 token)")
    window.expect_text("is ready (1 token).")
    [model] = account.client.models.list()
    split = account.client.models.report(model.name).recipe.split
    assert (split.by, split.column, split.test_from) == ("time", "date", "2015-03-14")


def test_model_type_unsuitable_for_the_label_is_refused(
    window: Window, account: Account, stack: Stack
) -> None:
    account.client.datasets.upload(PENGUINS)
    window.open_as(account.name, stack, path="train")
    window.expect_page("Train")
    window.select("Label (column to predict)", "species")
    window.select("Model type", "Linear")
    window.click("Train (1 token)")
    window.expect_text("which cannot be regressed")
    window.expect_text("15 tokens")


def test_column_names_are_shown_without_html_or_markdown(
    window: Window, account: Account, stack: Stack
) -> None:
    hostile = '<img src=x onerror="document.title=1">,**bold** [l](javascript:alert(1)),y\n'
    rows = "".join(f"{n % 7},{n % 5},{n}\n" for n in range(40))
    dataset = account.client.datasets.upload((hostile.replace('"', "'") + rows).encode())
    job = account.client.models.start(dataset, "y", type="linear")
    account.client.jobs.wait(job.id)
    window.open_as(account.name, stack, path="predict")
    window.expect_page("Predict")
    window.expect_text("**bold** [l](javascript:alert(1))")
    assert window.page.locator("img[src=x]").count() == 0
    assert window.page.locator("a[href^=javascript]").count() == 0
    window.screenshot("hostile-names")
