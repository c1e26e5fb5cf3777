"""The main flow of a course, from registration to a grant, on the pages alone."""

import re

from tests.e2e.dashboard.conftest import PENGUINS, OpenWindow
from tests.support.browser import Window
from tests.support.people import unused_name
from tests.support.stack import Stack


def test_student_registers_trains_predicts_and_receives_tokens(open_window: OpenWindow, stack: Stack) -> None:
    window, name = open_window(), unused_name("student")
    window.register(name)
    window.expect_page("Home")
    _train(window)
    _predict_until_out_of_tokens(window)

    admin = open_window()
    admin.open_as(stack.admin_name, stack, stack.admin_password, path="admin")
    admin.expect_page("Administration")
    _grant(admin, name)

    window.click("Predict (5 tokens)")
    window.expect_text("Charged 5 tokens; balance 9.")


def _train(window: Window) -> None:
    window.go("Train")
    window.upload("penguins.csv", PENGUINS.read_bytes())
    window.expect_text("Train a model")
    window.select("Label (column to predict)", "species")
    window.click("Train (1 token)")
    window.expect_text('Your random forest for "species" is ready (1 token).')
    window.screenshot("train-done")


def _predict_until_out_of_tokens(window: Window) -> None:
    window.go("Predict")
    for balance in ("balance 9.", "balance 4."):
        window.page.wait_for_timeout(2100)  # an earlier click counts as a double click
        window.click("Predict (5 tokens)")
        window.expect_text(balance)
    window.screenshot("predict")
    window.page.wait_for_timeout(2100)
    window.click("Predict (5 tokens)")
    window.expect_text("Get more tokens")
    window.screenshot("predict-refused")


def _grant(admin: Window, name: str) -> None:
    admin.fill("Name contains", name)
    admin.page.keyboard.press("Enter")
    admin.expect_text(re.compile(r"^1 user found"))
    admin.select("User", name)
    admin.fill("Tokens", "10")
    admin.fill("Reason", "ran out in the exercise")
    admin.click("Grant")
    admin.expect_text(f"Granted 10 tokens to {name}; balance 14.")
    admin.screenshot("admin-granted")
