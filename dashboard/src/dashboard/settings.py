"""What the environment says to the dashboard."""

import sys
from typing import Annotated

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

GREEN = "#1a7f64"
CHARTS = ["#24936f", "#e0803a", "#5c7fd6", "#b05cc4", "#c9a227", "#808a85"]


class DashboardSettings(BaseSettings):
    """Names are the fields' names in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8501
    api_base_url: str = "http://127.0.0.1:8000"
    max_csv_bytes: Annotated[int, Field(ge=1)] = 50 * 1024**2

    @classmethod
    def read(cls) -> "DashboardSettings":
        try:
            return cls()
        except ValidationError as error:
            wrong = (f"{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors())
            sys.exit(f"dashboard: {'; '.join(wrong)}.")

    @property
    def streamlit_options(self) -> dict[str, object]:
        """Nothing is reported to anybody, watched for changes or shown from inside."""
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
            # Said for each, as otherwise browsers that prefer dark would be shown light.
            **{f"theme.{each}.primaryColor": GREEN for each in ("light", "dark")},
            **{f"theme.{each}.chartCategoricalColors": CHARTS for each in ("light", "dark")},
        }
