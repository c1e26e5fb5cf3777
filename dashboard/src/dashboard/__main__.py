"""Entry point of `python -m dashboard`."""

from dashboard.server import create_app
from dashboard.settings import DashboardSettings

if __name__ == "__main__":
    create_app().run(config=DashboardSettings.read().streamlit_options)
