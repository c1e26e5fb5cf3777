"""The pictures of a report, drawn without a browser and without a network."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import vl_convert
from markupsafe import Markup

from ml_service.learning.reports.evidence import Json

WIDTH, HEIGHT = 330, 220
MOST_BARS = 15
SHARES = {"type": "quantitative", "scale": {"domain": [0, 1]}}
NUMBERS = {"type": "quantitative", "scale": {"zero": False}}
# Apart for all kinds of eyes, on white and on black (Okabe and Ito, 2008).
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A8D00", "#7A6FF0"]
# The page says what these colours are, by day and by night.
INK, LINES = "currentColor", "var(--line)"
LOOK: Json = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {"labelColor": INK, "titleColor": INK, "domainColor": INK, "tickColor": INK, "gridColor": LINES},
    "legend": {"labelColor": INK, "titleColor": INK, "orient": "bottom", "columns": 3, "labelLimit": 90},
    "range": {"category": COLOURS},
}

Points = Iterable[Mapping[str, Any]]  # Any: numbers and labels


def draw(report: Json) -> dict[str, Markup]:
    """Each picture that there is something to show for, by its name in the page."""
    specs: dict[str, Json | None] = {
        "roc": _curves(report["roc"], ("false_positive_rate", "true_positive_rate"), diagonal=True),
        "precision_recall": _curves(report["precision_recall"], ("recall", "precision")),
        "calibration": _curves(report["calibration"], ("predicted", "observed"), diagonal=True, dots=True),
        "residuals": _histogram(report["residuals"]),
        "predicted_actual": _dots(report["predicted_actual"]),
        "importance": _bars(report["importance"]),
        "learning": _learning(report["learning"]),
    }
    return {name: _render(spec) for name, spec in specs.items() if spec is not None}


def _render(spec: Json) -> Markup:
    whole = {"width": WIDTH, "height": HEIGHT, "config": LOOK, **spec}
    return Markup(vl_convert.vegalite_to_svg(whole))  # noqa: S704 - texts in it are escaped by Vega


def _curves(
    curves: Sequence[Json] | None, axes: tuple[str, str], *, diagonal: bool = False, dots: bool = False
) -> Json | None:
    if not curves:
        return None
    points = [
        {"x": x, "y": y, "class": str(curve["label"]), "order": order}
        for curve in curves
        for order, (x, y) in enumerate(zip(curve[axes[0]], curve[axes[1]], strict=True))
    ]
    encoding = {
        "x": {"field": "x", "title": _words(axes[0]), **SHARES},
        "y": {"field": "y", "title": _words(axes[1]), **SHARES},
        "order": {"field": "order"},
        "color": {"field": "class", "type": "nominal", "title": None},
    }
    lines: Json = {"data": {"values": points}, "mark": {"type": "line", "point": dots}, "encoding": encoding}
    return {"layer": [_diagonal(0, 1), lines]} if diagonal else lines


def _dots(told: Json | None) -> Json | None:
    if told is None:
        return None
    points = [{"x": x, "y": y} for x, y in zip(told["actual"], told["predicted"], strict=True)]
    ends = [*told["actual"], *told["predicted"]]
    encoding = {
        "x": {"field": "x", "title": "actual", **NUMBERS},
        "y": {"field": "y", "title": "predicted", **NUMBERS},
    }
    mark = {"type": "circle", "color": COLOURS[0], "opacity": 0.6, "size": 30}
    dots = {"data": {"values": points}, "mark": mark, "encoding": encoding}
    return {"layer": [_diagonal(min(ends), max(ends)), dots]}


def _histogram(told: Json | None) -> Json | None:
    if told is None:
        return None
    sides = zip(told["edges"], told["edges"][1:], told["counts"], strict=False)
    points = [{"from": low, "to": high, "rows": rows} for low, high, rows in sides]
    encoding = {
        "x": {"field": "from", "title": "actual minus predicted", **NUMBERS},
        "x2": {"field": "to"},
        "y": {"field": "rows", "type": "quantitative"},
        "y2": {"datum": 0},
    }
    return {"data": {"values": points}, "mark": {"type": "bar", "color": COLOURS[0]}, "encoding": encoding}


def _bars(importance: Sequence[Json]) -> Json:
    points = [
        {"column": each["feature"], "fall": each["mean"], "low": each["mean"] - each["spread"]}
        | {"high": each["mean"] + each["spread"]}
        for each in importance[:MOST_BARS]
    ]
    columns = {"field": "column", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 130}}
    falls = {"field": "fall", "type": "quantitative", "title": "fall of the score"}
    spread = {"y": columns, "x": {**falls, "field": "low"}, "x2": {"field": "high"}}
    return {
        "data": {"values": points},
        "height": {"step": 22},
        "layer": [
            {"mark": {"type": "bar", "color": COLOURS[0]}, "encoding": {"y": columns, "x": falls}},
            {"mark": {"type": "rule", "color": INK}, "encoding": spread},
        ],
    }


def _learning(told: Json | None) -> Json | None:
    if told is None:
        return None
    points = [
        {"rows": rows, "score": score, "of": name}
        for name, scores in (("learnt rows", told["training_score"]), ("test rows", told["test_score"]))
        for rows, score in zip(told["training_rows"], scores, strict=True)
    ]
    encoding = {
        "x": {"field": "rows", "title": "rows to learn from", **NUMBERS},
        "y": {"field": "score", "title": _words(told["metric"]), **NUMBERS},
        "color": {"field": "of", "type": "nominal", "title": None},
    }
    return {"data": {"values": points}, "mark": {"type": "line", "point": True}, "encoding": encoding}


def _diagonal(low: float, high: float) -> Json:
    ends = [{"x": low, "y": low}, {"x": high, "y": high}]
    encoding = {name: {"field": name, "type": "quantitative"} for name in ("x", "y")}
    mark = {"type": "line", "color": INK, "strokeDash": [4, 4], "opacity": 0.5}
    return {"data": {"values": ends}, "mark": mark, "encoding": encoding}


def _words(name: str) -> str:
    return name.replace("_", " ")
