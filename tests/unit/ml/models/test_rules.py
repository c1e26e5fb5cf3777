"""Names of models."""

from datetime import UTC, datetime

import pytest

from ml_service.models.rules import automatic_name, given_name, is_model_name


def test_automatic_name_has_user_type_and_time() -> None:
    moment = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
    assert automatic_name(7, "knn", moment) == "7_knn_20260304_050607_000089"


@pytest.mark.parametrize(
    ("requested", "name"),
    [
        ("my model", "7_my_model"),
        ("../../etc/passwd", "7_etc_passwd"),
        ("model.pkl", "7_model.pkl"),
        ("Größe & Maß", "7_Gr_e_Ma"),
        ("nul\0byte", "7_nul_byte"),
        ("a" * 500, "7_" + "a" * 100),
    ],
)
def test_given_name_is_sanitised(requested: str, name: str) -> None:
    assert given_name(7, requested) == name
    assert is_model_name(name)


@pytest.mark.parametrize("requested", ["", "   ", "...", "///", "___", "日本語"])
def test_name_without_usable_characters_is_none(requested: str) -> None:
    assert given_name(7, requested) is None


@pytest.mark.parametrize("text", ["", "linear", "7_", "7_a\0", "7_a/b", "7_" + "a" * 121, "_a"])
def test_other_text_is_no_model_name(text: str) -> None:
    assert not is_model_name(text)
