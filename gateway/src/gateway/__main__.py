"""`python -m gateway`."""

from gateway.main import create_app
from gateway.protocol import CarefulProtocol
from gateway.settings import GatewaySettings
from kit.app import serve

if __name__ == "__main__":
    serve("gateway", GatewaySettings, create_app, 8000, protocol=CarefulProtocol)
