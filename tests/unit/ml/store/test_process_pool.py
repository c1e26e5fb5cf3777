"""Process pool: results, errors and killed processes."""

import os
import signal

import pytest

from ml_service.errors import ReaderDied
from ml_service.learning.predictors.errors import FeatureError
from ml_service.store.process_pool import ProcessPool

pytestmark = pytest.mark.slow


def refuse(feature: str) -> None:
    raise FeatureError(feature, 3, "It must be a number.")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def test_work_runs_in_another_process() -> None:
    assert await ProcessPool(1).run(os.getpid) != os.getpid()


async def test_error_keeps_detail_and_members_across_processes() -> None:
    with pytest.raises(FeatureError) as refused:
        await ProcessPool(1).run(refuse, "bmi")
    assert refused.value.detail == "Row 3, 'bmi': It must be a number."
    assert refused.value.members == {"feature": "bmi", "row": 3}


async def test_killed_process_raises_reader_died() -> None:
    with pytest.raises(ReaderDied):
        await ProcessPool(1).run(die)
