"""One byte range of a file (RFC 9110 section 14), and If-Range."""

import subprocess

import pytest

from harness import files, wire

LENGTH = 10000
CONTENT = files.pattern(LENGTH)
LAST = LENGTH - 1
HUGE = 10**30

# What is asked for, and the first and last position that come.
PARTS = {
    "bytes=0-0": (0, 0),
    "bytes=0-499": (0, 499),
    "bytes=500-999": (500, 999),
    f"bytes=0-{LAST}": (0, LAST),
    f"bytes={LAST}-{LAST}": (LAST, LAST),
    "bytes=0-": (0, LAST),
    "bytes=9500-": (9500, LAST),
    f"bytes={LAST}-": (LAST, LAST),
    "bytes=-1": (LAST, LAST),
    "bytes=-500": (9500, LAST),
    f"bytes=-{LENGTH}": (0, LAST),
    f"bytes=-{LENGTH + 1}": (0, LAST),
    f"bytes=-{2**63}": (0, LAST),
    f"bytes=-{2**64}": (0, LAST),
    f"bytes=-{HUGE}": (0, LAST),
    f"bytes=0-{LENGTH}": (0, LAST),
    "bytes=0-999999": (0, LAST),
    f"bytes=5-{2**31}": (5, LAST),
    f"bytes=5-{2**32 + 4}": (5, LAST),
    f"bytes=5-{2**63 - 1}": (5, LAST),
    f"bytes=5-{2**63}": (5, LAST),
    f"bytes=5-{2**64 - 1}": (5, LAST),
    f"bytes=5-{2**64 + 4}": (5, LAST),
    f"bytes=5-{HUGE}": (5, LAST),
    "bytes=00000000000000000000000000000000000010-00000000000000000000000000000000000020": (10, 20),
    "bytes=0-0,": (0, 0),
    "bytes=,0-0": (0, 0),
    " bytes=7-8 ": (7, 8),
}
UNSATISFIABLE = [f"bytes={LENGTH}-", f"bytes={LENGTH}-{LENGTH}", f"bytes={LENGTH + 5}-{LENGTH + 9}",
                 "bytes=-0", f"bytes={2**31}-", f"bytes={2**32}-", f"bytes={2**63}-",
                 f"bytes={2**64}-", f"bytes={2**64 + 5}-{2**64 + 6}", f"bytes={HUGE}-",
                 f"bytes={HUGE}-{HUGE}"]
# Not a range set, or not bytes. Several parts are in test_multipart_ranges.py.
IGNORED = ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes=5-4", "bytes=--1",
           "bytes=1--2", "bytes=+1-2", "bytes=-+1", "bytes=0x1-0x2", "bytes=1.0-2", "bytes=1 0-20",
           "bytes=0-1-2", "bytes:0-1", "bytes 0-1", "0-1", "=0-1", "items=0-1", "bits=0-1",
           "none=0-1", "bytes=\u00b2-\u00b3", "bytes=1-2;", "bytes=1-2 foo", "bytes=0-9;q=1"]


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    files.write_old(module_tree / "file.bin", CONTENT)
    files.write_old(module_tree / "empty.bin", b"")
    files.write_old(module_tree / "one.bin", b"1")
    return module_fleet.serve(module_tree)


def ranged(served, value, *headers, method="GET", target="/file.bin"):
    return served.get(target, method=method, headers=[("Range", value), *headers])


def assert_whole(response):
    assert response.status == 200
    assert response.header("content-range") is None
    assert response.body == CONTENT


@pytest.mark.parametrize("value", PARTS)
def test_a_part_is_sent(served, value):
    first, last = PARTS[value]
    response = ranged(served, value)
    assert response.status == 206
    assert response.header("content-range") == f"bytes {first}-{last}/{LENGTH}"
    assert response.header("content-length") == str(last - first + 1)
    assert response.body == CONTENT[first:last + 1]
    assert response.header("etag") == served.get("/file.bin").header("etag")
    assert response.header("last-modified")


