"""Listings as JSON, NDJSON and text: chosen by the query or by Accept, and of a directory of any
size."""

import json
import os
import threading
import urllib.parse

import pytest

from harness import files, wire
from harness.daemon import wait_until

TYPES = {"html": "text/html; charset=utf-8", "json": "application/json",
         "ndjson": "application/x-ndjson", "text": "text/plain; charset=utf-8"}
NAMES = [b"plain.txt", b"<b>&\"'", b"new\nline", b"tab\t", b"\x1b[31m", b"latin-\xfc", b"\xff\xfe",
         "ü€😀".encode(), b"back\\slash", b"\\n", b"%41", b"a b"]


@pytest.fixture(scope="module")
def root(module_tree):
    top = os.fsencode(module_tree)
    os.mkdir(top + b"/names")
    for name in NAMES:
        with open(top + b"/names/" + name, "wb") as file:
            file.write(name)
    (module_tree / "names" / "sub").mkdir()
    return module_tree


@pytest.fixture(scope="module")
def listed(module_fleet, root):
    return module_fleet.serve(root, "--listing")


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """A directory of 20,000 entries."""
    path = tmp_path_factory.mktemp("crowd")
    for number in range(20000):
        (path / f"entry-{number:06}-with-a-name-of-some-length.txt").touch()
    return path


def type_of(response):
    return response.header("content-type")


@pytest.mark.parametrize("name", TYPES)
def test_the_query_chooses_the_format(listed, name):
    response = listed.get(f"/names/?format={name}", headers=[("Accept", "image/png")])
    assert (response.status, type_of(response)) == (200, TYPES[name])
    assert response.header("vary") is None


@pytest.mark.parametrize("accept,name", [
    (None, "html"), ("*/*", "html"), ("text/html,*/*;q=0.8", "html"), ("image/png", "html"),
    ("application/json", "json"), ("application/json, text/plain, */*", "json"),
    ("application/x-ndjson", "ndjson"), ("text/plain", "text"),
    ("text/html;q=0.1, application/json;q=0.9", "json"), ("text/*, text/html;q=0", "text")])
def test_accept_chooses_the_format_and_caches_are_told(listed, accept, name):
    response = listed.get("/names/", headers=[("Accept", accept)] if accept else [])
    assert (response.status, type_of(response)) == (200, TYPES[name])
    assert response.header("vary") == "Accept"


@pytest.mark.parametrize("name", TYPES)
def test_no_listing_can_be_taken_for_anything_else(listed, name):
    response = listed.get(f"/names/?format={name}")
    assert response.header("x-content-type-options") == "nosniff"
    policy = response.header("content-security-policy")
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", TYPES)
def test_head_has_the_fields_of_get(listed, name):
    got, head = (listed.get(f"/names/?format={name}", method=method) for method in ("GET", "HEAD"))
    assert [f for f in head.fields if f[0] != "date"] == [f for f in got.fields if f[0] != "date"]
    assert head.body == b""


def test_json_describes_every_entry_without_loss(listed):
    entries = json.loads(listed.get("/names/?format=json").body)["entries"]
    by_name = {urllib.parse.unquote_to_bytes(entry["href"]): entry for entry in entries}
    assert set(by_name) == set(NAMES) | {b"sub/"}
    for name in NAMES:
        assert by_name[name]["name"] == name.decode(errors="replace")
        assert by_name[name]["type"] == "file"
        assert by_name[name]["size"] == len(name)
        got = listed.get("/names/" + by_name[name]["href"])
        assert (got.status, got.body) == (200, name)
    assert by_name[b"sub/"]["type"] == "directory"
    assert "size" not in by_name[b"sub/"]


def test_ndjson_has_an_object_for_every_line(listed):
    lines = listed.get("/names/?format=ndjson").body.decode().splitlines()
    assert len(lines) == len(NAMES) + 1
    assert {urllib.parse.unquote_to_bytes(json.loads(line)["href"]) for line in lines} == \
        set(NAMES) | {b"sub/"}


def test_text_has_a_line_for_every_entry_without_loss(listed):
    body = listed.get("/names/?format=text").body
    lines = body.decode().splitlines()
    assert len(lines) == body.count(b"\n") == len(NAMES) + 1
    assert not any(byte < 0x20 and byte != 0x0A for byte in body)
    shown = {line.split(None, 1)[1].lstrip("0123456789-").removeprefix("  ") for line in lines}
    assert {"sub/", r"new\nline", r"\\n", r"latin-\xfc", "ü€😀", r"back\\slash"} <= shown


