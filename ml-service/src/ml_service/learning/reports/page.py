"""HTML page of a report: self-contained, with charts as SVG, without scripts and external resources."""

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ml_service.learning.model_types import MODEL_TYPES, candidate_name
from ml_service.learning.tables import Json

MOST_CLASSES = 30
WIDTH, HEIGHT = 330, 220
MOST_BARS = 15
AXES = {
    "false_positive_rate": "false positive rate",
    "true_positive_rate": "true positive rate",
    "recall": "recall",
    "precision": "precision",
    "predicted": "predicted probability",
    "observed": "observed frequency",
}
SHARES = {"type": "quantitative", "scale": {"domain": [0, 1]}}
NUMBERS = {"type": "quantitative", "scale": {"zero": False}}
CLASS = {"field": "class", "type": "nominal", "title": None}
# Distinct for colour-blind readers, on white and on black (Okabe and Ito, 2008).
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A8D00", "#7A6FF0"]
# Colours of the page, which differ between its light and dark themes.
INK, LINES = "currentColor", "var(--line)"
STYLE: Json = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {"labelColor": INK, "titleColor": INK, "domainColor": INK, "tickColor": INK, "gridColor": LINES},
    "legend": {"labelColor": INK, "titleColor": INK, "orient": "bottom", "columns": 3, "labelLimit": 90},
    "range": {"category": COLOURS},
}


