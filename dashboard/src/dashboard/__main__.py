"""Entry point of `python -m dashboard`."""

from dashboard.server import create_app
from dashboard.settings import DashboardSettings

if __name__ == "__main__":
    settings = DashboardSettings.read()
    create_app(settings).run(config=settings.streamlit_options)
