"""The listing of a directory: every name can be read, is harmless, and leads to its file."""

import html.parser
import os
import urllib.parse

import pytest

from harness import files

NAMES = [
    b"plain.txt", b"UPPER.TXT", b"two words.txt", b" leading space", b"trailing space ",
    b"<script>alert(1)<script>", b"a&b", b"a&amp;b", b"a&lt;b", b"quote\"quote", b"apos'apos",
    b"\"><img src=x onerror=alert(1)>", b"' onmouseover='alert(1)", b"per%cent", b"%2e%2e", b"%41",
    b"que?stion", b"ha#sh", b"semi;colon", b"co:lon", b"javascript:alert(1)", b"http:evil",
    b"back\\slash", b"plus+plus", b"tilde~", b"[brackets]", b"{braces}", b"pipe|pipe", b"caret^",
    b"new\nline", b"carriage\rreturn", b"tab\ttab", b"bell\x07", b"escape\x1b[31m", b"del\x7f",
    "ümläut.txt".encode(), "日本語.txt".encode(), "\u202egpj.exe".encode(), "😀".encode(),
    b"latin-\xfc.txt", b"\xff\xfe", b"cut-\xe2\x82", b"x" * 255, b"-rf", b"~", b"*", b"=", b"@",
    b"index.htm", b"a.b.c", b"trailing.", b"...three", b"..two-dots", b"$(id)", b"`id`", b"`",
]
HIDDEN = (b"...three", b"..two-dots")


