"""Several byte ranges of a file in one response: multipart/byteranges (RFC 9110 section 14.6)."""

import email.parser
import email.policy
import re

import pytest

from harness import files, wire

LENGTH = 100_000
CONTENT = files.pattern(LENGTH)


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    files.write_old(module_tree / "file.txt", CONTENT)
    files.write_old(module_tree / "large.bin", files.pattern(8 * files.MIB))
    return module_fleet.serve(module_tree)


def ranged(served, value, *headers, target="/file.txt", method="GET"):
    return served.get(target, method=method, headers=[("Range", value), *headers])


def parts_of(response):
    """The parts as (Content-Range, Content-Type, bytes), read by somebody else's parser."""
    text = b"Content-Type: " + response.header("content-type").encode() + b"\r\n\r\n" + response.body
    message = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(text)
    assert message.is_multipart() and not message.defects
    boundary = re.fullmatch(r"multipart/byteranges; boundary=([0-9a-f]{32})",
                            response.header("content-type"))[1].encode()
    bodies = response.body.split(b"--" + boundary)
    assert bodies[0] == b"" and bodies[-1] == b"--\r\n"
    parts = []
    for raw, parsed in zip(bodies[1:-1], message.get_payload(), strict=True):
        assert raw.startswith(b"\r\n") and raw.endswith(b"\r\n")
        body = raw[2:-2].partition(b"\r\n\r\n")[2]
        assert sorted(name.lower() for name in parsed.keys()) == ["content-range", "content-type"]
        parts.append((parsed["content-range"], parsed["content-type"], body))
    return parts


@pytest.mark.parametrize("value,expected", [
    ("bytes=0-0,-1", [(0, 0), (LENGTH - 1, LENGTH - 1)]),
    ("bytes=500-600,7000-7999", [(500, 600), (7000, 7999)]),
    ("bytes=7000-7999,500-600", [(7000, 7999), (500, 600)]),
    ("bytes=0-9, 1000-1009 ,, 99990-", [(0, 9), (1000, 1009), (99990, LENGTH - 1)]),
    ("bytes=0-0,999999-,5000-5000", [(0, 0), (5000, 5000)]),
    ("bytes=0-99,228-300", [(0, 99), (228, 300)]),
    ("bytes=0-40000,50000-90000", [(0, 40000), (50000, 90000)]),
    ("bytes=" + ",".join(f"{first}-{first + 1}" for first in range(0, 16000, 1000)),
     [(first, first + 1) for first in range(0, 16000, 1000)]),
])
def test_the_ranges_come_as_parts_in_the_order_asked(served, value, expected):
    whole = served.get("/file.txt")
    response = ranged(served, value)
    assert response.status == 206
    assert response.header("content-range") is None
    assert response.header("content-length") == str(len(response.body))
    assert response.header("etag") == whole.header("etag")
    assert parts_of(response) == [
        (f"bytes {first}-{last}/{LENGTH}", whole.header("content-type"), CONTENT[first:last + 1])
        for first, last in expected]


@pytest.mark.parametrize("value,first,last", [
    ("bytes=0-99,50-149", 0, 149),
    ("bytes=0-99,100-149", 0, 149),
    ("bytes=0-99,227-300", 0, 300),
    ("bytes=227-300,0-99", 0, 300),
    ("bytes=5-5,999999-", 5, 5),
    ("bytes=0-0,2-2,4-4", 0, 4),
])
def test_ranges_that_come_to_one_are_no_multipart(served, value, first, last):
    response = ranged(served, value)
    assert response.status == 206
    assert response.header("content-range") == f"bytes {first}-{last}/{LENGTH}"
    assert response.body == CONTENT[first:last + 1]
    assert "multipart" not in response.header("content-type")


@pytest.mark.parametrize("value", [
    "bytes=" + ",".join(f"{first}-{first + 1}" for first in range(0, 17000, 1000)),
    "bytes=0-,0-,0-,0-",
    "bytes=0-,-1",
    "bytes=0-60000,50000-",
    "bytes=0-" + "".join(f",5-{last}" for last in range(5, 1305)),
    "bytes=0-0,5000-4000",
    "bytes=0-0,x-9",
])
def test_too_many_overlong_or_malformed_ranges_send_the_whole_file(served, value):
    response = ranged(served, value)
    assert (response.status, response.body) == (200, CONTENT)
    assert response.header("content-range") is None


def test_ranges_that_are_all_behind_the_end_are_not_satisfiable(served):
    response = ranged(served, f"bytes={LENGTH}-,-0,999999-1000000")
    assert response.status == 416
    assert response.header("content-range") == f"bytes */{LENGTH}"


def test_the_boundary_is_another_each_time(served):
    types = {ranged(served, "bytes=0-0,-1").header("content-type") for _ in range(20)}
    assert len(types) == 20


def test_head_has_the_fields_of_the_whole(served):
    response = ranged(served, "bytes=0-0,-1", method="HEAD")
    assert response.status == 200
    assert response.header("content-length") == str(LENGTH)


def test_if_range_decides_on_all_ranges(served):
    tag = served.get("/file.txt").header("etag")
    assert len(parts_of(ranged(served, "bytes=0-0,-1", ("If-Range", tag)))) == 2
    response = ranged(served, "bytes=0-0,-1", ("If-Range", '"other"'))
    assert (response.status, response.body) == (200, CONTENT)


def test_parts_of_many_megabytes_are_sent_whole_and_the_connection_goes_on(served):
    whole = files.pattern(8 * files.MIB)
    middle = 4 * files.MIB
    with served.connect() as connection:
        for _ in range(2):
            connection.send(wire.request("/large.bin", headers=[
                ("Range", f"bytes=1-{middle - 1000},{middle}-{2 * middle - 2}")]))
            parts = parts_of(connection.read_response())
            assert [part[2] for part in parts] == [whole[1:middle - 999],
                                                   whole[middle:2 * middle - 1]]
        connection.send(wire.request("/file.txt"))
        assert connection.read_response().body == CONTENT


def test_the_limit_is_that_of_the_configuration(fleet, tree):
    files.write_old(tree / "file.txt", CONTENT)
    one = fleet.run(files.configuration(tree, extra="limits: {ranges: 1}\n"))
    assert ranged(one, "bytes=0-0,-1").status == 200
    assert ranged(one, "bytes=0-0").status == 206
    many = fleet.run(files.configuration(tree, extra="limits: {ranges: 64}\n"))
    value = "bytes=" + ",".join(f"{first}-{first}" for first in range(0, 64000, 1000))
    assert len(parts_of(ranged(many, value))) == 64
    assert ranged(many, value + ",-1").status == 200


def test_bytes_of_parts_are_counted(served):
    before = served.scrape().total("sluiced_http_response_body_bytes_total")
    response = ranged(served, "bytes=0-0,-1")
    after = served.scrape().total("sluiced_http_response_body_bytes_total")
    assert after - before == len(response.body)
