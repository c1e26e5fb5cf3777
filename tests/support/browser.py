"""People at the dashboard: a real browser, Debian's chromium, with a window of its own for each."""

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

SCREENS = PROJECT / ".artifacts" / "screens"
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
PATIENCE_MS = 60_000  # of a machine that is busy with much else
GLANCE_MS = 3_000
START_MS = 1_000
PAUSE_MS = 50
SIZE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@contextmanager
def running_browser() -> Generator[Browser]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "These tests need chromium; install it, e.g. apt-get install chromium."
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Somebody:
    """An account, and a client of its own to look behind the pages with."""

    name: str
    client: Farebox


def new_somebody(stack: Stack, tokens: int = 0) -> Somebody:
    client, name = Farebox(stack.url, store=MemoryTokenStore()), unused_name("clicks")
    client.sign_up(name, PASSWORD)
    if tokens:
        client.wallet.buy(tokens, credit_card="1234-5678-9999-0000")
    return Somebody(name, client)


class Window:
    """One browser profile with its cookies; `page` is its first tab."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context, self.address = context, address
        context.set_default_timeout(PATIENCE_MS)
        self.page = context.new_page()

    def open(self, path: str = "") -> None:
        self.page.goto(f"{self.address}/{path}")

    def register(self, name: str) -> None:
        self.open()
        self.page.get_by_role("tab", name="Register").click()
        self.fill("Name or e-mail", name)
        self.fill("Password", PASSWORD)
        self.fill("Password again", PASSWORD)
        self.press("Register")
        self.wait_for_cookie()

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        self.fill("Name or e-mail", name)
        self.fill("Password", password)
        self.press("Sign in")

    def come_as(self, name: str, stack: Stack, password: str = PASSWORD, path: str = "") -> None:
        """As somebody whose browser has a login already."""
        store = MemoryTokenStore()
        with Farebox(stack.url, store=store) as client:
            client.log_in(name, password)
        tokens = store.load()
        assert tokens is not None
        assert tokens.refresh_token is not None
        self.put_cookie(tokens.refresh_token)
        self.open(path)
        # It works once, so the dashboard has had it renewed.
        self.wait_for_cookie(other_than=tokens.refresh_token)

    def put_cookie(self, value: str) -> None:
        name, url = self.cookie_name, self.address
        cookie = {"name": name, "value": value, "url": url, "httpOnly": True, "sameSite": "Strict"}
        self.context.add_cookies([cookie])

    @property
    def cookie_name(self) -> str:
        return f"farebox_login_{urlsplit(self.address).port}"

    def cookie(self) -> str | None:
        """The value of the one that the browser keeps its login in."""
        cookies = self.context.cookies()
        return next((each.get("value") for each in cookies if each.get("name") == self.cookie_name), None)

    def wait_for_cookie(self, other_than: str | None = None) -> None:
        """Signing in ends with a cookie, which comes by a request of its own."""
        self.until(lambda: self.cookie() not in (None, other_than))

    def go(self, place: str) -> None:
        menu = self.page.get_by_test_id("stExpandSidebarButton")
        is_on_a_phone = menu.is_visible()
        if is_on_a_phone:
            menu.click()
        self.page.get_by_test_id("stSidebarNavLink").filter(has_text=place).click()
        if is_on_a_phone:
            self.page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
            expect(menu).to_be_visible()
        self.is_at(place)

    def is_at(self, place: str) -> None:
        expect(self.page.get_by_role("heading", level=1, name=place)).to_be_visible()
        self.rest()

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(label, exact=True).locator("visible=true")

    def fill(self, label: str, value: str) -> None:
        self.field(label).fill(value)

    def choose(self, label: str, option: str | re.Pattern[str]) -> None:
        """What is drawn meanwhile may move or close the list; a person would open it again."""
        box = self.page.get_by_role("combobox", name=label, exact=True).locator("visible=true")

        def chosen() -> bool:
            box.click()
            try:
                self.page.get_by_role("option", name=option).first.click(timeout=GLANCE_MS)
            except PlaywrightTimeout:
                self.page.keyboard.press("Escape")
                return False
            return True

        self.settle()
        self.until(chosen)
        self.begin()
        self.rest()

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()

    def press(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name, exact=isinstance(name, str)).locator(
            "visible=true"
        ).click()

    def attach(self, filename: str, content: bytes) -> None:
        file: FilePayload = {"name": filename, "mimeType": "text/csv", "buffer": content}
        self.page.locator("input[type=file]").set_input_files(file)
        expect(self.page.get_by_text(filename)).to_be_visible()

    def upload(self, filename: str, content: bytes) -> None:
        self.attach(filename, content)
        self.press("Upload")

    def download(self, name: str) -> tuple[str, bytes]:
        """What this button gives: the file's name and its content."""
        with self.page.expect_download() as download:
            self.press(name)
        return download.value.suggested_filename, download.value.path().read_bytes()

    def sees(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible()

    def sees_no(self, text: str) -> None:
        expect(self.page.get_by_text(text).locator("visible=true")).to_have_count(0)

    def sees_a_chart(self) -> None:
        expect(self.page.get_by_test_id("stVegaLiteChart").locator("visible=true").first).to_be_visible()

    def until(self, happened: Callable[[], bool]) -> None:
        """For what only shows on looking again."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not happened():
            assert time.monotonic() < deadline, "it did not happen in time"
            self.page.wait_for_timeout(PAUSE_MS)

    def begin(self) -> None:
        """Until Streamlit begins to draw what was changed; it may have ended between two looks."""
        with suppress(AssertionError):
            self._wait_for_script("running", START_MS)

    def rest(self) -> None:
        """Until Streamlit has nothing more to draw."""
        self._wait_for_script("notRunning")

    def _wait_for_script(self, state: str, within_ms: float = PATIENCE_MS) -> None:
        app = self.page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-script-state", state, timeout=within_ms)

    def settle(self) -> None:
        """Until the browser has drawn it too."""
        self.rest()
        expect(self.page.get_by_test_id("stSkeleton").locator("visible=true")).to_have_count(0)

    def picture(self, name: str) -> None:
        self.settle()
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENS / f"{name}.png", animations="disabled")
