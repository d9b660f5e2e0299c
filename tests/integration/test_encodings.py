"""Precompressed siblings, by Accept-Encoding (RFC 9110 section 12.5.3)."""

import gzip
import os
import time

import pytest

from harness import daemon, files, wire

PLAIN = b"body { color: black }\n" * 200
GZIP = gzip.compress(PLAIN)
BROTLI = b"what is in a sibling is never looked into: brotli"
ZSTD = b"and neither is this: zstd"
LONG = files.pattern(5000)
SIDECARS = "sidecars: [zst, br, gz]"
CODINGS = {"gzip": GZIP, "br": BROTLI, "zstd": ZSTD, None: PLAIN}


def write_all(tree):
    files.write_old(tree / "a.css", PLAIN)
    files.write_old(tree / "a.css.gz", GZIP)
    files.write_old(tree / "a.css.br", BROTLI)
    files.write_old(tree / "a.css.zst", ZSTD)


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    write_all(module_tree)
    files.write_old(module_tree / "alone.css", PLAIN)
    files.write_old(module_tree / "some.js", PLAIN)
    files.write_old(module_tree / "some.js.gz", GZIP)
    files.write_old(module_tree / "long.css", PLAIN)
    files.write_old(module_tree / "long.css.zst", LONG)
    (module_tree / "directory.js.gz").mkdir()
    files.write_old(module_tree / "directory.js", PLAIN)
    sub = module_tree / "sub"
    sub.mkdir()
    files.write_old(sub / "index.html", PLAIN)
    files.write_old(sub / "index.html.gz", GZIP)
    return module_fleet.run(files.configuration(module_tree, mount=SIDECARS))


def get(served, accepted, target="/a.css", *headers, method="GET"):
    fields = [] if accepted is None else [("Accept-Encoding", accepted)]
    return served.get(target, method=method, headers=[*fields, *headers])


def assert_coding(response, coding, varies=True, content=None):
    assert response.status == 200
    assert response.header("content-encoding") == coding
    assert response.body == (content or CODINGS[coding])
    assert response.header("content-type").startswith(("text/css", "text/javascript", "text/html"))
    assert response.header("vary") == ("Accept-Encoding" if varies else None)


@pytest.mark.parametrize("accepted,coding", [
    (None, None), ("", None), ("gzip", "gzip"), ("br", "br"), ("zstd", "zstd"),
    ("gzip, deflate, br", "br"), ("gzip, deflate, br, zstd", "zstd"), ("*", "zstd"),
    ("gzip;q=1.0, br;q=0.5", "gzip"), ("gzip;q=0", None), ("*;q=0", None), ("identity", None),
    ("identity;q=0", None), ("identity;q=0, gzip", "gzip"), ("deflate", None), ("x-gzip", "gzip"),
    ("gzip;q=0.5, identity", None), ("gzip;q=9, br;q=x", None), ("GZIP", "gzip"),
])
def test_the_coding_is_chosen_by_weight_and_then_by_the_order_of_the_configuration(
        served, accepted, coding):
    for _ in range(3):  # opened, kept open, found
        assert_coding(get(served, accepted), coding)


def test_several_fields_are_one_list(served):
    response = served.get("/a.css", headers=[("Accept-Encoding", "br;q=0.5"),
                                             ("Accept-Encoding", "gzip")])
    assert_coding(response, "gzip")


def test_a_file_without_siblings_does_not_vary(served):
    for _ in range(3):
        assert_coding(get(served, "gzip, br", "/alone.css"), None, varies=False)


def test_a_file_with_some_siblings_varies_for_everybody(served):
    for _ in range(3):
        assert_coding(get(served, "br", "/some.js"), None)
        assert_coding(get(served, None, "/some.js"), None)
        assert_coding(get(served, "br, gzip;q=0.1", "/some.js"), "gzip")


def test_a_sibling_that_is_no_file_is_none(served):
    for _ in range(3):
        assert_coding(get(served, "gzip", "/directory.js"), None, varies=False)


def test_an_index_file_has_siblings(served):
    assert_coding(get(served, "gzip", "/sub/"), "gzip")
    assert_coding(get(served, None, "/sub/"), None)


def test_a_sibling_is_a_file_of_its_own_when_it_is_asked_for(served):
    response = get(served, "gzip", "/a.css.gz")
    assert (response.status, response.body) == (200, GZIP)
    assert response.header("content-encoding") is None
    assert response.header("content-type") == "application/gzip"
    assert response.header("vary") is None


def test_each_representation_has_its_own_tag(served):
    tags = {accepted: get(served, accepted).header("etag")
            for accepted in ("identity", "gzip", "br", "zstd")}
    assert len(set(tags.values())) == 4
    for accepted, tag in tags.items():
        for other in tags:
            status = 304 if other == accepted else 200
            response = get(served, other, "/a.css", ("If-None-Match", tag))
            assert response.status == status
            assert response.header("vary") == "Accept-Encoding"
            if status == 304:
                assert response.header("etag") == tag
                assert response.header("content-encoding") is None


def test_head_has_the_fields_of_get(served):
    for accepted in (None, "gzip", "br"):
        whole = get(served, accepted)
        head = get(served, accepted, method="HEAD")
        assert [f for f in head.fields if f[0] != "date"] == [
            f for f in whole.fields if f[0] != "date"]


