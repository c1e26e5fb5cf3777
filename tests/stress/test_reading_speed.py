"""Speed of reading: with all checks, it takes little more processor time than pyarrow's own reader."""

from pathlib import Path

from bench.reading import TARGET, compare_readers, write_wide_table

# On a busy machine the ratio varies by a tenth; `make bench` shows whether the target is reached.
NOISE = 1.2


def test_clean_file_is_read_in_little_more_processor_time_than_by_pyarrow(tmp_path: Path) -> None:
    # By the clock, the result would depend on who else uses the processors.
    measure = compare_readers(write_wide_table(tmp_path)).processor
    assert TARGET.at_most is not None
    assert measure.ratio is not None
    assert measure.ratio < NOISE * TARGET.at_most, measure
