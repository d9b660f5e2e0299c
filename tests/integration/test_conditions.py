"""Conditional requests (RFC 9110 section 13)."""

import email.utils
import os
import time

import pytest

from harness import files, wire

CONTENT = files.pattern(5000)
MODIFIED_S = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 section 5.6.7
SAME = ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994"]
LATER = ["Sun, 06 Nov 1994 08:49:38 GMT", "Monday, 07-Nov-94 00:00:00 GMT",
         "Mon Nov  7 08:49:37 1994", "Fri, 01 Jan 2010 00:00:00 GMT"]
EARLIER = ["Sun, 06 Nov 1994 08:49:36 GMT", "Saturday, 05-Nov-94 08:49:37 GMT",
           "Sat Nov  5 08:49:37 1994", "Thu, 01 Jan 1970 00:00:00 GMT"]
INVALID = ["", "yesterday", "784111777", "Sun, 06 Nov 1994 08:49:37",
           "Sun, 06 Nov 1994 08:49:37 CET",
           "Sun, 31 Feb 2021 00:00:00 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
           "Sun, 6 Nov 2030 08:49:37 GMT", "2030-01-01T00:00:00Z", "\"tag\"",
           "Fri, 01 Jan 99999 00:00:00 GMT", "sun, 06 nov 2033 08:49:37 gmt"]


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    path = module_tree / "file.bin"
    path.write_bytes(CONTENT)
    os.utime(path, (MODIFIED_S, MODIFIED_S))
    return module_fleet.serve(module_tree)


@pytest.fixture(scope="module")
def tag(served):
    return served.get("/file.bin").header("etag")


def status_of(served, *headers, method="GET"):
    response = served.get("/file.bin", method=method, headers=headers)
    if response.status == 200 and method == "GET":
        assert response.body == CONTENT
    return response.status


@pytest.mark.parametrize("form", [
    "{tag}", "W/{tag}", "*", "\"other\", {tag}", "{tag}, \"other\"", "\"a\",\"b\",{tag},\"c\"",
    "\"other\" , {tag} ,", ", ,{tag}", "W/\"other\", W/{tag}", "\"a,b\", {tag}", "\"\", {tag}",
    "  {tag}  ",
])
def test_a_matching_tag_is_not_modified(served, tag, form):
    value = form.format(tag=tag.removeprefix("W/"))
    for method in ("GET", "HEAD"):
        assert status_of(served, ("If-None-Match", value), method=method) == 304


@pytest.mark.parametrize("form", [
    "\"other\"", "W/\"other\"", "\"\"", "\"other\", \"another\"", "\"{inner}x\"", "\"x{inner}\"",
    "\"a,{inner}\"", "\"{inner}, b\"", "\"*\"",
])
def test_another_tag_sends_the_file(served, tag, form):
    inner = tag.removeprefix("W/").strip('"')
    assert status_of(served, ("If-None-Match", form.format(inner=inner))) == 200


def test_tags_in_several_fields_are_one_list(served, tag):
    assert status_of(served, ("If-None-Match", '"other"'), ("If-None-Match", tag)) == 304


def test_a_404_stays_a_404(served):
    """Conditions count only where the answer would otherwise be a success (section 13.2.1)."""
    assert served.get("/missing", headers=[("If-None-Match", "*")]).status == 404
    assert served.get("/missing", headers=[("If-Modified-Since", LATER[0])]).status == 404


@pytest.mark.parametrize("date", SAME + LATER)
def test_a_file_that_is_not_newer_is_not_modified(served, date):
    for method in ("GET", "HEAD"):
        assert status_of(served, ("If-Modified-Since", date), method=method) == 304


@pytest.mark.parametrize("date", EARLIER)
def test_a_newer_file_is_sent(served, date):
    assert status_of(served, ("If-Modified-Since", date)) == 200


@pytest.mark.parametrize("date", INVALID)
def test_an_invalid_date_is_ignored(served, date):
    assert status_of(served, ("If-Modified-Since", date)) == 200


def test_a_date_in_two_digits_is_of_the_nearest_century(served):
    """RFC 9110 section 5.6.7: a year that seems more than 50 years ahead was in the past."""
    far = time.gmtime().tm_year + 60
    date = f"Monday, 01-Jan-{far % 100:02} 00:00:00 GMT"
    assert status_of(served, ("If-Modified-Since", date)) in (200, 304)
    assert status_of(served, ("If-Modified-Since", "Saturday, 01-Jan-94 00:00:00 GMT")) == 200


