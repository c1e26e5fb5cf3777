"""Users who were deleted; what they owned is gone or going."""

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from ml_service.base import Base


class DepartedUser(Base):
    __tablename__ = "departed_users"

    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    departed_at: Mapped[datetime] = mapped_column(server_default=func.now())
