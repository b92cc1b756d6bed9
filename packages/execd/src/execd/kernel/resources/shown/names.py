"""What the parts of a figure of Matplotlib are called: by their own label, that of what holds them, or a legend."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

_HOLDERS = ("ErrorbarContainer", "StemContainer")
"""What has the label of the line, or of the points, that is first in it."""
Colour = tuple[float, ...]


def label_of(label: Any) -> str | None:
    """Return a label that the user has given; Matplotlib's own begin with an underscore."""
    text = "" if label is None else str(label)
    return None if not text or text.startswith("_") else text


def names(axes: Any, artists: Sequence[Any]) -> list[str | None]:
    """Return what artists are called; those without any label are known by their colours in the legend."""
    held = {id(each[0]): label_of(each.get_label()) for each in axes.containers if type(each).__name__ in _HOLDERS}
    own = [label_of(each.get_label()) or held.get(id(each)) or _of_bars(each) for each in artists]
    if any(own):
        return own
    known = _legend(axes)
    return [known.get(colour) if (colour := _colour(each)) is not None else None for each in artists]


def _of_bars(artist: Any) -> str | None:
    # A histogram has its label at the first of its bars; several labels are those of single bars.
    labels = [label_of(bar.get_label()) for bar in getattr(artist, "patches", ())]
    return labels[0] if labels and not any(labels[1:]) else None


def _legend(axes: Any) -> dict[Colour, str]:
    legend = axes.get_legend()
    if legend is None:
        return {}
    texts = [text.get_text() for text in legend.get_texts()]
    handles = getattr(legend, "legend_handles", None) or ()
    colours = [_colour(each) for each in handles]
    # A colour that stands for two things says nothing of either.
    return {
        colour: text
        for colour, text in zip(colours, texts, strict=False)
        if colour is not None and colours.count(colour) == 1
    }


def _colour(artist: Any) -> Colour | None:
    bars = getattr(artist, "patches", None)
    artist = bars[0] if bars else artist
    get = getattr(artist, "get_color", None) or getattr(artist, "get_facecolor", None)
    if get is None:
        return None
    found = sys.modules["matplotlib.colors"].to_rgba_array(get())
    # Areas of the same colour may be less opaque than their lines.
    return tuple(round(float(part), 6) for part in found[0][:3]) if len(found) else None