@pytest.mark.parametrize("date,expected", [(LATER[0], 200), (EARLIER[0], 200)])
def test_another_tag_wins_over_any_date(served, date, expected):
    assert status_of(served, ("If-None-Match", '"other"'), ("If-Modified-Since", date)) == expected
    assert status_of(served, ("If-Modified-Since", date), ("If-None-Match", '"other"')) == expected


@pytest.mark.parametrize("date", [LATER[0], EARLIER[0], INVALID[1]])
def test_the_same_tag_wins_over_any_date(served, tag, date):
    assert status_of(served, ("If-None-Match", tag), ("If-Modified-Since", date)) == 304


def test_a_304_has_validators_no_body_and_the_connection_goes_on(served, tag):
    with served.connect() as connection:
        for _ in range(3):
            connection.send(wire.request("/file.bin", headers=[("If-None-Match", tag)]))
            response = connection.read_response()
            assert response.status == 304
            assert response.header("etag") == tag
            assert response.header("content-length") in (None, str(len(CONTENT)))
            assert response.header("transfer-encoding") is None
            assert not response.announces_close
            connection.send(wire.request("/file.bin"))
            assert connection.read_response().body == CONTENT


def test_a_condition_comes_before_a_range(served, tag):
    headers = [("If-None-Match", tag), ("Range", "bytes=0-9")]
    assert served.get("/file.bin", headers=headers).status == 304
    headers = [("If-None-Match", '"other"'), ("Range", "bytes=0-9")]
    response = served.get("/file.bin", headers=headers)
    assert (response.status, response.body) == (206, CONTENT[:10])


def test_a_condition_does_not_change_other_methods(served, tag):
    assert status_of(served, ("If-None-Match", tag), method="DELETE") == 405
    assert status_of(served, ("If-Modified-Since", LATER[0]), method="DELETE") == 405


OTHER = '"other"'
PRECEDENCE = [
    # If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since: what a GET comes to by
    # section 13.2.2. "same" is the tag or the time of the file.
    ("same", None, None, None, 200),
    ("other", None, None, None, 412),
    ("weak", None, None, None, 412),
    ("*", None, None, None, 200),
    ("list", None, None, None, 200),
    ("junk", None, None, None, 412),
    (None, "same", None, None, 200),
    (None, "later", None, None, 200),
    (None, "earlier", None, None, 412),
    (None, "invalid", None, None, 200),
    ("same", "earlier", None, None, 200),
    ("other", "later", None, None, 412),
    ("junk", "later", None, None, 412),
    (None, None, "same", None, 304),
    (None, None, "weak", None, 304),
    (None, None, "other", None, 200),
    (None, None, "*", None, 304),
    (None, None, "list", None, 304),
    (None, None, "junk", None, 200),
    (None, None, None, "same", 304),
    (None, None, None, "later", 304),
    (None, None, None, "earlier", 200),
    (None, None, None, "invalid", 200),
    (None, None, "same", "earlier", 304),
    (None, None, "other", "later", 200),
    (None, None, "other", "same", 200),
    (None, None, "junk", "later", 200),
    ("same", None, "same", None, 304),
    ("same", None, "other", None, 200),
    ("other", None, "same", None, 412),
    ("other", None, "other", None, 412),
    ("*", None, "*", None, 304),
    ("same", None, None, "same", 304),
    ("same", None, None, "earlier", 200),
    ("other", None, None, "later", 412),
    (None, "same", "same", None, 304),
    (None, "same", "other", None, 200),
    (None, "earlier", "same", None, 412),
    (None, "invalid", "same", None, 304),
    (None, "same", None, "same", 304),
    (None, "later", None, "earlier", 200),
    (None, "earlier", None, "later", 412),
    ("same", "earlier", "same", "earlier", 304),
    ("same", "earlier", "other", "later", 200),
    ("other", "later", "same", "later", 412),
]


def tag_field(kind, tag):
    return {"same": tag, "other": OTHER, "weak": f"W/{tag}", "*": "*", "junk": "no-quotes",
            "list": f'{OTHER}, "a,b" ,{tag}'}[kind]


def date_field(kind):
    return {"same": SAME[0], "later": LATER[0], "earlier": EARLIER[0], "invalid": INVALID[1]}[kind]


