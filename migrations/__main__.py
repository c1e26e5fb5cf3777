"""Entry point of `python -m migrations`, which upgrades the database."""

from kit.settings import read_settings
from migrations.history import MigrationSettings, upgrade

upgrade(read_settings("migrations", MigrationSettings))
