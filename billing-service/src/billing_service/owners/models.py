"""The names and roles of wallet owners, learnt from auth-service and used in lists only."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from billing_service.base import Base


class Owner(Base):
    __tablename__ = "owners"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str]
    folded_name: Mapped[str] = mapped_column(index=True)
    role: Mapped[str]
    disabled: Mapped[bool]
