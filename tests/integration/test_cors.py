"""CORS: which pages of other origins may read what a mount serves; and OPTIONS without it."""

import pytest

from harness import files, sites, wire

APP = "https://app.example"
PREFLIGHT = ("Access-Control-Request-Method", "GET")


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    for name in ("file.txt", "large"):
        files.write_old(module_tree / name, b"content")
    return module_fleet.run(sites.configuration("redirects: [{from: /api/old, to: /api/}]\n", f"""\
        - path: /
          root: {module_tree}
        - path: /open/
          root: {module_tree}
          cors: {{origins: ["*"]}}
        - path: /api/
          root: {module_tree}
          listing: true
          cors:
            origins: ["{APP}", "http://localhost:3000"]
            headers: [X-Token]
            expose: [ETag, Content-Range]
            max_age: 2m
            credentials: true
        """))


def cors_fields(response):
    return {name: value for name, value in response.fields if name.startswith("access-control-")}


def vary(response):
    return ", ".join(value for name, value in response.fields if name == "vary")


@pytest.mark.parametrize("origin", [APP, "http://localhost:3000"])
def test_an_origin_of_the_list_may_read(served, origin):
    response = served.get("/api/file.txt", headers=[("Origin", origin)])
    assert response.body == b"content"
    assert cors_fields(response) == {"access-control-allow-origin": origin,
                                     "access-control-allow-credentials": "true",
                                     "access-control-expose-headers": "ETag, Content-Range"}
    assert vary(response) == "Origin"


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null", APP + ".evil",
                                    "http://app.example", APP + ":8443", APP + "/"])
def test_no_other_origin_is_named_and_caches_are_told(served, origin):
    response = served.get("/api/file.txt", headers=[("Origin", origin)] if origin else [])
    assert (response.status, cors_fields(response)) == (200, {})
    assert vary(response) == "Origin"


@pytest.mark.parametrize("target,headers,status", [
    ("/api/missing", [], 404), ("/api/file.txt", [("If-None-Match", "*")], 304),
    ("/api/file.txt", [("Range", "bytes=0-1")], 206),
    ("/api/file.txt", [("Range", "bytes=99-")], 416), ("/api/", [], 200)])
def test_every_answer_of_the_mount_says_so(served, target, headers, status):
    response = served.get(target, headers=[("Origin", APP), *headers])
    assert response.status == status
    assert cors_fields(response)["access-control-allow-origin"] == APP
    assert "Origin" in vary(response)


def test_all_origins_may_read_what_is_open(served):
    response = served.get("/open/file.txt", headers=[("Origin", "https://who.example")])
    assert cors_fields(response) == {"access-control-allow-origin": "*"}
    assert vary(response) == ""


def test_a_mount_without_it_says_nothing(served):
    response = served.get("/file.txt", headers=[("Origin", APP)])
    assert (cors_fields(response), vary(response)) == ({}, "")


def test_a_preflight_is_told_what_is_allowed(served):
    response = served.get("/api/file.txt", method="OPTIONS", headers=[
        ("Origin", APP), PREFLIGHT, ("Access-Control-Request-Headers", "x-token")])
    assert (response.status, response.body) == (204, b"")
    assert response.header("content-length") is None
    assert cors_fields(response) == {"access-control-allow-origin": APP,
                                     "access-control-allow-credentials": "true",
                                     "access-control-allow-methods": "GET, HEAD",
                                     "access-control-allow-headers": "X-Token",
                                     "access-control-max-age": "120"}


@pytest.mark.parametrize("headers", [
    [("Origin", "https://evil.example"), PREFLIGHT],
    [("Origin", APP), ("Access-Control-Request-Method", "DELETE")], [("Origin", APP)], []])
def test_a_preflight_for_what_is_not_allowed_allows_nothing(served, headers):
    response = served.get("/api/file.txt", method="OPTIONS", headers=headers)
    assert response.status == 204
    assert "access-control-allow-methods" not in cors_fields(response)


def test_a_preflight_needs_no_file_and_is_not_redirected(served):
    for target in ("/api/missing", "/api/old"):
        response = served.get(target, method="OPTIONS", headers=[("Origin", APP), PREFLIGHT])
        assert response.status == 204
        assert "access-control-allow-methods" in cors_fields(response)


@pytest.mark.parametrize("target", ["/file.txt", "/missing", "/"])
def test_options_without_cors_says_which_methods_there_are(served, target):
    response = served.get(target, method="OPTIONS")
    assert (response.status, response.body) == (204, b"")
    assert {word.strip() for word in response.header("allow").split(",")} == \
        {"GET", "HEAD", "OPTIONS"}


def test_a_connection_goes_on_behind_a_preflight(served):
    with served.connect() as connection:
        for _ in range(3):
            connection.send(wire.request("/api/file.txt", method="OPTIONS",
                                         headers=[("Origin", APP), PREFLIGHT]))
            assert connection.read_response("OPTIONS").status == 204
            connection.send(wire.request("/api/file.txt"))
            assert connection.read_response().body == b"content"