def chunked(endpoint, target, version="HTTP/1.1"):
    with wire.Connection(endpoint.connect()) as connection:
        connection.send(wire.request(target, version=version, headers=[("Connection", "close")]))
        response = connection.read_response()
        connection.expect_close()
        return response


@pytest.mark.parametrize("query", ["format=ndjson", "format=text", "format=ndjson&sort=name",
                                   "format=html"])
def test_a_large_directory_is_streamed_whole(fleet, crowd, query):
    daemon = fleet.serve(crowd, "--listing")
    response = chunked(daemon.endpoint, f"/?{query}")
    assert response.header("transfer-encoding") == "chunked"
    assert response.header("content-length") is None
    missing = [name for name in os.listdir(crowd) if name.encode() not in response.body]
    assert not missing
    assert response.body.count(b"\n") >= 20000


def test_a_client_of_http_1_0_gets_it_without_chunks(fleet, crowd):
    daemon = fleet.serve(crowd, "--listing")
    response = chunked(daemon.endpoint, "/?format=ndjson", "HTTP/1.0")
    assert response.header("transfer-encoding") is None
    assert response.announces_close
    assert len([json.loads(line) for line in response.body.splitlines()]) == 20000


def test_a_connection_goes_on_behind_a_streamed_listing(fleet, crowd):
    daemon = fleet.serve(crowd, "--listing")
    name = sorted(os.listdir(crowd))[0]
    with daemon.connect() as connection:
        for _ in range(2):
            connection.send(wire.request("/?format=ndjson") + wire.request(f"/{name}"))
            assert connection.read_response().body.count(b"\n") == 20000
            assert connection.read_response().status == 200


def test_other_requests_are_answered_while_large_listings_are_made(fleet, crowd, tmp_path):
    """A slow reader of a listing, and others that are being made, hold nobody up."""
    files.write_old(crowd / "small.txt", b"small")
    daemon = fleet.run(files.configuration(crowd, mount="listing: true", extra=files.PATIENT
                                           + "runtime: {workers: 1}\n"))
    slow = daemon.connect(receive_buffer_bytes=4096)
    slow.send(wire.request("/?format=ndjson"))
    assert slow.read_head().status == 200
    others = [threading.Thread(target=daemon.get, args=("/?format=html",)) for _ in range(3)]
    for other in others:
        other.start()
    for _ in range(50):
        assert daemon.get("/small.txt").body == b"small"
    for other in others:
        other.join()
    slow.close()


def test_what_is_sorted_is_bounded_and_says_so(fleet, crowd):
    daemon = fleet.run(files.configuration(crowd, mount="listing: true",
                                           extra="listings: {max_entries: 1000}\n"))
    listing = json.loads(daemon.get("/?format=json").body)
    assert (listing["complete"], listing["total"], len(listing["entries"])) == (False, 1000, 1000)
    assert b"role=\"note\"" in daemon.get("/").body
    assert json.loads(daemon.get("/?format=ndjson&sort=name").body.splitlines()[-1]) == \
        {"complete": False}
    assert b"not complete" in daemon.get("/?format=text&sort=size").body
    # What is not sorted has no bound.
    assert daemon.get("/?format=ndjson").body.count(b"\n") >= 20000


def test_a_client_that_leaves_in_the_middle_of_a_listing_leaves_nothing_open(fleet, crowd):
    # With one worker the first answer proves that all there will be is open.
    daemon = fleet.run(files.configuration(crowd, mount="listing: true", extra=files.PATIENT
                                           + "runtime: {workers: 1}\n"))
    assert daemon.get("/?format=text&limit=1").status == 200
    before = len(os.listdir(f"/proc/{daemon.pid}/fd"))
    for _ in range(20):
        connection = daemon.connect(receive_buffer_bytes=4096)
        connection.send(wire.request("/?format=ndjson"))
        assert connection.read_head().status == 200
        connection.reset()
    wait_until(lambda: len(os.listdir(f"/proc/{daemon.pid}/fd")) <= before, "descriptors closed")
