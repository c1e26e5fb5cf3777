"""Entry point of `python -m dashboard`."""

from dashboard.logs import keep_messages_of_exceptions_out
from dashboard.server import create_app
from dashboard.settings import DashboardSettings

if __name__ == "__main__":
    keep_messages_of_exceptions_out()
    settings = DashboardSettings.read()
    create_app(settings).run(config=settings.streamlit_options)
