"""Entry point: `python -m ml_service`."""

PORT = 8003

if __name__ == "__main__":
    # Not above: reader processes run this module too, and the service would double their start and memory.
    from kit.app import serve
    from ml_service.main import create_app
    from ml_service.settings import MlSettings

    serve("ml-service", MlSettings, create_app, PORT)
