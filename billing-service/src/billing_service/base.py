"""What all of billing's tables share: their schema and how constraints are named."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from kit.outbox import inbox_table


class Base(DeclarativeBase):
    metadata = MetaData(
        schema="billing",
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        },
    )


inbox = inbox_table(Base.metadata)
