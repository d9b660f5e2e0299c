"""GET and HEAD of plain files: the bytes, and the fields that describe them."""

import email.utils
import os
import re
import subprocess
import time

import pytest

from harness import files, wire

SIZES = (0, 1, 2, 1023, 1024, 4095, 4096, 4097, 65535, 65536, 65537, 262144, 1000003, 5 * files.MIB)
ENTITY_TAG = re.compile(r'(W/)?"[\x21\x23-\x7e]*"\Z')


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    for size in SIZES:
        files.write_old(module_tree / f"size-{size}.bin", files.pattern(size, size))
    files.write_old(module_tree / "page.html", b"<p>hello</p>")
    (module_tree / "a" / "b").mkdir(parents=True)
    files.write_old(module_tree / "a" / "b" / "deep.txt", b"deep")
    return module_fleet.serve(module_tree)


@pytest.mark.parametrize("size", SIZES)
def test_get_sends_every_byte_of_a_file(served, size):
    response = served.get(f"/size-{size}.bin")
    assert response.status == 200
    assert response.header("content-length") == str(size)
    assert response.body == files.pattern(size, size)


@pytest.mark.parametrize("size", SIZES)
def test_curl_gets_the_same_bytes(served, size, tmp_path):
    subprocess.run(["curl", "-sSf", "-o", tmp_path / "got", f"{served.url}/size-{size}.bin"],
                   check=True, timeout=60)
    got = (tmp_path / "got").read_bytes() if size else b""
    assert got == files.pattern(size, size)


@pytest.mark.parametrize("target", ["/size-0.bin", "/size-1000003.bin", "/page.html", "/missing",
                                    "/a", "/a/", "/a/b/deep.txt", "/bad%"])
def test_head_has_the_fields_of_get(served, target):
    got = served.get(target)
    head = served.get(target, method="HEAD")
    assert head.status == got.status
    assert [field for field in head.fields if field[0] != "date"] == \
        [field for field in got.fields if field[0] != "date"]


def test_head_has_no_body(served):
    """A body would be taken for the head of the next response, which the client refuses."""
    with served.connect() as connection:
        for target in ("/size-0.bin", "/size-1000003.bin", "/missing", "/page.html", "/a"):
            connection.send(wire.request(target, method="HEAD"))
            connection.read_response("HEAD")
        connection.send(wire.request("/page.html", headers=[("Connection", "close")]))
        assert connection.read_response().status == 200
        connection.expect_close()


def test_a_file_is_described_completely(served):
    response = served.get("/size-4096.bin")
    assert response.reason == "OK"
    assert response.header("accept-ranges") == "bytes"
    assert ENTITY_TAG.match(response.header("etag"))
    modified = email.utils.parsedate_to_datetime(response.header("last-modified")).timestamp()
    assert abs(time.time() - 3600 - modified) < 600


def test_last_modified_is_the_time_of_the_file(served, module_tree):
    os.utime(module_tree / "page.html", (784111777, 784111777))
    assert served.get("/page.html").header("last-modified") == "Sun, 06 Nov 1994 08:49:37 GMT"


def test_a_time_in_the_future_is_never_sent(served, module_tree):
    """RFC 9110 section 8.8.2.1: Last-Modified must not be later than Date."""
    path = files.write_old(module_tree / "future.txt", b"x", age_s=-400 * 86400)
    response = served.get(f"/{path.name}")
    modified = response.header("last-modified")
    assert modified is None or email.utils.parsedate_to_datetime(modified) <= \
        email.utils.parsedate_to_datetime(response.header("date"))


def test_the_entity_tag_changes_with_the_content(served, module_tree):
    """Also where size and second stay the same, and only the nanoseconds differ."""
    path = module_tree / "changing.txt"
    seen = set()
    for step in range(20):
        path.write_bytes(b"%04d" % step)
        os.utime(path, ns=(10**18, 10**18 + step * 1000))
        response = served.get("/changing.txt")
        assert response.body == b"%04d" % step
        assert ENTITY_TAG.match(response.header("etag"))
        seen.add(response.header("etag").removeprefix("W/"))
    assert len(seen) == 20


def test_the_entity_tag_stays_while_the_file_does(served):
    assert len({served.get("/size-4096.bin").header("etag") for _ in range(5)}) == 1


def test_a_missing_file_is_404(served):
    for target in ("/missing", "/a/missing", "/missing/deep.txt", "/page.html.gz"):
        response = served.get(target)
        assert response.status == 404
        assert response.header("etag") is None


def test_a_file_is_not_a_directory(served):
    assert served.get("/page.html/").status == 404
    assert served.get("/page.html/more").status == 404


def test_the_query_does_not_choose_the_file(served):
    assert served.get("/a/b/deep.txt?x=/../../etc/passwd&%2f%00").body == b"deep"
    assert served.get("/a/b/deep.txt?").body == b"deep"


@pytest.mark.parametrize("target", ["/a//b///deep.txt", "/./a/./b/deep.txt", "/a/x/../b/deep.txt",
                                    "/%61/b/d%65ep%2Etxt", "http://test/a/b/deep.txt",
                                    "HTTP://test:80/a/b/deep.txt"])
def test_other_spellings_of_a_path_lead_to_the_same_file(served, target):
    response = served.get(target)
    assert (response.status, response.body) == (200, b"deep")


def test_an_error_page_repeats_nothing_of_the_request(served):
    response = served.get("/%3Cscript%3Ealert(1)%3C/script%3Emissing-name?%3Cb%3E")
    assert response.status == 404
    assert b"<script>alert" not in response.body
    assert b"missing-name" not in response.body


def test_a_file_with_a_long_name_is_served_and_a_longer_one_is_missing(served, module_tree):
    name = "n" * 255
    files.write_old(module_tree / name, b"long")
    assert served.get(f"/{name}").body == b"long"
    assert served.get(f"/{name}n").status == 404
    assert served.get("/" + "/".join(["d" * 200] * 30)).status in (404, 414)


def test_many_clients_at_once_each_get_their_own_file(served):
    connections = [served.connect() for _ in range(64)]
    for turn in range(4):
        for number, connection in enumerate(connections):
            size = SIZES[(number + turn) % len(SIZES)]
            connection.send(wire.request(f"/size-{size}.bin"))
        for number, connection in enumerate(connections):
            size = SIZES[(number + turn) % len(SIZES)]
            assert connection.read_response().body == files.pattern(size, size)
    for connection in connections:
        connection.close()
