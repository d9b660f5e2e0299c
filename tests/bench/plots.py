"""Bars in SVG, a panel for each subject; made by hand, so that nothing has to be installed."""

import math
import statistics
from xml.sax.saxutils import escape

from report import values

WIDTH, PANEL_WIDTH, LABEL_WIDTH, VALUE_WIDTH = 960, 470, 130, 80
BAR, GAP, TITLE, MARGIN = 14, 4, 24, 12
OURS, BOUND, OTHERS = "#1f6fb2", "#8f8f8f", "#c9b27c"
COLOURS = {"sluiced": OURS, "raw": BOUND}


def bars(title, panels, form, logarithmic=False):
    """A picture: `panels` are pairs of a title and bars, which are triples of the key of a server,
    its name and its values. A bar ends at the median; a line goes from the smallest to the largest.
    """
    columns = WIDTH // PANEL_WIDTH
    body, top = [], MARGIN + TITLE
    for first in range(0, len(panels), columns):
        line = panels[first:first + columns]
        for column, (name, servers) in enumerate(line):
            body += _panel(MARGIN + column * PANEL_WIDTH, top, name, servers, form, logarithmic)
        top += TITLE + (BAR + GAP) * max(len(servers) for _, servers in line) + MARGIN
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" '
        f'height="{top}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{top}" fill="#ffffff"/>',
        _text(MARGIN, MARGIN + 12, title, 'font-size="15" font-weight="bold"'), *body, "</svg>",
        ""])


def _panel(left, top, title, servers, form, logarithmic):
    values = [value for _, _, own in servers for value in own]
    scale = _scale(values, logarithmic)
    start = left + LABEL_WIDTH
    lines = [_text(left, top + 14, title, 'font-weight="bold"')]
    for number, (key, name, own) in enumerate(servers):
        above = top + TITLE + number * (BAR + GAP)
        middle = above + BAR / 2
        lines.append(_text(start - 6, above + BAR - 3, name, 'text-anchor="end"'))
        if not own:
            lines.append(_text(start, above + BAR - 3, "failed", 'fill="#b00000"'))
            continue
        median = statistics.median(own)
        lines.append(f'<rect x="{start}" y="{above}" width="{scale(median):.1f}" height="{BAR}" '
                     f'fill="{COLOURS.get(key, OTHERS)}"/>')
        lines.append(f'<line x1="{start + scale(min(own)):.1f}" y1="{middle}" '
                     f'x2="{start + scale(max(own)):.1f}" y2="{middle}" stroke="#000000"/>')
        lines.append(_text(round(start + scale(max(own)) + 5, 1), above + BAR - 3,
                           form.format(median)))
    return lines


def _scale(values, logarithmic):
    """From a value to the length of its bar."""
    room = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH
    largest = max(values, default=0)
    if largest <= 0:
        return lambda value: 0
    if not logarithmic:
        return lambda value: max(value, 0) / largest * room
    # A decade below the smallest, so that the smallest has a bar as well.
    smallest = min(value for value in values if value > 0) / 10
    decades = math.log10(largest / smallest)
    return lambda value: math.log10(max(value, smallest) / smallest) / decades * room


def _text(left, bottom, text, attributes=""):
    return f'<text x="{left}" y="{bottom}" {attributes}>{escape(text)}</text>'


# Name of the file, title, groups of subjects, figure, form, whether the scale is logarithmic.
PICTURES = (
    ("cpu.svg", "Server CPU per request, µs", lambda subject: subject.group in ("hot", "once")
     and not subject.per_byte, "cpu", "{:.2f}", False),
    ("cpu-bytes.svg", "Server CPU per GB, s", lambda subject: subject.group == "hot"
     and subject.per_byte, "cpu", "{:.3f}", False),
    ("stall.svg", "p99 of hot 1 KiB requests while cold files are read, ms (logarithmic)",
     lambda subject: subject.group in ("probe", "cold"), "p99", "{:.2f}", True),
    ("cold.svg", "Cold files per second", lambda subject: subject.group == "cold", "rate",
     "{:,.0f}", False),
    ("idle.svg", "Memory of an idle connection, bytes (logarithmic)",
     lambda subject: subject.group == "idle", "each", "{:,.0f}", True),
)


def pictures(results, names):
    """Triples of file name, title and picture, of those that there is something to show for."""
    found = []
    for file, title, belongs, figure, form, logarithmic in PICTURES:
        panels = [(subject.title,
                   [(key, names[key], values(own, figure)) for key, own in runs.items()])
                  for subject, runs in results if belongs(subject) and any(runs.values())]
        if panels:
            found.append((file, title, bars(title, panels, form, logarithmic)))
    return found
