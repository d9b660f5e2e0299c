"""Several sites by host, several directories by path, and what each inherits."""

import pytest

from harness import control, files, wire


@pytest.fixture
def places(tmp_path):
    for name in ("main", "downloads", "deep", "wild", "other"):
        folder = tmp_path / "places" / name
        folder.mkdir(parents=True)
        files.write_old(folder / "name.txt", name.encode())
        files.write_old(folder / f"only-{name}.txt", name.encode())
    return tmp_path / "places"


def fetch(endpoint, target="/name.txt", host="test"):
    with wire.Connection(endpoint.connect()) as connection:
        connection.send(wire.request(target, host=host, headers=[("Connection", "close")]))
        response = connection.read_response()
        connection.expect_close()
        return response


def sites(places):
    return f"""\
admin:
  listen: 127.0.0.1:0
listeners:
  - {{name: web, address: 127.0.0.1:0}}
sites:
  - name: main
    hosts: [files.test, "[::1]"]
    mounts:
      - {{path: /, root: {places}/main}}
      - {{path: /downloads/, root: {places}/downloads, listing: true}}
      - {{path: /downloads/deep/, root: {places}/deep}}
  - name: wild
    hosts: ["*.wild.test"]
    mounts: [{{path: /, root: {places}/wild}}]
  - name: _default
    mounts: [{{path: /, root: {places}/other}}]
"""


@pytest.mark.parametrize("host,body", [
    ("files.test", b"main"), ("FILES.Test", b"main"), ("files.test:8080", b"main"),
    ("files.test.", b"main"), ("[::1]:80", b"main"), ("[0:0::1]", b"main"),
    ("a.wild.test", b"wild"), ("b.a.wild.test", b"wild"), ("wild.test", b"other"),
    ("notwild.test", b"other"),
    ("awild.test", b"other"), ("xfiles.test", b"other"), ("files.test.evil", b"other"),
    ("127.0.0.1", b"other")])
def test_the_host_chooses_the_site(fleet, places, host, body):
    endpoint = fleet.run(sites(places)).endpoint
    response = fetch(endpoint, host=host)
    if host in ("files.test.", "[0:0::1]"):  # another spelling of a name: taken for it, or not
        assert response.body in (b"main", b"other")
    else:
        assert (response.status, response.body) == (200, body)


def test_an_absolute_target_chooses_the_site_too(fleet, places):
    endpoint = fleet.run(sites(places)).endpoint
    assert fetch(endpoint, "http://files.test/name.txt", host="files.test").body == b"main"


def test_a_request_without_host_goes_to_the_default_site(fleet, places):
    with fleet.run(sites(places)).connect() as connection:
        connection.send(wire.request("/name.txt", version="HTTP/1.0", host=None))
        assert connection.read_response().body == b"other"


def test_without_a_default_site_an_unknown_host_finds_nothing(fleet, places):
    text = sites(places)
    daemon = fleet.run(text[:text.index("  - name: _default")])
    assert fetch(daemon.endpoint, host="files.test").body == b"main"
    response = fetch(daemon.endpoint, host="unknown.test")
    assert response.status in (404, 421)
    assert response.body not in (b"main", b"wild")


@pytest.mark.parametrize("target,body", [
    ("/name.txt", b"main"), ("/downloads/name.txt", b"downloads"),
    ("/downloads/deep/name.txt", b"deep"), ("/downloads/deep/../name.txt", b"downloads"),
    ("/downloads/../name.txt", b"main"), ("/%64ownloads/name.txt", b"downloads"),
    ("//downloads//name.txt", b"downloads"), ("/x/../downloads/name.txt", b"downloads")])
def test_the_longest_path_chooses_the_directory(fleet, places, target, body):
    response = fetch(fleet.run(sites(places)).endpoint, target, "files.test")
    assert (response.status, response.body) == (200, body)


@pytest.mark.parametrize("target", [
    "/downloadsname.txt", "/downloads-name.txt", "/downloads.txt", "/only-downloads.txt",
    "/downloads/only-main.txt", "/downloads/deep/only-downloads.txt", "/downloadsX/name.txt",
    "/Downloads/name.txt"])
def test_a_path_that_only_begins_alike_is_another(fleet, places, target):
    assert fetch(fleet.run(sites(places)).endpoint, target, "files.test").status == 404


def test_a_mount_without_its_slash_is_redirected(fleet, places):
    response = fetch(fleet.run(sites(places)).endpoint, "/downloads", "files.test")
    assert response.status in (301, 404)
    assert response.status == 404 or response.header("location").endswith("/downloads/")


def test_a_redirect_below_a_mount_names_the_whole_path(fleet, places):
    (places / "downloads" / "sub").mkdir()
    response = fetch(fleet.run(sites(places)).endpoint, "/downloads/sub", "files.test")
    assert response.status == 301
    assert response.header("location").endswith("/downloads/sub/")


def test_the_listing_belongs_to_its_mount(fleet, places):
    endpoint = fleet.run(sites(places)).endpoint
    assert b"only-downloads.txt" in fetch(endpoint, "/downloads/", "files.test").body
    assert fetch(endpoint, "/", "files.test").status in (403, 404)
    assert fetch(endpoint, "/downloads/deep/", "files.test").status in (403, 404)


