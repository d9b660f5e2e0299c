"""The order and the pages of a listing, which its own links lead to."""

import html.parser
import json
import os
import urllib.parse

import pytest

from harness import files

SIZES = {"a.txt": 300, "b.txt": 100, "c.txt": 200, "Z.txt": 100}
AGES = {"a.txt": 50, "b.txt": 400, "c.txt": 300, "Z.txt": 200}


@pytest.fixture(scope="module")
def listed(module_fleet, module_tree):
    for name, size in SIZES.items():
        files.write_old(module_tree / name, b"x" * size, AGES[name])
    for name in ("y-dir", "x-dir"):
        (module_tree / name).mkdir()
    return module_fleet.serve(module_tree, "--listing")


class Rows(html.parser.HTMLParser):
    """The names of the rows, and the links by their text."""

    def __init__(self, text):
        super().__init__()
        self.names, self.links, self.sorted_by = [], {}, {}
        self._in_rows, self._href, self._sort = False, None, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self._in_rows = self._in_rows or tag == "tbody"
        if tag == "th":
            self._sort = attrs.get("aria-sort")
        if tag == "a":
            self._href = attrs["href"]

    def handle_endtag(self, tag):
        self._in_rows = self._in_rows and tag != "tbody"
        if tag == "a":
            self._href = None

    def handle_data(self, data):
        if self._href is None:
            return
        if self._in_rows:
            self.names.append(data)
        else:
            self.links[data] = self._href
            if self._sort:
                self.sorted_by[data] = self._sort
            self._sort = None


def page(daemon, target):
    response = daemon.get(target, headers=[("Accept", "text/html")])
    assert response.status == 200
    return Rows(response.body.decode())


def names(daemon, query):
    return [entry["name"] for entry in
            json.loads(daemon.get(f"/?format=json&{query}").body)["entries"]]


@pytest.mark.parametrize("query,expected", [
    ("", ["Z.txt", "a.txt", "b.txt", "c.txt"]),
    ("sort=name", ["Z.txt", "a.txt", "b.txt", "c.txt"]),
    ("sort=name&order=desc", ["c.txt", "b.txt", "a.txt", "Z.txt"]),
    ("order=desc", ["c.txt", "b.txt", "a.txt", "Z.txt"]),
    ("sort=size", ["Z.txt", "b.txt", "c.txt", "a.txt"]),
    ("sort=size&order=desc", ["a.txt", "c.txt", "b.txt", "Z.txt"]),
    ("sort=time", ["b.txt", "c.txt", "Z.txt", "a.txt"]),
    ("sort=time&order=desc", ["a.txt", "Z.txt", "c.txt", "b.txt"])])
def test_the_query_chooses_the_order_and_directories_come_first(listed, query, expected):
    got = names(listed, query)
    assert sorted(got[:2]) == ["x-dir", "y-dir"]
    assert got[2:] == expected


def test_every_format_has_the_same_order(listed):
    expected = names(listed, "sort=size&order=desc")
    lines = listed.get("/?format=ndjson&sort=size&order=desc").body.decode().splitlines()
    assert [json.loads(line)["name"] for line in lines] == expected
    text = listed.get("/?format=text&sort=size&order=desc").body.decode().splitlines()
    assert [line.split()[-1].rstrip("/") for line in text] == expected
    rows = page(listed, "/?sort=size&order=desc")
    assert [name.rstrip("/") for name in rows.names] == expected


def test_the_head_of_a_column_leads_to_its_order_and_then_turns_it_around(listed):
    first = page(listed, "/")
    assert first.sorted_by == {"Name": "ascending"}
    by_size = page(listed, "/" + first.links["Size"])
    assert by_size.sorted_by == {"Size": "ascending"}
    assert by_size.names[2:] == ["Z.txt", "b.txt", "c.txt", "a.txt"]
    turned = page(listed, "/" + by_size.links["Size"])
    assert turned.sorted_by == {"Size": "descending"}
    assert turned.names[2:] == ["a.txt", "c.txt", "b.txt", "Z.txt"]


def test_limit_and_offset_cut_a_piece_out(listed):
    whole = names(listed, "")
    assert names(listed, "limit=2") == whole[:2]
    assert names(listed, "limit=2&offset=3") == whole[3:5]
    assert names(listed, "offset=4") == whole[4:]
    assert names(listed, "offset=100") == []
    assert names(listed, "limit=0") == []
    listing = json.loads(listed.get("/?format=json&limit=1&offset=2").body)
    assert (listing["total"], listing["offset"], listing["complete"]) == (6, 2, True)


def test_limit_and_offset_hold_without_an_order_too(listed):
    lines = listed.get("/?format=ndjson").body.splitlines()
    assert len(lines) == 6
    assert listed.get("/?format=ndjson&limit=2&offset=3").body.splitlines() == lines[3:5]
    assert listed.get("/?format=ndjson&limit=0").body == b""
    assert listed.get("/?format=text&offset=5").body.count(b"\n") == 1


def test_the_links_of_a_page_lead_through_all_of_them(listed):
    seen, target = [], "/?limit=2"
    while target:
        rows = page(listed, target)
        seen += [name.rstrip("/") for name in rows.names]
        target = "/" + rows.links["Next"] if "Next" in rows.links else None
    assert seen == names(listed, "")
    assert page(listed, "/?limit=2&offset=2").links["Previous"].count("offset") == 0


@pytest.mark.parametrize("query", ["format=xml", "sort=x", "order=up", "limit=-1", "limit=x",
                                   "offset=99999999999999999999"])
def test_a_query_that_means_nothing_is_refused(listed, query):
    assert listed.get(f"/?{query}").status == 400


def test_a_query_means_nothing_to_a_file(listed):
    assert listed.get("/a.txt?format=json&sort=x").body == b"x" * 300


def test_the_heading_leads_to_every_directory_above(fleet, tree):
    (tree / "a b" / "c" / "d").mkdir(parents=True)
    daemon = fleet.serve(tree, "--listing")
    links = page(daemon, "/a%20b/c/d/").links
    base = "http://test/a%20b/c/d/"
    assert urllib.parse.urljoin(base, links["/"]) == "http://test/"
    assert urllib.parse.urljoin(base, links["a b"]) == "http://test/a%20b/"
    assert urllib.parse.urljoin(base, links["c"]) == "http://test/a%20b/c/"
    assert os.path.isdir(tree / "a b" / "c" / "d")
