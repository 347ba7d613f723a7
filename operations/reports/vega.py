"""Vega inside the page: its script, and the looks of its charts on light, dark and paper."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from settings.cache import cache_folder
from settings.durable import write_durably

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

_GLOBALS = "window.vegaEmbed = vegaEmbed;"


def script() -> str:
    """Vega, Vega-Lite and vega-embed as one script; bundling takes seconds, so what comes of it is kept.

    It stands in this user's own folder of things that can be made anew, by the version that made it.
    """
    folder = cache_folder()
    kept = folder / "vega" / f"{version('vl-convert-python')}.js" if folder else None
    try:
        if kept and (text := kept.read_text()):
            return text
    except (OSError, ValueError):
        pass
    import vl_convert

    # The script stands inside a page, where this would end it.
    text = vl_convert.javascript_bundle(_GLOBALS).replace("</script", "<\\/script")
    if kept:
        try:
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_durably(kept, text)
        except OSError:
            pass  # the next page bundles it again
    return text


def theme(*, dark: bool = False, size: int = 13) -> dict[str, Any]:
    """Vega-Lite's configuration of all charts; `size` is that of their text, in pixels."""
    ink, muted, line = ("#e8edf2", "#a9b4c0", "#36404b") if dark else ("#16202b", "#55616e", "#d9dfe5")
    gain, loss, total = ("#6fb1ee", "#f0965a", "#8d99a6") if dark else ("#1f6fb5", "#c4561b", "#5b6773")
    text = {
        "font": _FONT,
        "labelFont": _FONT,
        "titleFont": _FONT,
        "labelFontSize": size,
        "labelColor": ink,
        "titleColor": muted,
        "titleFontWeight": "normal",
        "titleFontSize": size - 1,
    }
    return {
        "background": "transparent",
        "aria": False,  # a table beside each chart says it in full
        "view": {"stroke": None},
        "font": _FONT,
        "text": {"color": ink, "fontSize": size - 1, "font": _FONT},
        "axis": {**text, "gridColor": line, "domainColor": line, "tickColor": line, "labelLimit": 190},
        "axisX": {"labelColor": muted, "labelFontSize": size - 1, "labelSeparation": 8},
        "legend": {
            "labelColor": ink,
            "labelFontSize": size,
            "orient": "top",
            "labelFont": _FONT,
            "layout": {"top": {"direction": "vertical", "anchor": "start", "margin": 4}},
        },
        "range": {
            "ordinal": [total, gain, loss],
            "category": [gain, loss],
            "ramp": [muted, loss],
            "heatmap": [gain, "#e0a526", "#a07cc5", loss, total],
        },
        "style": {"range": {"fill": muted}},
        "point": {"fill": gain},
    }
