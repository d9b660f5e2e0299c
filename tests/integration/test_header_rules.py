"""Fields and media types that the configuration gives to files."""

import pytest

from harness import daemon, files, sites

CONTENT = b"content"
MOUNT = """\
headers:
  - {match: "*.{css,js}", set: {Cache-Control: "public, max-age=60", X-Kind: asset}}
  - {match: /private/**, set: {Cache-Control: no-store}, unset: [x-frame-options]}
  - {match: "*.dl", set: {Content-Disposition: attachment}}
types: {.foo: text/x-foo, CSS: "text/css; charset=latin1"}
"""
EXTRA = """\
defaults:
  headers: [{match: "*", set: {X-Frame-Options: DENY, Cache-Control: no-cache}}]
  types: {bar: application/x-bar, foo: text/overridden}
"""


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    private = module_tree / "private"
    private.mkdir()
    for path in ("a.txt", "a.css", "b.FOO", "c.bar", "f.dl", "private/a.css", "private/index.html"):
        files.write_old(module_tree / path, CONTENT)
    return module_fleet.run(files.configuration(module_tree, mount=MOUNT, extra=EXTRA))


def fields(response, *names):
    return {name: response.header(name) for name in names if response.header(name) is not None}


@pytest.mark.parametrize("target,expected", [
    ("/a.txt", {"x-frame-options": "DENY", "cache-control": "no-cache"}),
    ("/a.css", {"x-frame-options": "DENY", "cache-control": "public, max-age=60",
                "x-kind": "asset"}),
    ("/private/a.css", {"cache-control": "no-store", "x-kind": "asset"}),
    ("/private/", {"cache-control": "no-store"}),
    ("/f.dl", {"x-frame-options": "DENY", "cache-control": "no-cache",
               "content-disposition": "attachment"}),
])
def test_all_rules_that_match_count_and_the_later_wins(served, target, expected):
    names = ("x-frame-options", "cache-control", "x-kind", "content-disposition")
    for method in ("GET", "HEAD"):
        assert fields(served.get(target, method=method), *names) == expected


def test_a_part_and_a_304_carry_them_too(served):
    tag = served.get("/f.dl").header("etag")
    part = served.get("/f.dl", headers=[("Range", "bytes=0-1")])
    assert part.status == 206 and part.header("x-frame-options") == "DENY"
    assert part.header("content-disposition") == "attachment"
    same = served.get("/f.dl", headers=[("If-None-Match", tag)])
    assert same.status == 304 and same.header("cache-control") == "no-cache"
    assert same.header("content-disposition") is None, "it describes content that does not come"


ORIGIN = ("Origin", "https://app.example.org")
VARYING = """\
defaults:
  sidecars: [gz]
  headers:
    - {match: "*", set: {Vary: Accept-Language}}
    - {match: "*.js", set: {vary: "oRIGIN,  origin"}}
    - {match: "*.bin", set: {Vary: "Cookie, *"}}
    - {match: "*.dat", unset: [vary]}
"""


@pytest.fixture(scope="module")
def varied(module_fleet, module_tree):
    tree = module_tree / "varied"
    tree.mkdir()
    for name in ("plain.txt", "sibling.css", "sibling.css.gz", "own.js", "any.bin", "none.dat"):
        files.write_old(tree / name, CONTENT)
    return module_fleet.run(sites.configuration("", f"""\
        - {{path: /, root: {tree}}}
        - {{path: /cors/, root: {tree}, cors: {{origins: ["{ORIGIN[1]}"]}}}}
        """, extra=VARYING))


@pytest.mark.parametrize("target,headers,expected", [
    ("/plain.txt", [], "Accept-Language"),
    ("/sibling.css", [], "Accept-Encoding, Accept-Language"),
    ("/sibling.css", [("Accept-Encoding", "gzip")], "Accept-Encoding, Accept-Language"),
    ("/cors/plain.txt", [], "Origin, Accept-Language"),
    ("/cors/sibling.css", [ORIGIN], "Accept-Encoding, Origin, Accept-Language"),
    ("/own.js", [], "oRIGIN"), ("/cors/own.js", [ORIGIN], "Origin"),
    ("/any.bin", [], "*"), ("/cors/any.bin", [], "*"),
    ("/none.dat", [], None), ("/cors/none.dat", [], "Origin"),
])
def test_vary_of_a_rule_and_of_the_server_are_one_field(varied, target, headers, expected):
    whole = varied.get(target, headers=headers)
    part = varied.get(target, headers=[*headers, ("Range", "bytes=0-1")])
    same = varied.get(target, headers=[*headers, ("If-None-Match", "*")])
    assert (whole.status, part.status, same.status) == (200, 206, 304)
    for response in (whole, part, same):
        assert response.header("vary") == expected, "one line, or header() fails"


@pytest.mark.parametrize("target,headers,status", [
    ("/missing.css", [], 404), ("/private", [], 301), ("/a.css", [("If-Match", '"x"')], 412),
    ("/a.css", [("Range", "bytes=99-")], 416)])
def test_other_responses_carry_none(served, target, headers, status):
    response = served.get(target, headers=headers)
    assert response.status == status
    assert not fields(response, "x-frame-options", "cache-control", "x-kind")


@pytest.mark.parametrize("target,expected", [
    ("/b.FOO", "text/x-foo"), ("/c.bar", "application/x-bar"),
    ("/a.css", "text/css; charset=latin1"), ("/a.txt", "text/plain; charset=utf-8")])
def test_types_of_the_configuration_win(served, target, expected):
    assert served.get(target).header("content-type") == expected


@pytest.mark.parametrize("mount,said", [
    ('headers: [{match: "*", set: {Content-Length: "5"}}]',
     "'Content-Length' frames the message, which sluiced does itself"),
    ('headers: [{match: "*", set: {etag: "x"}}]', "'etag' is sent by sluiced itself"),
    ('headers: [{match: "*", set: {Access-Control-Allow-Origin: "*"}}]',
     "'Access-Control-Allow-Origin' is sent by sluiced itself: see 'cors'"),
    ('headers: [{match: "*", set: {Content-Encoding: gzip}}]',
     "'Content-Encoding' is sent by sluiced itself: see 'sidecars'"),
    ('headers: [{match: "*", set: {Vary: "a b"}}]', "'a b' is not a list of the names of fields"),
    ('headers: [{match: "*", set: {X-A: b, x-a: c}}]', "'x-a' is there already"),
    ('headers: [{match: "*", set: {X-A: "a\\r\\nSet-Cookie: b"}}]',
     "holds a line break or another control character"),
    ('headers: [{match: "*", set: {"X A": b}}]', "'X A' is not the name of a field"),
    ('headers: [{match: "*.{a", set: {X: b}}]',
     "'*.{a' has braces that do not pair or nest"),
    ('headers: [{set: {X: b}}]', "missing key 'match'"),
    ('types: {.x: notatype}', "'notatype' is not a media type, such as text/x-foo"),
    ('sidecars: [xz]', "'xz' is not one of zst, br, gz"),
])
def test_what_could_break_a_response_is_refused_with_its_place(fleet, tree, mount, said):
    path = fleet.write_configuration(files.configuration(tree, mount=mount))
    done = daemon.run_to_end("check", path)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr
    assert f"{path.name}:10:" in done.stdout + done.stderr
