"""All tables of the schema `ml`, for the migrations to compare with."""

from kit.outbox import inbox_table
from ml_service.accounts.models import DepartedUser
from ml_service.base import Base
from ml_service.datasets.models import Dataset
from ml_service.jobs.models import Job, JobEvent
from ml_service.models.models import Model
from ml_service.predictions.models import Answer

TABLES = (Dataset, Job, JobEvent, Model, Answer, DepartedUser)

metadata = Base.metadata
inbox = inbox_table(metadata)
