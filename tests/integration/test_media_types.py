"""Content-Type: by the suffix of the name, with a charset for text."""

import pytest

from harness import files

TYPES = {
    "a.html": "text/html; charset=utf-8",
    "a.htm": "text/html; charset=utf-8",
    "a.txt": "text/plain; charset=utf-8",
    "a.css": "text/css; charset=utf-8",
    "A.HTML": "text/html; charset=utf-8",
    "a.csv": "text/csv; charset=utf-8",
    "a.tar.gz": "application/gzip",
    "a.png": "image/png",
    "a.jpg": "image/jpeg",
    "a.jpeg": "image/jpeg",
    "a.gif": "image/gif",
    "a.webp": "image/webp",
    "a.pdf": "application/pdf",
    "a.zip": "application/zip",
    "a.wasm": "application/wasm",
    "a.mp4": "video/mp4",
    "a.mp3": "audio/mpeg",
    "a.woff2": "font/woff2",
    "a.unknown-suffix": "application/octet-stream",
    "no-suffix": "application/octet-stream",
    "html": "application/octet-stream",
    "a.html.": "application/octet-stream",
}


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    for name in TYPES:
        files.write_old(module_tree / name, b"<html>whatever</html>")
    for name in ("a.js", "a.mjs", "a.json", "a.svg", "a.xml"):
        files.write_old(module_tree / name, b"{}")
    return module_fleet.serve(module_tree)


def squeezed(media_type):
    return (media_type or "").lower().replace(" ", "").replace('"', "")


@pytest.mark.parametrize("name", TYPES)
def test_the_suffix_decides_and_the_content_is_not_sniffed(served, name):
    assert squeezed(served.get(f"/{name}").header("content-type")) == squeezed(TYPES[name])


@pytest.mark.parametrize("name,essence", [("a.js", "text/javascript"), ("a.mjs", "text/javascript"),
                                          ("a.json", "application/json"),
                                          ("a.svg", "image/svg+xml")])
def test_types_whose_charset_is_a_matter_of_taste(served, name, essence):
    assert squeezed(served.get(f"/{name}").header("content-type")).partition(";")[0] == essence


def test_the_charset_is_the_one_of_the_configuration(fleet, tree):
    files.write_old(tree / "a.txt", b"text")
    latin = fleet.run(files.configuration(tree, extra="defaults:\n  charset: iso-8859-1\n"))
    assert squeezed(latin.get("/a.txt").header("content-type")) == "text/plain;charset=iso-8859-1"


def test_the_charset_can_be_left_out(fleet, tree):
    files.write_old(tree / "a.txt", b"text")
    none = fleet.run(files.configuration(tree, extra="defaults:\n  charset: off\n"))
    assert squeezed(none.get("/a.txt").header("content-type")) == "text/plain"
