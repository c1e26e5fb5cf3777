"""Work in processes of its own."""

import os
import signal

import pytest

from ml_service.errors import ReaderDied
from ml_service.learning.predictors.errors import FeatureError
from ml_service.store.readers import Readers

pytestmark = pytest.mark.slow


def refuse(feature: str) -> None:
    raise FeatureError(feature, 3, "It must be a number.")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def test_work_is_done_in_another_process() -> None:
    assert await Readers(1).run(os.getpid) != os.getpid()


async def test_an_error_arrives_as_it_was_raised() -> None:
    with pytest.raises(FeatureError) as refused:
        await Readers(1).run(refuse, "bmi")
    assert refused.value.detail == "Row 3, 'bmi': It must be a number."
    assert refused.value.members == {"feature": "bmi", "row": 3}


async def test_a_reader_that_dies_is_told_as_such() -> None:
    with pytest.raises(ReaderDied):
        await Readers(1).run(die)
