"""Thousands of damaged requests from a seeded generator: no crash, no hang, no 5xx of ours."""

import random

import pytest

from harness import files, wire

SEEDS = [
    wire.request("/file.txt"),
    wire.request("/directory/"),
    wire.request("/file.txt", version="HTTP/1.0"),
    wire.request("/file.txt?query=%41", headers=[("Range", "bytes=1-2"), ("If-Range", '"x"')]),
    wire.request("/directory/../file.txt", headers=[("If-None-Match", 'W/"a", "b"'),
                                                    ("If-Modified-Since",
                                                     "Sun, 06 Nov 1994 08:49:37 GMT")]),
    wire.request("/file.txt", method="POST", headers=[("Content-Length", "5")], body=b"hello"),
    wire.request("/file.txt", method="PUT", headers=[("Transfer-Encoding", "chunked")],
                 body=b"5\r\nhello\r\n0\r\nX: y\r\n\r\n"),
    wire.request("http://test:80/file.txt", headers=[("Connection", "keep-alive, close")]),
    wire.request("/%66ile.txt", headers=[("Accept", "text/html;q=0.9,*/*;q=0.8"),
                                         ("Expect", "100-continue")]),
]
WORDS = [b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"%", b"%00", b"%2e", b"/", b"//",
         b"..", b"\xff", b"HTTP/1.1", b"Host: test\r\n", b"Content-Length: ",
         b"Transfer-Encoding: chunked", b"0", b"-1", b"99999999999999999999", b"bytes=",
         b"\r\n\r\n", b"GET ", b"*", b"chunked", b"close", b"keep-alive",
         b"\"", b",", b"a" * 300, b"a" * 9000, b"X: y\r\n" * 120]


def damage(generator, data):
    data = bytearray(data)
    for _ in range(generator.randint(1, 4)):
        start = generator.randrange(len(data) + 1)
        end = min(len(data), start + generator.randint(0, 12))
        kind = generator.randrange(5)
        if kind == 0:
            data[start:end] = b""
        elif kind == 1:
            data[start:start] = generator.choice(WORDS)
        elif kind == 2:
            data[start:end] = generator.choice(WORDS)
        elif kind == 3:
            data[start:end] = bytes(generator.randrange(256) for _ in range(end - start))
        else:
            data[start:start] = data[start:end] * generator.randint(1, 5)
    return bytes(data)


def answer(endpoint, data, pieces):
    """Sends the bytes in pieces, says that this was all, and reads to the end."""
    with wire.Connection(endpoint.connect()) as connection:
        step = len(data) // pieces + 1
        for start in range(0, len(data), step):
            connection.send(data[start:start + step])
        connection.half_close()
        try:
            return connection.read_all()
        except wire.Cut:
            return None  # read_all() saw a response that the daemon did not finish
        finally:
            assert b"HEAD" not in data, "the reader would have to know that there is no body"


def attack(endpoint, seed, count):
    generator = random.Random(seed)
    answered = 0
    for _ in range(count):
        data = b"".join(damage(generator, generator.choice(SEEDS))
                        for _ in range(generator.randint(1, 3)))
        responses = answer(endpoint, data, generator.choice((1, 1, 2, 7)))
        assert responses is not None, f"a cut response to {data!r}"
        for response in responses:
            assert response.status < 500 or response.status in (501, 505), data
            answered += 1
    return answered


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    files.write_old(module_tree / "file.txt", b"content of the file")
    (module_tree / "directory").mkdir()
    return module_fleet.serve(module_tree, "--listing")


@pytest.mark.parametrize("seed", range(6))
def test_damaged_requests_get_errors_and_nothing_else(served, seed):
    assert attack(served.endpoint, seed, 500) > 300
    assert served.get("/file.txt").body == b"content of the file"


def test_the_admin_listener_withstands_the_same(served):
    assert attack(served.admin, 99, 500) > 300
    assert served.scrape().total("sluiced_build_info") == 1


def test_random_bytes_get_at_most_one_answer(served):
    generator = random.Random(7)
    for _ in range(500):
        data = generator.randbytes(generator.randint(1, 2000))
        responses = answer(served.endpoint, data, 1) if b"HEAD" not in data else []
        assert len(responses) <= 1
        assert all(400 <= response.status < 600 for response in responses)


def test_nothing_is_left_behind(served):
    """After all of that no connection is counted as open, and the log is short."""
    served.scrape()
    assert len(served.stderr) < 100_000