def test_ranges_are_of_the_selected_representation(served):
    response = get(served, "gzip", "/a.css", ("Range", "bytes=2-9"))
    assert (response.status, response.body) == (206, GZIP[2:10])
    assert response.header("content-encoding") == "gzip"
    assert response.header("content-range") == f"bytes 2-9/{len(GZIP)}"
    assert response.header("vary") == "Accept-Encoding"
    assert get(served, "gzip", "/a.css", ("Range", f"bytes={len(GZIP)}-")).status == 416
    plain_tag = get(served, None).header("etag")
    response = get(served, "gzip", "/a.css", ("Range", "bytes=2-9"), ("If-Range", plain_tag))
    assert_coding(response, "gzip")


def test_several_ranges_of_a_coding_are_all_of_it(served):
    assert_coding(get(served, "zstd", "/long.css", ("Range", "bytes=0-0,-1")), "zstd", content=LONG)
    assert get(served, None, "/long.css", ("Range", "bytes=0-0,-1")).status == 206


def test_responses_with_a_coding_are_counted(served):
    before = served.scrape()
    get(served, "br")
    get(served, "br", "/a.css", ("Range", "bytes=0-1"))
    get(served, None)
    after = served.scrape()
    name = "sluiced_http_encoded_responses_total"
    assert after.total(name, coding="br") - before.total(name, coding="br") == 2
    assert after.total(name) - before.total(name) == 2
    assert after.values(name, "coding") == {"gzip", "br", "zstd"}


def test_a_sibling_older_than_its_file_is_ignored_and_counted(fleet, tree):
    files.write_old(tree / "a.css", PLAIN, age_s=100)
    files.write_old(tree / "a.css.gz", GZIP, age_s=200)
    served = fleet.run(files.configuration(tree, mount=SIDECARS))
    for count in range(1, 4):
        assert_coding(get(served, "gzip"), None, varies=False)
        assert served.scrape().total("sluiced_stale_sidecars_total") == count
    files.write_old(tree / "a.css.gz", GZIP, age_s=100)
    assert_coding(get(served, "gzip"), "gzip")
    assert served.scrape().total("sluiced_stale_sidecars_total") == 3


def test_a_sibling_with_the_time_of_its_file_in_whole_seconds_is_not_older(fleet, tree):
    (tree / "a.css").write_bytes(PLAIN)
    (tree / "a.css.gz").write_bytes(GZIP)
    second = int(time.time()) - 1000
    os.utime(tree / "a.css", ns=(second * 10**9 + 500, second * 10**9 + 500))
    os.utime(tree / "a.css.gz", (second, second))
    served = fleet.run(files.configuration(tree, mount=SIDECARS))
    assert_coding(get(served, "gzip"), "gzip")
    os.utime(tree / "a.css.gz", ns=(second * 10**9 + 499, second * 10**9 + 499))
    assert_coding(get(served, "gzip"), None, varies=False)


@pytest.mark.parametrize("put", ["write", "rename", "link"])
def test_a_sibling_that_comes_and_goes_is_seen_at_once(fleet, tree, put):
    """Its absence is remembered while the file is kept open, and must not be remembered wrongly."""
    files.write_old(tree / "a.css", PLAIN, age_s=7200)
    files.write_old(tree / "elsewhere", GZIP)
    served = fleet.run(files.configuration(tree, mount=SIDECARS))
    sibling = tree / "a.css.gz"
    with served.connect() as connection:
        def ask():
            connection.send(wire.request("/a.css", headers=[("Accept-Encoding", "gzip")]))
            return connection.read_response()
        for _ in range(20):
            for _ in range(3):
                assert_coding(ask(), None, varies=False)
            if put == "write":
                sibling.write_bytes(GZIP)
            elif put == "rename":
                (tree / "new").write_bytes(GZIP)
                os.rename(tree / "new", sibling)
            else:
                os.link(tree / "elsewhere", sibling)
            for _ in range(3):
                assert_coding(ask(), "gzip")
            sibling.unlink()


def test_without_sidecars_siblings_mean_nothing(fleet, tree):
    write_all(tree)
    served = fleet.serve(tree)
    assert_coding(get(served, "gzip, br, zstd"), None, varies=False)


def test_only_configured_codings_are_sent_in_their_order(fleet, tree):
    write_all(tree)
    served = fleet.run(files.configuration(tree, mount="sidecars: [gz, br]"))
    assert_coding(get(served, "br, gzip, zstd"), "gzip")
    assert_coding(get(served, "zstd"), None)


def test_what_is_not_there_costs_no_look_up_in_a_kept_file(fleet, tree):
    files.write_old(tree / "a.css", PLAIN)
    served = fleet.run(files.configuration(tree, mount=SIDECARS))

    def misses():
        return served.scrape().total("sluiced_file_cache_lookups_total", result="miss")

    with served.connect() as connection:
        def ask(times):
            for _ in range(times):
                connection.send(wire.request("/a.css", headers=[("Accept-Encoding", "gzip")]))
                assert connection.read_response().body == PLAIN

        def hundred_cost_nothing():
            """A kept file is looked up again each second, so one round may have to be repeated."""
            before = misses()
            ask(100)
            return misses() == before

        ask(5)
        daemon.wait_until(hundred_cost_nothing, "a hundred requests without a look-up")
