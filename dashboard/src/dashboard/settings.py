"""Settings from environment variables."""

import sys
from typing import Annotated

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

GREEN = "#1a7f64"
CHARTS = ["#24936f", "#e0803a", "#5c7fd6", "#b05cc4", "#c9a227", "#808a85"]


class DashboardSettings(BaseSettings):
    """A variable is named as its field, in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8501
    api_base_url: str = "http://127.0.0.1:8000"
    max_csv_bytes: Annotated[int, Field(ge=1)] = 50 * 1024**2
    # As in billing-service; the register form shows it.
    opening_grant: Annotated[int, Field(ge=0)] = 15

    @classmethod
    def read(cls) -> "DashboardSettings":
        try:
            return cls()
        except ValidationError as error:
            invalid = (f"{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors())
            sys.exit(f"dashboard: {'; '.join(invalid)}.")

    @property
    def streamlit_options(self) -> dict[str, object]:
        """No usage statistics, no file watcher, and no error details on a page."""
        return {
            "server.address": self.host,
            "server.port": self.port,
            "server.headless": True,
            "server.fileWatcherType": "none",
            "server.maxUploadSize": -(-self.max_csv_bytes // 1024**2),
            "browser.gatherUsageStats": False,
            "client.showErrorDetails": "none",
            "client.showErrorLinks": False,
            "client.toolbarMode": "viewer",
            "runner.magicEnabled": False,
            "logger.level": "warning",
            # Both themes are set: with one alone, browsers that prefer dark would get the light one.
            **{f"theme.{each}.primaryColor": GREEN for each in ("light", "dark")},
            **{f"theme.{each}.chartCategoricalColors": CHARTS for each in ("light", "dark")},
        }
