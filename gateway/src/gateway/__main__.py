"""`python -m gateway`."""

from gateway.http_protocol import StrictHttpProtocol
from gateway.main import create_app
from gateway.settings import GatewaySettings
from kit.app import serve

if __name__ == "__main__":
    serve("gateway", GatewaySettings, create_app, 8000, protocol=StrictHttpProtocol)
