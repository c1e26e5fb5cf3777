# /// script
# dependencies = ["palmerpenguins", "vega_datasets", "scikit-learn", "pandas", "setuptools"]
# ///
"""Writes the tables of this folder anew from the packages that publish them: `uv run data/export.py`."""

from pathlib import Path

from palmerpenguins import load_penguins
from sklearn.datasets import load_diabetes, load_wine
from vega_datasets import local_data

HERE = Path(__file__).parent
# scikit-learn numbers the three cultivars in this order; UCI's description of the table names them.
CULTIVARS = {0: "barolo", 1: "grignolino", 2: "barbera"}


def main() -> None:
    wine = load_wine(as_frame=True).frame
    wine["target"] = wine["target"].map(CULTIVARS)
    tables = {
        "penguins": load_penguins(),
        "cars": local_data.cars(),
        "seattle-weather": local_data.seattle_weather(),
        "wine": wine,
        "diabetes": load_diabetes(as_frame=True, scaled=False).frame,
    }
    for name, table in tables.items():
        table.to_csv(HERE / f"{name}.csv", index=False)


if __name__ == "__main__":
    main()
