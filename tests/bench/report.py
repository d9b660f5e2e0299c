"""The report in Markdown: first sluiced beside each other server, then every figure."""

import dataclasses
import statistics

from figures import ratio, ratios, spread


@dataclasses.dataclass(frozen=True)
class Figure:
    """A column. `compared`: sluiced's is divided by the other's, too."""

    key: str
    title: str
    form: str
    compared: bool = False


RATE = Figure("rate", "files/s", "{:,.0f}", True)
BYTES = Figure("gigabytes", "GB/s", "{:.2f}", True)
REQUEST_CPU = Figure("cpu", "CPU, µs/request", "{:.2f}", True)
BYTE_CPU = Figure("cpu", "CPU, s/GB", "{:.3f}", True)
P50 = Figure("p50", "p50, ms", "{:.3f}")
P99 = Figure("p99", "p99, ms", "{:.3f}", True)
P999 = Figure("p999", "p99.9, ms", "{:.3f}")
CLIENT = Figure("client", "client's core, %", "{:.0f}")

# What the tables tell, in the order of the report: the heading, which subjects, and the columns.
TABLES = (
    ("Hot files, by request", lambda subject: subject.group in ("hot", "once")
     and not subject.per_byte, (RATE, REQUEST_CPU, P50, P99, CLIENT)),
    ("Hot files, by byte", lambda subject: subject.group == "hot" and subject.per_byte,
     (BYTES, BYTE_CPU, P50, P99, CLIENT)),
    ("Cold files, and hot ones of 1 KiB in the meantime", lambda subject: subject.group == "cold",
     (RATE, BYTES, BYTE_CPU, Figure("p50", "hot p50, ms", "{:.2f}"),
      Figure("p99", "hot p99, ms", "{:.2f}", True), Figure("p999", "hot p99.9, ms", "{:.2f}"),
      Figure("disk", "read from the disk, %", "{:.0f}"))),
    ("The hot ones alone", lambda subject: subject.group == "probe", (P50, P99, P999)),
    ("Idle connections", lambda subject: subject.group == "idle",
     (Figure("each", "memory of each, bytes", "{:,.0f}", True),
      Figure("before", "before, MiB", "{:.1f}"), Figure("rush", "just opened, MiB", "{:.1f}"),
      Figure("held", "at rest, MiB", "{:.1f}"),
      Figure("after", "afterwards, MiB", "{:.1f}"),
      Figure("idle", "CPU while idle, %", "{:.2f}"))),
)


def row(cells):
    return "| " + " | ".join(cells) + " |"


def head(cells, text_columns):
    return [row(cells), row(["---"] * text_columns + ["---:"] * (len(cells) - text_columns))]


def values(runs, figure):
    """The figure in each run; nothing if one of them has none, as a latency when no response was
    complete."""
    return [run[figure] for run in runs] if all(figure in run for run in runs) else []


def details(results, names, figures):
    """A line for each subject and server: its figures, and sluiced's divided by them."""
    compared = [figure for figure in figures if figure.compared]
    lines = head(["", "server", *(figure.title for figure in figures),
                  *(f"{figure.title.partition(',')[0]}, sluiced ÷ this" for figure in compared)], 2)
    for subject, runs in results:
        first = True
        for key, own in runs.items():
            title, first = subject.title if first else "", False
            cells = [title, names[key]]
            if not own:
                lines.append(row(cells + ["failed"] + [""] * (len(figures) + len(compared) - 1)))
                continue
            for figure in figures:
                found = values(own, figure.key)
                cells.append(spread(found, figure.form) if found else "")
            for figure in compared:
                cells.append(against(runs, key, figure.key))
            lines.append(row(cells))
    return lines


def against(runs, key, figure):
    """sluiced's runs divided by those of another server; nothing where there are none."""
    own, other = values(runs.get("sluiced", []), figure), values(runs[key], figure)
    return ratio(own, other) if key != "sluiced" and len(own) == len(other) else ""


def summary(results, names):
    """CPU, or what else the subject is about, of sluiced by that of each other server."""
    keys = [key for key in names if key != "sluiced"
            and any(key in runs for _, runs in results)]
    lines = head(["sluiced ÷", "figure", *(names[key] for key in keys)], 2)
    for subject, runs in results:
        for figure, title in MAIN_FIGURES[subject.group]:
            cells = [subject.title, title]
            for key in keys:
                own = values(runs.get("sluiced", []), figure)
                other = values(runs.get(key, []), figure)
                found = ratios(own, other) if len(own) == len(other) else []
                cells.append(f"{statistics.median(found):.2f}" if found else "")
            lines.append(row(cells))
    return lines


MAIN_FIGURES = {
    "hot": (("cpu", "server CPU"), ("rate", "rate")),
    "once": (("cpu", "server CPU"), ("rate", "rate")),
    "cold": (("p99", "p99 of hot ones"), ("rate", "rate of cold ones"), ("cpu", "server CPU")),
    "probe": (("p99", "p99"),),
    "idle": (("each", "memory"),),
}


def report(setting, results, names, troubles, plots):
    """All of it. `results` are pairs of a subject and its runs by key of server, `names` the
    servers by key, `troubles` lines on what went wrong, `plots` pairs of title and file name."""
    lines = ["# sluiced beside other file servers", "", *setting, "", "## In short", "",
             "Ratios, medians of neighbouring runs. Below 1 speaks for sluiced, except for rates.",
             "", *summary(results, names), ""]
    for title, name in plots:
        lines += [f"![{title}]({name})", ""]
    for title, belongs, figures in TABLES:
        chosen = [(subject, runs) for subject, runs in results if belongs(subject)]
        if chosen:
            lines += [f"## {title}", "", *details(chosen, names, figures), ""]
    lines += ["## What went wrong", ""]
    lines += [f"- {trouble}" for trouble in troubles] or ["Nothing."]
    return "\n".join(lines) + "\n"