class Links(html.parser.HTMLParser):
    """Collects the entries that a reader sees and can follow, and the other links of the page apart.
    Refuses what a listing has no use for."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.links = []
        self.others = []
        self._in_rows = False
        self._href = None
        self._text = ""

    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "img", "iframe", "object", "embed", "form"), tag
        for name, _ in attrs:
            assert not name.startswith("on"), name
        self._in_rows = self._in_rows or tag == "tbody"
        if tag == "a":
            self._href, self._text = dict(attrs).get("href"), ""

    def handle_data(self, data):
        self._text += data

    def handle_endtag(self, tag):
        self._in_rows = self._in_rows and tag != "tbody"
        if tag == "a" and self._href is not None:
            (self.links if self._in_rows else self.others).append((self._href, self._text))
            self._href = None


def links_of(response):
    """{href: text} of a listing, without the way up."""
    assert response.status == 200
    assert response.header("content-type").lower().replace(" ", "") == "text/html;charset=utf-8"
    text = response.body.decode()  # valid UTF-8, whatever the names are
    parser = Links()
    parser.feed(text)
    parser.close()
    return {href: text for href, text in parser.links if href not in ("../", "..", "/")}


def names_of(links):
    """The names that the links of a listing stand for; links must be relative."""
    names = []
    for href in links:
        assert href.isascii() and not any(character in href for character in ' "<>\\\n\r\t'), href
        split = urllib.parse.urlsplit(href)
        assert (split.scheme, split.netloc, split.query, split.fragment) == ("", "", "", ""), href
        names.append(urllib.parse.unquote_to_bytes(href).removeprefix(b"./"))
    return names


@pytest.fixture(scope="module")
def root(module_tree):
    top = os.fsencode(module_tree)
    os.mkdir(top + b"/names")
    for name in NAMES:
        with open(top + b"/names/" + name, "wb") as file:
            file.write(b"content of " + name)
    os.mkdir(top + b"/empty")
    for number in range(3000):
        (module_tree / "many").mkdir(exist_ok=True)
        (module_tree / "many" / f"file-{number:05}.txt").touch()
    (module_tree / "names" / "directory").mkdir()
    (module_tree / "names" / ".hidden").write_bytes(b"hidden")
    (module_tree / "names" / ".hidden-directory").mkdir()
    (module_tree / ".well-known").mkdir()
    return module_tree


@pytest.fixture(scope="module")
def listed(module_fleet, root):
    return module_fleet.serve(root, "--listing")


def test_every_name_is_listed_once_and_no_other(listed):
    names = names_of(links_of(listed.get("/names/")))
    assert sorted(names) == sorted([n for n in NAMES if n not in HIDDEN] + [b"directory/"])


def test_every_link_leads_to_its_file(listed):
    for href in links_of(listed.get("/names/")):
        target = urllib.parse.urljoin("/names/", href if href.startswith(".") else f"./{href}")
        response = listed.get(target)
        if target.endswith("/"):
            continue
        name = urllib.parse.unquote_to_bytes(href).removeprefix(b"./")
        assert (response.status, response.body) == (200, b"content of " + name), href


def test_a_browser_resolves_every_link_to_the_same_place(listed):
    """A name such as "http:evil" must not become the scheme of the link."""
    for href in links_of(listed.get("/names/")):
        resolved = urllib.parse.urljoin("http://test/names/", href)
        assert resolved.startswith("http://test/names/"), href


def test_the_text_is_the_name(listed):
    """Names that are not UTF-8, or hold control characters, may be shown in some other way."""
    for href, text in links_of(listed.get("/names/")).items():
        name = urllib.parse.unquote_to_bytes(href).removeprefix(b"./")
        try:
            shown = name.decode()
        except UnicodeDecodeError:
            continue
        if shown.isprintable() and len(shown) < 60:
            assert text.strip() == shown.strip(), href


def test_hidden_files_are_not_listed(listed):
    for name in names_of(links_of(listed.get("/names/"))) + names_of(links_of(listed.get("/"))):
        assert not name.startswith(b".") or name == b".well-known/", name


def test_directories_have_their_slash(listed):
    assert "names/" in "".join(links_of(listed.get("/")))
    for name in names_of(links_of(listed.get("/"))):
        assert name.endswith(b"/"), name


def test_an_empty_directory_has_an_empty_listing(listed):
    assert not links_of(listed.get("/empty/"))


def test_a_large_directory_is_listed_whole(listed):
    names = names_of(links_of(listed.get("/many/")))
    assert names == [f"file-{number:05}.txt".encode() for number in range(3000)]


def test_head_of_a_listing_has_the_fields_of_get(listed):
    got, head = listed.get("/names/"), listed.get("/names/", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert [f for f in head.fields if f[0] != "date"] == [f for f in got.fields if f[0] != "date"]


def test_a_listing_never_goes_above_the_root(listed):
    for href in links_of(listed.get("/")):
        assert not urllib.parse.unquote(href).startswith(".."), href


def test_the_query_does_not_end_up_in_the_page(listed):
    assert b"<b>" not in listed.get("/names/?<b>".replace("<", "%3C").replace(">", "%3E")).body
    assert b"needle" not in listed.get("/names/?needle").body


def test_a_listing_shows_what_is_there_now(fleet, tree):
    daemon = fleet.serve(tree, "--listing")
    assert names_of(links_of(daemon.get("/"))) == []
    files.write_old(tree / "new.txt", b"new")
    assert names_of(links_of(daemon.get("/"))) == [b"new.txt"]
    (tree / "new.txt").unlink()
    assert names_of(links_of(daemon.get("/"))) == []


def test_listings_answer_over_and_over_without_keeping_descriptors(listed):
    before = len(os.listdir(f"/proc/{listed.pid}/fd"))
    for _ in range(200):
        assert listed.get("/empty/").status == 200
    assert len(os.listdir(f"/proc/{listed.pid}/fd")) <= before + 2


def test_without_the_option_nothing_is_listed(fleet, root):
    daemon = fleet.serve(root)
    for target in ("/", "/names/", "/empty/"):
        response = daemon.get(target)
        assert response.status in (403, 404)
        assert b"plain.txt" not in response.body


def test_a_mount_can_have_a_listing(fleet, root):
    daemon = fleet.run(files.configuration(root, mount="listing: true"))
    assert b"plain.txt" in names_of(links_of(daemon.get("/names/")))
