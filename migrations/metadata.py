"""What the services' models say the database looks like."""

from importlib import import_module

from sqlalchemy import MetaData

SERVICES = ("auth_service", "billing_service", "ml_service")


def service_metadata() -> list[MetaData]:
    """Each service's `metadata`, from the module that imports all its models."""
    return [import_module(f"{service}.metadata").metadata for service in SERVICES]
