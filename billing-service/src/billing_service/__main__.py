"""Entry point of `python -m billing_service`."""

from billing_service.main import create_app
from billing_service.settings import Settings
from kit.app import serve

serve("billing-service", Settings, create_app, 8002)
