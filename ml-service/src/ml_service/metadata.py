"""All tables of the schema `ml`, for the migrations to compare with."""

from ml_service.base import Base, DeletedUser
from ml_service.datasets.models import Dataset
from ml_service.jobs.models import Job, JobEvent
from ml_service.models.models import Model

TABLES = (Dataset, Job, JobEvent, Model, DeletedUser)

metadata = Base.metadata
