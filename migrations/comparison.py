"""Comparison of the migrated database with the models."""

from importlib import import_module
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.runtime.environment import NameFilterParentNames, NameFilterType
from sqlalchemy import Connection, MetaData

from migrations.roles import SCHEMA_OF_ROLE

# Modules that import all models of a service.
MODELS = ("auth_service.models", "billing_service.payment_models", "ml_service.challenge_orm")
# Only replicas of the previous release use these; the next release drops them.
RETIRED_TABLES = {("auth", "first_answers")}


def service_metadata() -> list[MetaData]:
    return [import_module(module).metadata for module in MODELS]


def is_in_a_service_schema(name: str | None, kind: NameFilterType, parents: NameFilterParentNames) -> bool:
    """Exclude Alembic's own table and all schemas of others."""
    schema = name if kind == "schema" else parents.get("schema_name")
    return schema in SCHEMA_OF_ROLE.values()


def differences(connection: Connection) -> list[Any]:  # Any: Alembic's operations are nested tuples
    """Differences that autogenerate finds; empty when models and migrations agree."""
    return [
        difference for metadata in service_metadata() for difference in _differences_of(connection, metadata)
    ]


def _differences_of(connection: Connection, metadata: MetaData) -> list[Any]:  # Any: as above
    def is_in_schema(name: str | None, kind: NameFilterType, parents: NameFilterParentNames) -> bool:
        if kind == "table" and (parents.get("schema_name"), name) in RETIRED_TABLES:
            return False
        return (name if kind == "schema" else parents.get("schema_name")) == metadata.schema

    options = {"include_schemas": True, "include_name": is_in_schema, "compare_server_default": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
