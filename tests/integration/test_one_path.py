"""A path is decoded once and normalised once: redirects, mounts, rules, hidden names, counters and
the file that is opened all go by the same value, however it is spelt."""

import pytest

from harness import files, sites

SITE = """\
redirects: [{from: /old, to: /new}]
headers: [{match: /private/**, set: {Cache-Control: no-store}}]
"""


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    for folder in ("public", "other"):
        path = module_tree / folder / "private"
        path.mkdir(parents=True)
        files.write_old(path / "file.txt", folder.encode())
        files.write_old(module_tree / folder / "%70lain.txt", b"percent")
        files.write_old(path / ".secret", b"secret")
    return module_fleet.run(sites.configuration(SITE, f"""\
        - {{path: /, root: {module_tree / "public"}}}
        - {{path: /other/, root: {module_tree / "other"}, cors: {{origins: ["*"]}}}}
        """))


PUBLIC = ["/private/file.txt", "/%70rivate/file.txt", "/private/%66ile.txt", "//private///file.txt",
          "/./private/./file.txt", "/x/../private/file.txt", "/private/x/../file.txt",
          "/%2e/private/file.txt", "/x/%2e%2E/private/file.txt", "/other/../private/file.txt",
          "/%6fther/%2e%2e/private/file.txt", "http://test/%70rivate/file.txt"]
OTHER = ["/other/private/file.txt", "/%6fther/private/file.txt", "//other//private/file.txt",
         "/private/../other/private/file.txt", "/./%6Fther/x/../%70rivate/file.txt"]
OLD = ["/old", "/%6fld", "//old", "/./old", "/x/../old", "/other/../%6Fld"]
HIDDEN = ["/private/.secret", "/private/%2esecret", "/private/x/../%2Esecret", "//private//.secret",
          "/other/private/%2esecret"]
ORIGIN = [("Origin", "https://app.example.org")]


@pytest.mark.parametrize("target", PUBLIC)
def test_every_spelling_has_the_rules_and_the_file_of_its_mount(served, target):
    response = served.get(target, headers=ORIGIN)
    assert (response.status, response.body) == (200, b"public")
    assert response.header("cache-control") == "no-store"
    assert response.header("access-control-allow-origin") is None


@pytest.mark.parametrize("target", OTHER)
def test_every_spelling_of_another_mount_has_those_of_that(served, target):
    response = served.get(target, headers=ORIGIN)
    assert (response.status, response.body) == (200, b"other")
    assert response.header("cache-control") == "no-store"
    assert response.header("access-control-allow-origin") == "*"


@pytest.mark.parametrize("target", OLD)
def test_every_spelling_is_redirected(served, target):
    response = served.get(target)
    assert (response.status, response.header("location")) == (301, "/new")


@pytest.mark.parametrize("target", HIDDEN)
def test_every_spelling_of_a_hidden_name_is_hidden_and_counted(served, target):
    before = served.scrape().total("sluiced_path_rejections_total", reason="hidden")
    assert served.get(target).status == 404
    assert served.scrape().total("sluiced_path_rejections_total", reason="hidden") == before + 1


def test_nothing_is_decoded_twice(served):
    assert served.get("/%2570lain.txt").body == b"percent"
    assert served.get("/%70lain.txt").status == 404
    for target in ("/%252e%252e/other/private/file.txt", "/private/%252esecret",
                   "/%2570rivate/file.txt"):
        assert served.get(target).status == 404
