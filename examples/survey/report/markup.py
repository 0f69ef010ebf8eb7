"""Building HTML and SVG so that nothing from a surveyed file can become markup.

Text becomes part of a page only through `tag`, which escapes it. Only what `tag` itself made is taken as it is.
"""

from __future__ import annotations

import html

from report.visible import visible

_VOID = {"meta", "br", "rect", "circle", "line", "path", "col"}


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | int | float | None
Attribute = str | int | float | bool | None


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """An element. `class_` is the attribute `class`, `aria_label` is `aria-label`; what is None is left out."""
    opening = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    if name in _VOID and not children:
        return Markup(opening if name in {"meta", "br", "col"} else f"{opening[:-1]}/>")
    return Markup(f"{opening}{joined(*children)}</{name}>")


def joined(*children: Child) -> Markup:
    """Several pieces, one after the other."""
    return Markup("".join(_escaped(child) for child in children))


def _escaped(child: Child) -> str:
    match child:
        case None:
            return ""
        case Markup():
            return child
        case str():
            return html.escape(visible(child))
        case float():
            return f"{child:g}"
        case int():
            return str(child)


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-") if key != "viewBox" else key
    if value is True:
        return f" {name}"
    text = f"{value:.6g}" if isinstance(value, float) else visible(str(value))
    return f' {name}="{html.escape(text)}"'
