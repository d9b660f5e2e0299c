"""Repr-Digest and Content-Digest on request (RFC 9530)."""

import base64
import gzip
import hashlib
import os
import threading

import pytest

from harness import files

CONTENT = files.pattern(300_000)
LARGE = files.pattern(9 * files.MIB)
WANT_REPR = ("Want-Repr-Digest", "sha-256=10")
WANT_CONTENT = ("Want-Content-Digest", "sha-256=1")


def digest(content):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    files.write_old(module_tree / "file.txt", CONTENT)
    files.write_old(module_tree / "file.txt.gz", gzip.compress(CONTENT))
    files.write_old(module_tree / "empty", b"")
    files.write_old(module_tree / "large.bin", LARGE)
    files.write_old(module_tree / "larger.bin", LARGE + b"x")
    return module_fleet.run(files.configuration(
        module_tree, mount="digest: true\nsidecars: [gz]",
        extra=f"limits: {{digest_file: {len(LARGE)}}}\n"))


def both(response):
    return response.header("repr-digest"), response.header("content-digest")


@pytest.mark.parametrize("target,content", [("/file.txt", CONTENT), ("/empty", b""),
                                            ("/large.bin", LARGE)], ids=lambda v: str(v)[:10])
def test_the_digest_of_a_file_is_sent_to_who_asks(served, target, content):
    for _ in range(3):
        response = served.get(target, headers=[WANT_REPR, WANT_CONTENT])
        assert response.body == content
        assert both(response) == (digest(content), digest(content))
        assert both(served.get(target, headers=[WANT_REPR])) == (digest(content), None)
        assert both(served.get(target, headers=[WANT_CONTENT])) == (None, digest(content))
        assert both(served.get(target)) == (None, None)


@pytest.mark.parametrize("value", ["sha-512=10", "sha-256=0", "sha-256", "junk", "", "sha-256=11"])
def test_nothing_is_sent_to_who_asks_for_nothing_we_know(served, value):
    response = served.get("/file.txt", headers=[("Want-Repr-Digest", value)])
    assert response.status == 200 and both(response) == (None, None)


def test_a_part_has_the_digest_of_the_representation_only(served):
    for ranges in ("bytes=5-9", "bytes=5-9,5000-5009"):
        response = served.get("/file.txt", headers=[WANT_REPR, WANT_CONTENT, ("Range", ranges)])
        assert response.status == 206
        assert both(response) == (digest(CONTENT), None)


def test_head_has_the_digest_of_the_representation_only(served):
    response = served.get("/file.txt", method="HEAD", headers=[WANT_REPR, WANT_CONTENT])
    assert both(response) == (digest(CONTENT), None)


def test_the_digest_is_that_of_the_encoded_form(served):
    response = served.get("/file.txt", headers=[WANT_REPR, ("Accept-Encoding", "gzip")])
    assert response.header("content-encoding") == "gzip"
    assert both(response) == (digest(response.body), None)


def test_errors_and_304_have_none(served):
    tag = served.get("/file.txt").header("etag")
    for headers, status in (([("If-None-Match", tag)], 304), ([("If-Match", '"x"')], 412),
                            ([("Range", "bytes=999999-")], 416)):
        response = served.get("/file.txt", headers=[WANT_REPR, WANT_CONTENT, *headers])
        assert response.status == status and both(response) == (None, None)


def test_a_larger_file_than_the_limit_is_sent_without(served):
    before = served.scrape().total("sluiced_http_digests_total", result="omitted")
    response = served.get("/larger.bin", headers=[WANT_REPR])
    assert response.body == LARGE + b"x" and both(response) == (None, None)
    assert served.scrape().total("sluiced_http_digests_total", result="omitted") == before + 1


def test_a_digest_is_computed_once_for_each_version_of_a_file(fleet, tree):
    path = files.write_old(tree / "file.bin", CONTENT)
    served = fleet.run(files.configuration(tree, mount="digest: true",
                                           extra="runtime: {workers: 1}\n"))

    def computed():
        return served.scrape().total("sluiced_http_digests_total", result="computed")

    for _ in range(5):
        assert both(served.get("/file.bin", headers=[WANT_REPR])) == (digest(CONTENT), None)
    assert computed() == 1
    files.write_old(path, CONTENT[::-1], age_s=1800)
    for _ in range(5):
        assert both(served.get("/file.bin", headers=[WANT_REPR])) == (digest(CONTENT[::-1]), None)
    assert computed() == 2


def test_a_sibling_that_is_stale_is_counted_once_for_a_request_that_waits_for_a_digest(fleet, tree):
    """Who finds the digest missing starts anew, with waiting."""
    for name in ("a.css", "b.css"):
        files.write_old(tree / name, CONTENT, age_s=100)
        files.write_old(tree / f"{name}.gz", b"older", age_s=200)
    served = fleet.run(files.configuration(tree, mount="digest: true\nsidecars: [gz]",
                                           extra="runtime: {workers: 1}\n"))
    asked = 0
    for target in ("/a.css", "/a.css", "/b.css"):
        for headers in ([], [WANT_REPR, ("Accept-Encoding", "gzip")]):
            assert served.get(target, headers=headers).body == CONTENT
            asked += 1
            assert served.scrape().total("sluiced_stale_sidecars_total") == asked
    assert served.scrape().total("sluiced_http_digests_total", result="computed") == 2


def test_a_file_that_has_just_changed_is_hashed_again(fleet, tree):
    """Two versions of one size within the clock's granularity have the same time and inode."""
    path = tree / "file.bin"
    path.write_bytes(b"a" * 100)
    stamp = os.stat(path).st_mtime_ns
    served = fleet.run(files.configuration(tree, mount="digest: true"))
    now = os.stat(path)
    assert now.st_mtime_ns == stamp
    for letter in (b"b", b"c", b"d"):
        path.write_bytes(letter * 100)
        response = served.get("/file.bin", headers=[WANT_REPR])
        assert response.body == letter * 100
        assert both(response) == (digest(letter * 100), None)


def test_many_clients_that_ask_at_once_all_get_it(fleet, tree):
    files.write_old(tree / "large.bin", LARGE)
    served = fleet.run(files.configuration(tree, mount="digest: true",
                                           extra="runtime: {workers: 1}\n"))
    got = []

    def ask():
        got.append(both(served.get("/large.bin", method="HEAD", headers=[WANT_REPR])))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [(digest(LARGE), None)] * 16


def test_without_the_option_nobody_gets_one(fleet, tree):
    files.write_old(tree / "file.txt", CONTENT)
    response = fleet.serve(tree).get("/file.txt", headers=[WANT_REPR, WANT_CONTENT])
    assert both(response) == (None, None)
