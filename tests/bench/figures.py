"""Medians, spreads and ratios of runs, as text."""

import statistics


def spread(values, form):
    return f"{form.format(statistics.median(values))} " \
           f"({form.format(min(values))}–{form.format(max(values))})"


def ratios(ones, others):
    """Of neighbouring runs, so that a machine that grows slower in between changes them little."""
    return [one / other for one, other in zip(ones, others, strict=True) if other]


def ratio(ones, others):
    found = ratios(ones, others)
    return spread(found, "{:.2f}") if found else ""
