"""Lets what is displayed carry what programs can compute with: tables and charts as data, beside their other forms.

Nothing is imported here that the user's code has not imported: types are known by their names until one of them is
displayed, and what serves them is loaded then. No name of it can be seen by the user's code, and an object that cannot
be told in this way is displayed as ever.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from IPython.core.formatters import BaseFormatter
from traitlets import ObjectName, Unicode

TABLE = "application/vnd.execd.table+json"
CHART = "application/vnd.execd.chart+json"
WIDGET = "application/vnd.jupyter.widget-view+json"

TABLES = (
    ("pandas.core.frame", "DataFrame"),
    ("pandas.core.series", "Series"),
    ("pandas", "DataFrame"),
    ("pandas", "Series"),
    ("polars.dataframe.frame", "DataFrame"),
    ("polars.series.series", "Series"),
)
FIGURES = (("matplotlib.figure", "FigureBase"),)
ALTAIR = tuple((f"altair.vegalite.v{version}.api", "TopLevelMixin") for version in range(4, 9))


class Quiet(BaseFormatter):
    """A formatter for types that are named to it, and for none that says how by itself; silent where it fails."""

    print_method = ObjectName("_repr_execd_")
    _return_type = dict

    def __call__(self, obj: Any) -> Any:
        """Return a form of the object, None where there is none."""
        find: Any = self.lookup  # of which IPython does not say the types
        try:
            tell = find(obj)
        except KeyError:
            return None
        try:
            return tell(obj)
        except Exception:  # noqa: BLE001 - whatever it is, the object has other forms
            return None


class Tables(Quiet):
    """Tables as data."""

    format_type = Unicode(TABLE)


class Charts(Quiet):
    """Charts as data."""

    format_type = Unicode(CHART)


@cache
def _module(name: str) -> ModuleType:
    # By a private name: what lies beside this file is nobody's import but ours.
    package = "_execd_shown"
    if package not in sys.modules:
        place = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shown")
        spec = importlib.util.spec_from_file_location(
            package, os.path.join(place, "__init__.py"), submodule_search_locations=[place]
        )
        assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - it lies there
        sys.modules[package] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[package])
    return importlib.import_module(f"{package}.{name}")


def install(shell: Any) -> None:
    """Let a shell's displays carry data."""
    display = shell.display_formatter
    for formatter, of, module in ((Tables, TABLES, "tables"), (Charts, FIGURES, "figures")):
        made: Any = formatter(parent=display)
        display.formatters[made.format_type] = made
        for where, name in of:
            made.for_type_by_name(where, name, _teller(module))
    for where, name in ALTAIR:
        display.mimebundle_formatter.for_type_by_name(where, name, _altair)
    Widgets(shell)


def _teller(module: str) -> Callable[[Any], Any]:
    return lambda obj: _module(module).tell(obj)


def _altair(obj: Any, include: Any = None, exclude: Any = None) -> Any:
    """Return an Altair chart's own forms, and what it is made of, which its default renderer keeps to itself."""
    told = obj._repr_mimebundle_(include=include, exclude=exclude)
    data, metadata = told if isinstance(told, tuple) else (told, {})
    if data is None or any("vegalite" in kind for kind in data):
        return told
    try:
        made = obj.to_dict()
        version = str(made.get("$schema", "")).rpartition("/v")[2].partition(".")[0]
    except Exception:  # noqa: BLE001 - it has other forms
        return told
    return {**data, f"application/vnd.vegalite.v{version or 5}+json": made}, metadata


class Widgets:
    """Lets a widget that is displayed say at the end of its cell what it has become: nobody is there to draw it."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._shown: dict[str, tuple[str, str]] = {}
        """By display id, the widget's model and what it said."""
        publisher = shell.display_pub
        if hasattr(publisher, "register_hook"):
            publisher.register_hook(self._note)
            shell.events.register("post_run_cell", self._tell)

    def _note(self, message: Any) -> Any:
        content = message.get("content")
        data = content.get("data") if isinstance(content, dict) else None
        if message.get("msg_type") == "display_data" and isinstance(data, dict) and WIDGET in data:
            transient = content.setdefault("transient", {})
            model = str(data[WIDGET].get("model_id"))
            shown = transient.setdefault("display_id", f"widget-{model}-{len(self._shown)}")
            self._shown[shown] = model, str(data.get("text/plain", ""))
        return message

    def _tell(self, _: object = None) -> None:
        shown, self._shown = self._shown, {}
        for display_id, (model, said) in shown.items():
            text = _repr(model)
            if text is not None and text != said:
                view = {"version_major": 2, "version_minor": 0, "model_id": model}
                self._shell.display_pub.publish(
                    {"text/plain": text, WIDGET: view}, transient={"display_id": display_id}, update=True
                )


def _repr(model: str) -> str | None:
    module = sys.modules.get("ipywidgets.widgets.widget")
    widgets: Mapping[str, Any] = getattr(module, "_instances", None) or {}
    try:
        return repr(widgets[model])
    except Exception:  # noqa: BLE001 - it is gone, or its repr is the user's
        return None
