"""Reads the Prometheus text format as far as the daemon's own page needs."""

import re

_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\Z")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|\Z)')


class Page:
    """One scrape: {(name, labels): value}, labels being a sorted tuple of pairs."""

    def __init__(self, samples):
        self.samples = samples

    @property
    def series(self):
        return set(self.samples)

    @property
    def names(self):
        return {name for name, _ in self.samples}

    def total(self, name, **labels):
        """The sum of all series of that name that carry the given labels; 0 without any."""
        wanted = set(labels.items())
        return sum(value for (sample, pairs), value in self.samples.items()
                   if sample == name and wanted <= set(pairs))

    def values(self, name, label):
        """The values that a label of a metric has on this page."""
        return {dict(pairs)[label] for sample, pairs in self.samples if sample == name}

    def with_prefix(self, prefix):
        """All samples of a metric whatever its type: with _bucket, _sum and _count."""
        return {key: value for key, value in self.samples.items() if key[0].startswith(prefix)}


def parse(text):
    assert text.endswith("\n"), "the last line has no end"
    samples = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = _SAMPLE.match(line)
        assert match, f"not a sample: {line!r}"
        pairs = tuple(sorted((label[1], label[2]) for label in _LABEL.finditer(match[2] or "")))
        key = (match[1], pairs)
        assert key not in samples, f"given twice: {line!r}"
        samples[key] = float(match[3])
    return Page(samples)
