"""Settings from environment variables."""

import sys
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

GREEN = "#1a7f64"
CHARTS = ["#24936f", "#e0803a", "#5c7fd6", "#b05cc4", "#c9a227", "#808a85"]


class DashboardSettings(BaseSettings):
    """Each field is read from the variable of the same name in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8501
    api_base_url: str = "http://127.0.0.1:8000"
    # The address in browsers, if a proxy changes the Host header or serves the pages below a path.
    dashboard_url: Annotated[str | None, Field(pattern=r"^https?://[^/?#]+(/[^?#]*)?$")] = None
    # A tab of a browser is one; a class behind one address has many.
    max_sockets_per_address: Annotated[int, Field(ge=1)] = 200
    max_csv_bytes: Annotated[int, Field(ge=1)] = 50 * 1024**2
    # The value of billing-service; the registration form shows it.
    opening_grant: Annotated[int, Field(ge=0)] = 15
    # The value of auth-service; without it the form shows the service's refusal.
    sign_up: Literal["open", "closed"] = "open"

    @classmethod
    def read(cls) -> "DashboardSettings":
        try:
            return cls()
        except ValidationError as error:
            invalid = (f"{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
            sys.exit(f"dashboard: {'; '.join(invalid)}.")

    @property
    def base_path(self) -> str:
        """The path before all others, such as `/farebox`; empty without one."""
        return urlsplit(self.dashboard_url or "").path.rstrip("/")

    def is_own_origin(self, origin: str | None, host: str | None) -> bool:
        """Whether a page of the dashboard sent the request; browsers send both headers, and no script can."""
        parts = urlsplit(origin or "")
        if parts.scheme not in ("http", "https") or not parts.netloc:
            return False
        if self.dashboard_url is None:
            return parts.netloc == host
        return parts[:2] == urlsplit(self.dashboard_url.lower())[:2]

    @property
    def streamlit_options(self) -> dict[str, object]:
        """Options of Streamlit: no usage statistics, no file watcher, no error details on pages."""
        return {
            "server.address": self.host,
            "server.port": self.port,
            "server.headless": True,
            # Streamlit checks origins as well, and would look for this on the internet.
            **(
                {"browser.serverAddress": urlsplit(self.dashboard_url).hostname} if self.dashboard_url else {}
            ),
            "server.fileWatcherType": "none",
            "server.baseUrlPath": self.base_path.strip("/"),
            # Both ways: the largest answer is a report, the largest request the values of a form.
            "server.maxMessageSize": 50,
            "server.maxWidgetStateSize": 5,
            "server.maxUploadSize": -(-self.max_csv_bytes // 1024**2),
            "browser.gatherUsageStats": False,
            "client.showErrorDetails": "none",
            "client.showErrorLinks": False,
            "client.toolbarMode": "viewer",
            "runner.magicEnabled": False,
            "logger.level": "warning",
            # Both themes: with one alone, browsers that prefer dark would get the light theme.
            **{f"theme.{theme}.primaryColor": GREEN for theme in ("light", "dark")},
            **{f"theme.{theme}.chartCategoricalColors": CHARTS for theme in ("light", "dark")},
        }
