"""What an expression in PromQL asks for: which metrics, and which of their series."""

import re
from typing import NamedTuple

# Names that stand where a metric could, and are none.
_WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan"}
# What lists labels, not metrics: sum by (job) (...), on (shard) group_left (name) ...
_LABEL_LIST = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_DURATION = re.compile(r"\[[^\]]*\]")
_TOKEN = re.compile(r"(?<![\w.])(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)\s*"
                    r"(?:(?P<call>\()|\{(?P<selector>[^}]*)\})?")
_MATCHER = re.compile(r'([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')


class Asked(NamedTuple):
    """One metric of an expression; matchers are (label, operator, value)."""

    metric: str
    matchers: tuple


def asked_in(expression):
    """All metrics that an expression reads. Knows as much of PromQL as the rules here use."""
    text = _DURATION.sub("", _LABEL_LIST.sub("", expression))
    found = []
    for token in _TOKEN.finditer(text):
        if token["call"] is None and token["name"].lower() not in _WORDS:
            found.append(Asked(token["name"], tuple(_MATCHER.findall(token["selector"] or ""))))
    return found


def misses(asked, page):
    """Why a page has nothing that this asks for; None if it has. Codes of status and the labels
    that Prometheus adds are not on every page."""
    if asked.metric not in page.names:
        return f"no metric {asked.metric}"
    for label, operator, value in asked.matchers:
        if label in ("job", "instance", "code"):
            continue
        try:
            there = page.values(asked.metric, label)
        except KeyError:
            return f"{asked.metric} has no label {label}"
        named = set(value.split("|")) if "~" in operator else {value}
        if not named <= there:
            return f"{asked.metric} has no {label} {sorted(named - there)}"
    return None