def render_page(report: Json) -> str:
    """The HTML of a complete report; all texts may come from users and are escaped."""
    environment = Environment(
        loader=PackageLoader("ml_service.learning.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = _figure
    environment.filters["words"] = _words
    environment.filters["type_title"] = _type_title
    environment.filters["candidate_name"] = _candidate_name
    template = environment.get_template("report.html")
    return template.render(report=report, charts=_draw_charts(report), most_classes=MOST_CLASSES)


def _draw_charts(report: Json) -> dict[str, Markup]:
    """SVG charts by name, without charts that lack data."""
    specs: dict[str, Json | None] = {
        "roc": _curves(report["roc"], ("false_positive_rate", "true_positive_rate"), diagonal=True),
        "precision_recall": _curves(report["precision_recall"], ("recall", "precision")),
        "calibration": _calibration(report["calibration"]),
        "residuals": _histogram(report["residuals"]),
        "predicted_actual": _scatter(report["predicted_actual"]),
        "importance": _bars(report["importance"], "accuracy" if report["confusion_matrix"] else "R²"),
        "learning": _learning_curve(report["learning"]),
    }
    return {name: _render(spec) for name, spec in specs.items() if spec is not None}


def _render(spec: Json) -> Markup:
    import vl_convert

    chart = {"width": WIDTH, "height": HEIGHT, "config": STYLE, **spec}
    return Markup(vl_convert.vegalite_to_svg(chart))  # noqa: S704 - texts in it are escaped by Vega


def _curves(curves: Sequence[Json] | None, axes: tuple[str, str], *, diagonal: bool = False) -> Json | None:
    if not curves:
        return None
    points = [
        {"x": x, "y": y, "class": str(curve["label"]), "order": order}
        for curve in curves
        for order, (x, y) in enumerate(zip(curve[axes[0]], curve[axes[1]], strict=True))
    ]
    encoding = {**_axes(axes), "order": {"field": "order"}, "color": CLASS}
    lines: Json = {"data": {"values": points}, "mark": "line", "encoding": encoding}
    return {"layer": [_diagonal(0, 1), lines]} if diagonal else lines


def _calibration(curves: Sequence[Json] | None) -> Json | None:
    """Points as large as their bins, with confidence intervals; reports of an older version have none."""
    if not curves:
        return None
    points = [
        {"x": x, "y": y, "rows": rows, "class": str(curve["label"]), "low": low, "high": high}
        for curve in curves
        for x, y, rows, low, high in zip(
            curve["predicted"],
            curve["observed"],
            curve["counts"],
            curve.get("low") or curve["observed"],
            curve.get("high") or curve["observed"],
            strict=True,
        )
    ]
    axes = {**_axes(("predicted", "observed")), "color": CLASS}
    bars = {**axes, "y": {**axes["y"], "field": "low"}, "y2": {"field": "high"}}
    sizes = {"field": "rows", "type": "quantitative", "scale": {"range": [20, 200]}, "title": "rows"}
    legend = {"columns": 4, "tickCount": 3, "symbolFillColor": INK, "symbolStrokeColor": INK}
    layers: list[Json] = [
        _diagonal(0, 1),
        {"mark": {"type": "rule", "opacity": 0.6}, "encoding": bars},
        {"mark": {"type": "line", "opacity": 0.4}, "encoding": axes},
        {"mark": {"type": "circle", "opacity": 1}, "encoding": {**axes, "size": {**sizes, "legend": legend}}},
    ]
    return {"data": {"values": points}, "layer": layers}


def _axes(names: tuple[str, str]) -> dict[str, Json]:
    fields = zip(("x", "y"), names, strict=True)
    return {field: {"field": field, "title": AXES[name], **SHARES} for field, name in fields}


def _scatter(predicted_actual: Json | None) -> Json | None:
    if predicted_actual is None:
        return None
    points = [
        {"x": x, "y": y}
        for x, y in zip(predicted_actual["actual"], predicted_actual["predicted"], strict=True)
    ]
    ends = [*predicted_actual["actual"], *predicted_actual["predicted"]]
    encoding = {
        "x": {"field": "x", "title": "actual", **NUMBERS},
        "y": {"field": "y", "title": "predicted", **NUMBERS},
    }
    mark = {"type": "circle", "color": COLOURS[0], "opacity": 0.6, "size": 30}
    dots = {"data": {"values": points}, "mark": mark, "encoding": encoding}
    return {"layer": [_diagonal(min(ends), max(ends)), dots]}


def _histogram(residuals: Json | None) -> Json | None:
    if residuals is None:
        return None
    sides = zip(residuals["edges"], residuals["edges"][1:], residuals["counts"], strict=False)
    points = [{"from": low, "to": high, "rows": rows} for low, high, rows in sides]
    encoding = {
        "x": {"field": "from", "title": "actual minus predicted", **NUMBERS},
        "x2": {"field": "to"},
        "y": {"field": "rows", "type": "quantitative"},
        "y2": {"datum": 0},
    }
    return {"data": {"values": points}, "mark": {"type": "bar", "color": COLOURS[0]}, "encoding": encoding}


def _bars(importance: Sequence[Json], metric: str) -> Json:
    points = [
        {"feature": bar["feature"], "drop": bar["mean"]}
        | {"low": bar["mean"] - bar["spread"], "high": bar["mean"] + bar["spread"]}
        for bar in importance[:MOST_BARS]
    ]
    features = {
        "field": "feature",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"labelLimit": 130},
    }
    drops = {"field": "drop", "type": "quantitative", "title": f"drop in {metric} when shuffled"}
    spread = {"y": features, "x": {**drops, "field": "low"}, "x2": {"field": "high"}}
    return {
        "data": {"values": points},
        "height": {"step": 22},
        "layer": [
            {"mark": {"type": "bar", "color": COLOURS[0]}, "encoding": {"y": features, "x": drops}},
            {"mark": {"type": "rule", "color": INK}, "encoding": spread},
        ],
    }


def _learning_curve(learning: Json | None) -> Json | None:
    if learning is None:
        return None
    points = [
        {"rows": rows, "score": score, "of": name}
        for name, scores in (
            ("training rows", learning["training_score"]),
            ("test rows", learning["test_score"]),
        )
        for rows, score in zip(learning["training_rows"], scores, strict=True)
    ]
    encoding = {
        "x": {"field": "rows", "title": "training rows", **NUMBERS},
        "y": {"field": "score", "title": _words(learning["metric"]), **NUMBERS},
        "color": {"field": "of", "type": "nominal", "title": None},
    }
    return {"data": {"values": points}, "mark": {"type": "line", "point": True}, "encoding": encoding}


def _diagonal(low: float, high: float) -> Json:
    ends = [{"x": low, "y": low}, {"x": high, "y": high}]
    encoding = {name: {"field": name, "type": "quantitative"} for name in ("x", "y")}
    mark = {"type": "line", "color": INK, "strokeDash": [4, 4], "opacity": 0.5}
    return {"data": {"values": ends}, "mark": mark, "encoding": encoding}


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _type_title(name: str) -> str:
    return MODEL_TYPES[name].title if name in MODEL_TYPES else _words(name)


def _candidate_name(candidate: Json) -> str:
    return candidate_name(candidate["type"], candidate["params"])


def _words(name: str) -> str:
    return name.replace("_", " ")