def test_a_mount_that_is_no_root_leaves_the_rest_empty(fleet, places):
    daemon = fleet.run(files.configuration(places / "main").replace("path: /\n", "path: /a/b/\n"))
    assert daemon.get("/a/b/name.txt").body == b"main"
    for target in ("/", "/a/", "/name.txt", "/a/name.txt", "/a/b/../name.txt"):
        assert daemon.get(target).status == 404


def test_a_hidden_name_in_the_path_of_a_mount_is_meant(fleet, places):
    daemon = fleet.run(files.configuration(places / "main").replace("path: /\n", "path: /.m/\n"))
    assert daemon.get("/.m/name.txt").status in (200, 404)


def test_sites_belong_to_their_listeners(fleet, places):
    daemon = fleet.run(f"""\
admin:
  listen: 127.0.0.1:0
listeners:
  - {{name: public, address: 127.0.0.1:0}}
  - {{name: private, address: 127.0.0.1:0}}
sites:
  - name: main
    listeners: [public]
    mounts: [{{path: /, root: {places}/main}}]
  - name: other
    listeners: [private]
    mounts: [{{path: /, root: {places}/other}}]
""", listeners=2)
    assert fetch(daemon.endpoints["public"]).body == b"main"
    assert fetch(daemon.endpoints["private"]).body == b"other"


def test_a_site_overrides_what_it_inherits(fleet, places):
    files.write_old(places / "main" / "start.html", b"start")
    files.write_old(places / "main" / "index.html", b"index")
    files.write_old(places / "main" / "mine.html", b"mine")

    def answer(defaults, site, mount):
        daemon = fleet.run(f"""\
admin:
  listen: 127.0.0.1:0
listeners:
  - {{name: web, address: 127.0.0.1:0}}
defaults:
  index: [{defaults}]
sites:
  - name: _default
{site}    mounts:
      - path: /
        root: {places}/main
{mount}""")
        response = daemon.get("/")
        daemon.stop()
        return response

    assert answer("start.html", "", "").body == b"start"
    assert answer("start.html", "    index: [mine.html]\n", "").body == b"mine"
    assert answer("start.html", "    index: [mine.html]\n",
                  "        index: [index.html]\n").body == b"index"
    assert answer("start.html", "", "        index: []\n").status in (403, 404)


@pytest.mark.parametrize("status", [403, 404, 410, 421, 503])
def test_a_site_may_only_respond(fleet, status):
    daemon = fleet.run(sites_of_one(f"respond: {status}"))
    for target in ("/", "/a/b"):
        response = daemon.get(target)
        assert response.status == status
        assert b"a/b" not in response.body


def test_what_no_mount_takes_is_answered_as_the_site_says(fleet, places):
    daemon = fleet.run(sites_of_one(
        "respond: 403", f"mounts: [{{path: /m/, root: {places}/main}}]"))
    assert daemon.get("/m/name.txt").body == b"main"
    assert daemon.get("/m/missing").status == 404
    assert daemon.get("/x").status == 403


def sites_of_one(*lines, extra=""):
    return (f"{extra}admin: {{listen: 127.0.0.1:0}}\n"
            "listeners: [{name: web, address: 127.0.0.1:0}]\n"
            "sites:\n  - name: _default\n" + "".join(f"    {line}\n" for line in lines))


def test_a_mount_overrides_what_its_site_says_of_links_and_hidden_names(fleet, places):
    outside = places / "outside.txt"
    outside.write_bytes(b"outside")
    for name in ("main", "downloads", "deep"):
        (places / name / "in").symlink_to("name.txt")
        (places / name / "out").symlink_to("../outside.txt")
        (places / name / "absolute").symlink_to(outside)
        (places / name / ".hidden").write_bytes(b"hidden")
    daemon = fleet.run(sites_of_one(
        "symlinks: none", "hidden: allow", "mounts:",
        f"  - {{path: /, root: {places}/main}}",
        f"  - {{path: /beneath/, root: {places}/downloads, symlinks: beneath, hidden: deny}}",
        f"  - {{path: /follow/, root: {places}/deep, symlinks: follow, listing: true}}",
        extra=control.readable(places)))
    seen = {path: daemon.get(path).status for base in ("/", "/beneath/", "/follow/")
            for path in (base + "in", base + "out", base + "absolute", base + ".hidden")}
    assert seen == {"/in": 404, "/out": 404, "/absolute": 404, "/.hidden": 200,
                    "/beneath/in": 200, "/beneath/out": 404, "/beneath/absolute": 404,
                    "/beneath/.hidden": 404,
                    "/follow/in": 200, "/follow/out": 200, "/follow/absolute": 200,
                    "/follow/.hidden": 200}
    assert daemon.get("/follow/absolute").body == b"outside"
    assert b"absolute" in daemon.get("/follow/").body
    # Links, not "..": the path of a request leads out of no root.
    assert daemon.get("/follow/%2e%2e/%2e%2e/outside.txt").status in (400, 404)


def test_a_followed_link_shows_what_it_leads_to_now(fleet, places):
    link = places / "main" / "link"
    link.symlink_to(places / "other" / "name.txt")
    daemon = fleet.run(sites_of_one(
        f"mounts: [{{path: /, root: {places}/main, symlinks: follow}}]",
        extra=control.readable(places)))
    for content in (b"one", b"two", b"three"):
        for _ in range(3):
            (places / "other" / "name.txt").write_bytes(content)
            assert daemon.get("/link").body == content
