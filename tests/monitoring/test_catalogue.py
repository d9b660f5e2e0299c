"""config/metrics.md and the page of the real program say the same, and the page is as small as
config/metrics.md promises."""

import re

import pytest
import shipped
from harness import files

_HEADER = "| metric | type | labels | meaning |"
_BOUND = re.compile(r"^ {4}(\d+) \+ (\d+) \* \(workers \+ 1\) \+ "
                    r"(\d+) \* workers \* TCP listeners$", re.MULTILINE)
_COMBINATIONS = re.compile(r"(\d+) methods\s+and\s+(\d+)\s+codes")


def catalogue():
    """{metric: the row}, of all tables."""
    rows = {}
    for line in shipped.CATALOGUE.read_text().splitlines():
        if match := re.match(r"\| `([a-z_]+)` \|", line):
            assert match[1] not in rows, f"two rows for {match[1]}"
            rows[match[1]] = line
    return rows


def rows_of(text):
    """The rows that a page asks for."""
    rows = {}
    for name, help_text in re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE):
        kind = re.search(rf"^# TYPE {name} (\S+)$", text, re.MULTILINE)[1]
        labels = []
        samples = re.findall(rf"^{name}(?:_bucket|_sum|_count)?\{{(.*)\}} ", text, re.MULTILINE)
        for labelled in samples:
            labels += [label for label in re.findall(r'([a-z_]+)="', labelled)
                       if label != "le" and label not in labels]
        cells = [f"`{name}`", kind, ", ".join(labels), help_text]
        rows[name] = "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"
    return rows


def page_text(daemon):
    with daemon.connect_admin() as connection:
        connection.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        return connection.read_response().body.decode()


def bound(workers, tcp_listeners):
    numbers = _BOUND.search(shipped.CATALOGUE.read_text())
    assert numbers, "config/metrics.md does not say how many series there are"
    fixed, of_shard, of_listener = map(int, numbers.groups())
    return fixed + of_shard * (workers + 1) + of_listener * workers * tcp_listeners


def combinations():
    methods, codes = map(int, _COMBINATIONS.search(shipped.CATALOGUE.read_text()).groups())
    return methods * codes


def most_series(page):
    """How many series a page would have if every combination of method and code had been seen: all
    others are there from the start."""
    requests = sum(name == "sluiced_http_requests_total" for name, _ in page.series)
    return len(page.series) - requests + combinations()


def test_the_catalogue_and_the_page_agree(fleet, tree):
    (tree / "file").write_bytes(b"content")
    daemon = fleet.serve(tree)
    assert daemon.get("/file").status == 200
    told, there = catalogue(), rows_of(page_text(daemon))
    missing = [row for name, row in there.items() if told.get(name) != row]
    assert not missing, "config/metrics.md needs these rows:\n" + "\n".join(missing)
    gone = told.keys() - there.keys()
    assert not gone, f"config/metrics.md has rows for what is not on the page: {sorted(gone)}"


def test_every_table_has_the_same_columns():
    lines = shipped.CATALOGUE.read_text().splitlines()
    headers = [line for line in lines if line.startswith("| metric")]
    assert set(headers) == {_HEADER}
    assert len(headers) >= 4


@pytest.mark.parametrize("workers, sites, listeners", [
    (1, 1, ["127.0.0.1:0"]),
    (3, 1, ["127.0.0.1:0", "127.0.0.1:0"]),
    (2, 5, ["127.0.0.1:0", "127.0.0.1:0", "unix:{folder}/s"]),
])
def test_a_page_has_as_many_series_as_it_may(fleet, tree, tmp_path, workers, sites, listeners):
    """The bound is met to the last one, so that it is not a number that nothing comes near to."""
    addresses = [address.format(folder=tmp_path) for address in listeners]
    text = files.configuration(
        tree, extra=f"runtime:\n  workers: {workers}\n",
        listeners="\n".join(f"  - {{name: l{index}, address: '{address}'}}"
                            for index, address in enumerate(addresses)))
    for index in range(1, sites):
        text += (f"  - name: site{index}\n    hosts: [s{index}.example]\n"
                 f"    mounts:\n      - path: /\n        root: {tree}\n")
    daemon = fleet.run(text, listeners=len(addresses))
    tcp = sum(not address.startswith("unix:") for address in addresses)
    for method in ("GET", "HEAD", "POST", "DELETE", "BREW"):
        for target in ("/", "/missing", "/../x"):
            daemon.get(target, method=method, headers=[("Content-Length", "0")])
    page = daemon.scrape()
    assert len(page.series) <= bound(workers, tcp)
    assert most_series(page) == bound(workers, tcp), \
        "the formula in config/metrics.md does not fit the program any more"
