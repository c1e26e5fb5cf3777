"""Entry point: `python -m ml_service`."""

from kit.app import serve
from ml_service.main import create_app
from ml_service.settings import MlSettings

PORT = 8003

if __name__ == "__main__":
    serve("ml-service", MlSettings, create_app, PORT)