@pytest.mark.parametrize("value", UNSATISFIABLE)
def test_a_part_behind_the_end_is_not_satisfiable(served, value):
    response = ranged(served, value)
    assert response.status == 416
    assert response.header("content-range") == f"bytes */{LENGTH}"
    assert CONTENT[:100] not in response.body


@pytest.mark.parametrize("value", IGNORED)
def test_what_is_not_a_range_of_bytes_is_ignored(served, value):
    assert_whole(ranged(served, value))


def test_the_unit_is_case_insensitive(served):
    """RFC 9110 section 14.1 says that range units are case-insensitive."""
    assert ranged(served, "Bytes=0-1").status == 206


def test_two_range_fields_are_ignored(served):
    response = served.get("/file.bin", headers=[("Range", "bytes=0-1"), ("Range", "bytes=2-3")])
    assert_whole(response)


@pytest.mark.parametrize("value", ["bytes=0-9", f"bytes={LENGTH}-", "bytes=-5"])
def test_head_ignores_a_range(served, value):
    response = ranged(served, value, method="HEAD")
    assert response.status == 200
    assert response.header("content-length") == str(LENGTH)
    assert response.header("content-range") is None


def test_other_methods_ignore_a_range(served):
    assert ranged(served, "bytes=0-9", method="DELETE").status == 405


def test_a_range_of_what_is_missing_is_404(served):
    assert ranged(served, "bytes=0-9", target="/missing").status == 404


@pytest.mark.parametrize("value", ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0", "bytes=5-"])
def test_an_empty_file_has_no_part(served, value):
    response = ranged(served, value, target="/empty.bin")
    assert (response.status, response.body) == (200, b"")
    assert response.header("content-range") is None


def test_a_file_of_one_byte(served):
    for value in ("bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-9", "bytes=0-99"):
        response = ranged(served, value, target="/one.bin")
        assert (response.status, response.body) == (206, b"1")
        assert response.header("content-range") == "bytes 0-0/1"
    assert ranged(served, "bytes=1-", target="/one.bin").status == 416


def test_if_range_with_the_same_tag_sends_the_part(served):
    tag = served.get("/file.bin").header("etag")
    assert not tag.startswith("W/"), "the file has not changed for an hour"
    response = ranged(served, "bytes=5-9", ("If-Range", tag))
    assert (response.status, response.body) == (206, CONTENT[5:10])


def test_if_range_with_the_same_date_sends_the_part(served):
    date = served.get("/file.bin").header("last-modified")
    response = ranged(served, "bytes=5-9", ("If-Range", date))
    assert (response.status, response.body) == (206, CONTENT[5:10])


@pytest.mark.parametrize("form", ['"other"', "W/{tag}", "{inner}", "{tag}, {tag}", "*", "",
                                  "Fri, 01 Jan 2010 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT",
                                  "yesterday", "{tag}x"])
def test_if_range_with_anything_else_sends_the_whole_file(served, form):
    tag = served.get("/file.bin").header("etag")
    value = form.format(tag=tag, inner=tag.strip('"'))
    assert_whole(ranged(served, "bytes=5-9", ("If-Range", value)))


def test_if_range_decides_before_the_part_is_looked_at(served):
    assert_whole(ranged(served, f"bytes={LENGTH}-", ("If-Range", '"other"')))


def test_if_range_without_a_range_changes_nothing(served):
    assert_whole(served.get("/file.bin", headers=[("If-Range", '"other"')]))


def test_the_parts_put_together_are_the_file(served):
    whole = b""
    with served.connect() as connection:
        for first in range(0, LENGTH, 777):
            connection.send(wire.request("/file.bin", headers=[
                ("Range", f"bytes={first}-{first + 776}")]))
            whole += connection.read_response().body
    assert whole == CONTENT


def test_curl_resumes(served, tmp_path):
    part = tmp_path / "part"
    for length in (1, 5000, LENGTH - 1):
        part.write_bytes(CONTENT[:length])
        subprocess.run(["curl", "-sSf", "-C", "-", "-o", part, f"{served.url}/file.bin"],
                       check=True, timeout=60)
        assert part.read_bytes() == CONTENT
