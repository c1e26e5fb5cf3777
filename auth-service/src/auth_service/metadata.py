"""The metadata of all tables, for the migrations to compare with."""

from auth_service.models import Base

metadata = Base.metadata
