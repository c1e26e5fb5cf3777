"""Memory of loading a model, relative to its own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.support.peak_memory import peak_resident

from kit.identity import UserId
from ml_service.learning.predictors import load
from ml_service.learning.predictors.artefacts import recorded_sizes
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.pipeline import train
from ml_service.store.process_pool import ProcessPool

pytestmark = pytest.mark.slow

FEATURES = tuple("abcdefghi")


def relative_growth(
    folder: Path, files: dict[str, dict[str, object]], small: dict[str, dict[str, object]]
) -> float:
    """Growth of the process by loading a model, as a multiple of the recorded memory, after the libraries."""
    load(folder / "small", small)
    before = peak_resident()
    predictor = load(folder / "model", files)
    grown = peak_resident() - before
    assert 0 < predictor.memory_bytes < 2 * grown
    return grown / recorded_sizes(files).loaded


@pytest.mark.parametrize(("model_type", "rows"), [("random_forest", 12_000), ("knn", 250_000)])
async def test_model_is_loaded_without_further_copies(model_type: str, rows: int, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    table = pd.DataFrame({name: random.normal(size=rows) for name in FEATURES})
    table["y"] = random.normal(size=rows)
    table.to_csv(tmp_path / "table.csv", index=False)
    table.head(100).to_csv(tmp_path / "small.csv", index=False)
    large, small = (
        train(
            tmp_path / name, TrainingSpec(model_type, FEATURES, "y", train_fraction=share), tmp_path / folder
        ).files
        for name, folder, share in (("table.csv", "model", 0.99), ("small.csv", "small", 0.8))
    )
    assert await ProcessPool(1).run(relative_growth, tmp_path, large, small, user=UserId(1)) < 1.5
