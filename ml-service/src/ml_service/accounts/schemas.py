"""A user's belongings on the wire."""

from pydantic import BaseModel

from ml_service.accounts.service import Belongings
from ml_service.datasets.schemas import DatasetView
from ml_service.jobs.schemas import JobView
from ml_service.models.schemas import ModelView


class ExportView(BaseModel):
    datasets: list[DatasetView]
    jobs: list[JobView]
    models: list[ModelView]

    @classmethod
    def of(cls, belongings: Belongings) -> "ExportView":
        return cls(
            datasets=[DatasetView.of(each) for each in belongings.datasets],
            jobs=[JobView.of(each) for each in belongings.jobs],
            models=[ModelView.of(each) for each in belongings.models],
        )
