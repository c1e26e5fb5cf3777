"""The whole main job, by clicking alone."""

from tests.e2e.dashboard.conftest import PENGUINS, OpenWindow
from tests.support.browser import Window
from tests.support.people import unused_name
from tests.support.stack import Stack


def test_register_train_predict_run_out_of_tokens_and_be_topped_up(
    open_window: OpenWindow, stack: Stack
) -> None:
    window, name = open_window(), unused_name("student")
    window.register(name)
    window.is_at("Home")
    _train(window)
    _predict_until_the_tokens_are_spent(window)

    admin = open_window()
    admin.come_as(stack.admin_name, stack, stack.admin_password, path="admin")
    admin.is_at("Administration")
    _top_up(admin, name)

    window.press("Predict for 5 tokens")
    window.sees("5 tokens; 9 left")


def _train(window: Window) -> None:
    window.go("Train")
    window.upload("penguins.csv", PENGUINS.read_bytes())
    window.sees("What to learn")
    window.choose("Label: the column to predict", "species")
    window.press("Train for 1 token")
    window.sees("is trained, for 1 token.")
    window.picture("train-done")


def _predict_until_the_tokens_are_spent(window: Window) -> None:
    window.go("Predict")
    for left in ("9 left", "4 left"):
        window.page.wait_for_timeout(2100)  # what comes sooner counts as a double click
        window.press("Predict for 5 tokens")
        window.sees(left)
    window.picture("predict")
    window.page.wait_for_timeout(2100)
    window.press("Predict for 5 tokens")
    window.sees("Get more tokens")
    window.picture("predict-refused")


def _top_up(admin: Window, name: str) -> None:
    admin.fill("Name contains", name)
    admin.page.keyboard.press("Enter")
    admin.sees("1 user, all of them.")
    admin.choose("User", name)
    admin.fill("Tokens", "10")
    admin.fill("Reason", "ran out in the exercise")
    admin.press("Grant")
    admin.sees("got 10 tokens and has 14 now.")
    admin.picture("admin-granted")