@pytest.mark.parametrize("match,unmodified,none_match,modified,expected", PRECEDENCE)
def test_conditions_have_the_precedence_of_the_rfc(served, tag, match, unmodified, none_match,
                                                   modified, expected):
    headers = []
    if match:
        headers.append(("If-Match", tag_field(match, tag)))
    if unmodified:
        headers.append(("If-Unmodified-Since", date_field(unmodified)))
    if none_match:
        headers.append(("If-None-Match", tag_field(none_match, tag)))
    if modified:
        headers.append(("If-Modified-Since", date_field(modified)))
    for method in ("GET", "HEAD"):
        for order in (headers, headers[::-1]):
            assert status_of(served, *order, method=method) == expected
    # A range changes nothing but what is sent where all of it would be.
    response = served.get("/file.bin", headers=[*headers, ("Range", "bytes=0-9")])
    assert response.status == (206 if expected == 200 else expected)


@pytest.mark.parametrize("form", range(3))
def test_if_unmodified_since_takes_the_three_forms(served, form):
    assert status_of(served, ("If-Unmodified-Since", SAME[form])) == 200
    assert status_of(served, ("If-Unmodified-Since", LATER[form])) == 200
    assert status_of(served, ("If-Unmodified-Since", EARLIER[form])) == 412


def test_if_match_in_several_fields_is_one_list(served, tag):
    assert status_of(served, ("If-Match", OTHER), ("If-Match", tag)) == 200
    assert status_of(served, ("If-Match", OTHER), ("If-Match", '"another"')) == 412


def test_a_412_is_a_page_and_says_nothing_of_the_file(served, tag):
    with served.connect() as connection:
        connection.send(wire.request("/file.bin", headers=[("If-Match", OTHER)]))
        response = connection.read_response()
        assert response.status == 412
        assert response.header("etag") is None and response.header("accept-ranges") is None
        assert response.header("content-type").startswith("text/html")
        assert tag.encode() not in response.body
        connection.send(wire.request("/file.bin"))
        assert connection.read_response().body == CONTENT


def test_a_304_carries_the_tag_and_no_other_representation_field(served, tag):
    """RFC 9110 section 15.4.5: the date adds nothing for a cache that has been told the tag."""
    response = served.get("/file.bin", headers=[("If-None-Match", tag)])
    assert sorted(response.names) == ["connection", "date", "etag"]


def test_a_file_that_is_still_hot_has_a_weak_tag_which_only_revalidates(fleet, tree):
    path = tree / "hot.txt"
    path.write_bytes(CONTENT)
    ahead = time.time_ns() + 3600 * 10**9
    os.utime(path, ns=(ahead, ahead))  # never older than a second in this test
    served = fleet.serve(tree)
    response = served.get("/hot.txt")
    tag = response.header("etag")
    assert tag.startswith('W/"')
    date, modified = (email.utils.parsedate_to_datetime(response.header(name))
                      for name in ("date", "last-modified"))
    assert modified <= date, "RFC 9110 section 8.8.2.1"
    assert served.get("/hot.txt", headers=[("If-None-Match", tag)]).status == 304
    assert served.get("/hot.txt", headers=[("If-Match", tag)]).status == 412
    for condition in (tag, tag.removeprefix("W/"), response.header("last-modified")):
        ranged = served.get("/hot.txt", headers=[("Range", "bytes=0-9"), ("If-Range", condition)])
        assert (ranged.status, ranged.body) == (200, CONTENT)


def test_versions_of_one_size_and_second_have_different_tags(fleet, tree):
    path = tree / "file.txt"
    served = fleet.serve(tree)
    tags = set()
    second = int(time.time()) - 1000
    for nanoseconds in (0, 1, 999_999_999):
        path.write_bytes(b"same size")
        os.utime(path, ns=(0, second * 10**9 + nanoseconds))
        tags.add(served.get("/file.txt").header("etag"))
    (tree / "new").write_bytes(b"size same")
    os.utime(tree / "new", ns=(0, second * 10**9))
    os.rename(tree / "new", path)
    tags.add(served.get("/file.txt").header("etag"))
    assert len(tags) == 4


def test_a_file_is_revalidated_after_it_has_changed(fleet, tree):
    path = files.write_old(tree / "file.txt", b"before")
    daemon = fleet.serve(tree)
    first = daemon.get("/file.txt")
    headers = [("If-None-Match", first.header("etag"))]
    assert daemon.get("/file.txt", headers=headers).status == 304
    files.write_old(path, b"after!", age_s=1800)
    second = daemon.get("/file.txt", headers=headers)
    assert (second.status, second.body) == (200, b"after!")
    assert second.header("last-modified") != first.header("last-modified")
    email.utils.parsedate_to_datetime(second.header("last-modified"))
