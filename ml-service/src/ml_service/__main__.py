"""Entry point: `python -m ml_service`."""

PORT = 8003

if __name__ == "__main__":
    # Reader processes import this module, too, and need none of these.
    from kit.app import serve
    from ml_service.main import create_app
    from ml_service.settings import MlSettings

    serve("ml-service", MlSettings, create_app, PORT)
