"""Screenshots for the README: `python -m tests.e2e.dashboard.pictures` updates docs with demo data."""

import io
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, ViewportSize
from tests.support.browser import SIZE, Window, running_browser
from tests.support.people import PASSWORD
from tests.support.stack import PROJECT, Stack, running_stack

from farebox import Farebox, MemoryTokenStore
from local.example import NAME, populate
from local.example import PASSWORD as DEMO_PASSWORD

FOLDER = PROJECT / "docs" / "pages"
PICTURE_SIZE = (1000, 703)
REPORT_SIZE = ViewportSize(width=1000, height=1480)
MODEL = "2_penguins-random_forest"
COLORS = 256
# Scrolls the element to the lower edge, with a margin.
SCROLL = """element => {
  element.scrollIntoView({ block: "end" })
  document.querySelector("[data-testid=stMain]").scrollBy(0, 40)
}"""
OTHER_USERS = ("ada", "grace", "alan", "emmy")


def main() -> None:
    with running_stack() as stack, running_browser() as browser:
        populate(stack.url, print)
        for name in OTHER_USERS:
            with Farebox(stack.url, store=MemoryTokenStore()) as client:
                client.sign_up(f"{name}@example.org", PASSWORD)
        user = Window(browser.new_context(viewport=SIZE), stack.dashboard_url)
        user.open_as(NAME, stack, DEMO_PASSWORD)
        _draw_user_pages(user)
        admin = Window(browser.new_context(viewport=SIZE), stack.dashboard_url)
        _draw_administration(admin, stack)
        _draw_report(browser, stack)


def _draw_user_pages(window: Window) -> None:
    window.go("Models")
    window.select("Model", "penguins-random_forest · species")
    _save(window, "models")
    window.go("Train")
    window.select("Dataset", "penguins.csv")
    window.open_tab("Column detail")
    window.select("Column", "bill_length_mm")
    _save(window, "train", scrolled_to="Train (1 token)")
    window.go("Predict")
    window.select("Model", "penguins-random_forest · species")
    window.click("Predict (5 tokens)")
    window.expect_text("Charged 5 tokens")
    _save(window, "predict", scrolled_to="Charged 5 tokens")


def _draw_administration(window: Window, stack: Stack) -> None:
    window.open_as(stack.admin_name, stack, stack.admin_password, path="admin")
    window.select("User", NAME)
    window.expect_text("Grant tokens")
    _save(window, "admin")


def _draw_report(browser: Browser, stack: Stack) -> None:
    """The top of the page that opens offline; its address is a file."""
    with TemporaryDirectory() as folder, Farebox(stack.url, store=MemoryTokenStore()) as client:
        client.log_in(NAME, DEMO_PASSWORD)
        report = client.models.report_page(MODEL, Path(folder) / "report.html")
        page = browser.new_context(viewport=REPORT_SIZE).new_page()
        page.goto(report.as_uri())
        page.screenshot(path=PROJECT / "docs" / "report.png")


def _save(window: Window, name: str, scrolled_to: str | None = None) -> None:
    window.wait_until_drawn()
    window.page.mouse.move(0, 0)
    if scrolled_to is not None:
        window.page.get_by_text(scrolled_to).first.evaluate(SCROLL)
    # Charts fade in, and the toolbar of a table fades out.
    window.page.wait_for_timeout(1000)
    picture = Image.open(io.BytesIO(window.page.screenshot(animations="disabled"))).convert("RGB")
    small = picture.resize(PICTURE_SIZE, Image.Resampling.LANCZOS)
    small.quantize(COLORS).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
