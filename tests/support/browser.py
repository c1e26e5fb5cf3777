"""A browser for tests of the dashboard: chromium, with a separate window for each user."""

import re
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    FilePayload,
    Locator,
    ViewportSize,
    expect,
    sync_playwright,
)
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from farebox import Farebox, MemoryTokenStore
from tests.support.people import PASSWORD, unused_name
from tests.support.stack import PROJECT, Stack

SCREENSHOTS = PROJECT / ".artifacts" / "screens"
EXECUTABLES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
TIMEOUT_MS = 60_000  # enough for a busy machine
OPTION_TIMEOUT_MS = 3_000
RERUN_TIMEOUT_MS = 1_000
POLL_MS = 50
SIZE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@contextmanager
def running_browser() -> Generator[Browser]:
    path = next(filter(None, map(shutil.which, EXECUTABLES)), None)
    assert path, "These tests need chromium; install it, e.g. apt-get install chromium."
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Account:
    """A user, and a client to check the state behind the pages."""

    name: str
    client: Farebox


def new_account(stack: Stack, tokens: int = 0) -> Account:
    client, name = Farebox(stack.url, store=MemoryTokenStore()), unused_name("clicks")
    client.sign_up(name, PASSWORD)
    if tokens:
        client.wallet.buy(tokens, credit_card="1234-5678-9999-0000")
    return Account(name, client)


class Window:
    """One browser profile with its cookies; `page` is its first tab."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context, self.address = context, address
        context.set_default_timeout(TIMEOUT_MS)
        self.page = context.new_page()

    def open(self, path: str = "") -> None:
        self.page.goto(f"{self.address}/{path}")

    def register(self, name: str) -> None:
        self.open()
        self.page.get_by_role("tab", name="Register").click()
        self.fill("Name or e-mail", name)
        self.fill("Password", PASSWORD)
        self.fill("Confirm password", PASSWORD)
        self.click("Register")
        self.wait_for_cookie()

    def log_in(self, name: str, password: str = PASSWORD) -> None:
        self.fill("Name or e-mail", name)
        self.fill("Password", password)
        self.click("Log in")

    def open_as(self, name: str, stack: Stack, password: str = PASSWORD, path: str = "") -> None:
        """Open a page in a logged-in browser."""
        store = MemoryTokenStore()
        with Farebox(stack.url, store=store) as client:
            client.log_in(name, password)
        tokens = store.load()
        assert tokens is not None
        assert tokens.refresh_token is not None
        self.put_cookie(tokens.refresh_token)
        self.open(path)
        # A refresh token works once, so the dashboard replaces it.
        self.wait_for_cookie(other_than=tokens.refresh_token)

    def put_cookie(self, value: str) -> None:
        name, url = self.cookie_name, self.address
        cookie = {"name": name, "value": value, "url": url, "httpOnly": True, "sameSite": "Strict"}
        self.context.add_cookies([cookie])

    @property
    def cookie_name(self) -> str:
        return f"farebox_login_{urlsplit(self.address).port}"

    def cookie(self) -> str | None:
        """The value of the login cookie."""
        cookies = self.context.cookies()
        return next(
            (cookie.get("value") for cookie in cookies if cookie.get("name") == self.cookie_name), None
        )

    def wait_for_cookie(self, other_than: str | None = None) -> None:
        """Wait for the end of a login: a separate request sets the cookie."""
        self.wait_until(lambda: self.cookie() not in (None, other_than))

    def go(self, page: str) -> None:
        menu = self.page.get_by_test_id("stExpandSidebarButton")
        is_phone = menu.is_visible()
        if is_phone:
            menu.click()
        self.page.get_by_test_id("stSidebarNavLink").filter(has_text=page).click()
        if is_phone:
            self.page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
            expect(menu).to_be_visible()
        self.expect_page(page)

    def expect_page(self, page: str) -> None:
        expect(self.page.get_by_role("heading", level=1, name=page)).to_be_visible()
        self.wait_until_idle()

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(label, exact=True).locator("visible=true")

    def fill(self, label: str, value: str) -> None:
        self.field(label).fill(value)

    def select(self, label: str, option: str | re.Pattern[str]) -> None:
        """Select an option; retries, because a rerun may move or close the list."""
        box = self.page.get_by_role("combobox", name=label, exact=True).locator("visible=true")

        def is_selected() -> bool:
            box.click()
            try:
                self.page.get_by_role("option", name=option).first.click(timeout=OPTION_TIMEOUT_MS)
            except PlaywrightTimeout:
                self.page.keyboard.press("Escape")
                return False
            return True

        self.wait_until_drawn()
        self.wait_until(is_selected)
        self.wait_for_rerun()
        self.wait_until_idle()

    def open_tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()

    def click(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name, exact=isinstance(name, str)).locator(
            "visible=true"
        ).click()

    def attach(self, filename: str, content: bytes) -> None:
        file: FilePayload = {"name": filename, "mimeType": "text/csv", "buffer": content}
        self.page.locator("input[type=file]").set_input_files(file)
        expect(self.page.get_by_text(filename)).to_be_visible()

    def upload(self, filename: str, content: bytes) -> None:
        self.attach(filename, content)
        self.click("Add dataset")

    def download(self, name: str) -> tuple[str, bytes]:
        """Click the button; returns the name and the content of the downloaded file."""
        with self.page.expect_download() as download:
            self.click(name)
        return download.value.suggested_filename, download.value.path().read_bytes()

    def expect_text(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible()

    def expect_no_text(self, text: str) -> None:
        expect(self.page.get_by_text(text).locator("visible=true")).to_have_count(0)

    def expect_chart(self) -> None:
        expect(self.page.get_by_test_id("stVegaLiteChart").locator("visible=true").first).to_be_visible()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Poll for a condition without an event of its own."""
        deadline = time.monotonic() + TIMEOUT_MS / 1000
        while not condition():
            assert time.monotonic() < deadline, "the condition was not met in time"
            self.page.wait_for_timeout(POLL_MS)

    def wait_for_rerun(self) -> None:
        """Wait until Streamlit reruns the script; a short rerun may end between two polls."""
        with suppress(AssertionError):
            self._wait_for_script("running", RERUN_TIMEOUT_MS)

    def wait_until_idle(self) -> None:
        """Wait until Streamlit's script has ended."""
        self._wait_for_script("notRunning")

    def _wait_for_script(self, state: str, within_ms: float = TIMEOUT_MS) -> None:
        app = self.page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-script-state", state, timeout=within_ms)

    def wait_until_drawn(self) -> None:
        """Wait until the script has ended and the browser has drawn its result."""
        self.wait_until_idle()
        expect(self.page.get_by_test_id("stSkeleton").locator("visible=true")).to_have_count(0)

    def screenshot(self, name: str) -> None:
        self.wait_until_drawn()
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")
