"""Memory of a training, relative to the forest of scikit-learn that it fits."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.support.peak_memory import peak_resident

from kit.identity import UserId
from ml_service.learning.model_types import forest_estimators
from ml_service.learning.predictors.artefacts import recorded_sizes
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.pipeline import train
from ml_service.store.process_pool import ProcessPool

pytestmark = pytest.mark.slow

ROWS = 12_000
FEATURES = tuple("abcdefghi")


def relative_growth(path: Path) -> float:
    """Growth of the process by the default forest, as a multiple of the size of scikit-learn's."""
    forest_estimators.BLOCK_BYTES = 8_000_000
    small = TrainingSpec("random_forest", FEATURES, "y", {"n_estimators": 1, "max_depth": 2})
    train(path, small, path.with_name("small"))
    before = peak_resident()
    files = train(path, TrainingSpec("random_forest", FEATURES, "y"), path.with_name("model")).files
    return (peak_resident() - before) / recorded_sizes(files).restored


async def test_whole_forest_of_scikit_learn_never_exists(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    table = pd.DataFrame({name: random.normal(size=ROWS) for name in FEATURES})
    table.assign(y=random.normal(size=ROWS)).to_csv(tmp_path / "table.csv", index=False)
    assert (
        await ProcessPool(1).run(relative_growth, tmp_path / "table.csv", user=UserId(1), seconds=280) < 0.9
    )
