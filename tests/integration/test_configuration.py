"""Errors in a configuration: every one at once, each with its place; and nothing is served."""

import re

import pytest

from harness import files
from harness.daemon import run_to_end

EXIT_CONFIG = 78

GOOD = """\
runtime:
  workers: 1
admin:
  listen: 127.0.0.1:0
log:
  level: info
listeners:
  - name: web
    address: 127.0.0.1:0
limits:
  request_line: 8KiB
timeouts:
  header: 10s
  drain: 30s
defaults:
  index: [index.html]
sites:
  - name: _default
    mounts:
      - path: /
        root: ROOT
        listing: true
"""

# What is changed in GOOD, into what, the line of the error, and what the message must name.
CASES = {
    "unknown key": ("  workers: 1", "  wrokers: 1", 2, "wrokers"),
    "unknown section": ("runtime:", "runtimes:", 1, "runtimes"),
    "unknown key in a list": ("    address: 127.0.0.1:0", "    adress: 127.0.0.1:0", 9, "adress"),
    "unknown key of a mount": ("        listing: true", "        listings: true", 22, "listings"),
    "unknown key of a site": ("    mounts:", "    mount:", 19, "mount"),
    "duplicate key": ("  workers: 1", "  workers: 1\n  workers: 2", 3, "workers"),
    "duplicate section": ("limits:", "log:\n  level: warn\nlimits:", 10, "log"),
    "word for a number": ("  workers: 1", "  workers: many", 2, "many"),
    "fraction for a number": ("  workers: 1", "  workers: 1.5", 2, "1.5"),
    "negative number": ("  workers: 1", "  workers: -1", 2, "-1"),
    "number out of range": ("  workers: 1", "  workers: 99999999", 2, "99999999"),
    "zero workers": ("  workers: 1", "  workers: 0", 2, "0"),
    "list for a number": ("  workers: 1", "  workers: [1]", 2, "workers"),
    "map for a number": ("  workers: 1", "  workers: {a: 1}", 2, "workers"),
    "nothing for a number": ("  workers: 1", "  workers:", 2, "workers"),
    "time without unit": ("  header: 10s", "  header: 10", 13, "10"),
    "time with an unknown unit": ("  header: 10s", "  header: 10parsecs", 13, "10parsecs"),
    "negative time": ("  header: 10s", "  header: -10s", 13, "-10s"),
    "time with a space": ("  header: 10s", "  header: 10 s", 13, "10 s"),
    "size with an unknown unit": ("  request_line: 8KiB", "  request_line: 8kilo", 11, "8kilo"),
    "size out of range": ("  request_line: 8KiB", "  request_line: 8TiB", 11, "8TiB"),
    "number for a switch": ("        listing: true", "        listing: 1", 22, "1"),
    "yes for a switch": ("        listing: true", "        listing: yes", 22, "yes"),
    "unknown word": ("  level: info", "  level: loud", 6, "loud"),
    "address without port": ("ss: 127.0.0.1:0", "ss: 127.0.0.1", 9, "127.0.0.1"),
    "address with a bad port": ("ss: 127.0.0.1:0", "ss: 127.0.0.1:99999", 9, "99999"),
    "address that is a name": ("ss: 127.0.0.1:0", "ss: localhost:80", 9, "localhost"),
    "address out of range": ("ss: 127.0.0.1:0", "ss: 999.0.0.1:80", 9, "999.0.0.1"),
    "bad name": ("  - name: web", "  - name: \"two words\"", 8, "two words"),
    "two listeners of one name":
        ("    address: 127.0.0.1:0",
         "    address: 127.0.0.1:0\n  - {name: web, address: \"[::1]:0\"}", 10, "web"),
    "unknown listener": ("    mounts:", "    listeners: [wbe]\n    mounts:", 19, "wbe"),
    "relative root": ("ROOT", "some/where", 21, "some/where"),
    "bad mount path": ("      - path: /", "      - path: files", 20, "files"),
    "mount path with dots": ("      - path: /", "      - path: /../", 20, "/../"),
    "index with a slash": ("  index: [index.html]", "  index: [a/index.html]", 16, "a/index.html"),
    "a tab": ("  workers: 1", "\tworkers: 1", 2, ""),
    "an open bracket": ("  index: [index.html]", "  index: [index.html", 0, ""),
    "an open quote": ("  - name: web", "  - name: \"web", 0, ""),
    "an unknown tag": ("  workers: 1", "  workers: !!python/object 1", 2, ""),
    "an unknown alias": ("  workers: 1", "  workers: *nowhere", 2, ""),
    "missing root": ("ROOT", "ROOT/missing", 21, "missing"),
    "root that is a file": ("ROOT", "ROOT/file.txt", 21, "file.txt"),
}

WHOLE = {
    "an empty file": "",
    "nothing but a comment": "# nothing\n",
    "a text": "hello\n",
    "a list": "- a\n- b\n",
    "a number": "42\n",
    "no listeners": "sites:\n  - name: _default\n    mounts: [{path: /, root: /}]\n",
    "no sites": "listeners:\n  - {name: web, address: 127.0.0.1:0}\n",
    "empty lists": "listeners: []\nsites: []\n",
    "an expanding alias": "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)),
    "brackets without end": "[" * 50_000,
    "maps without end": "a: " * 20_000,
    "a byte order mark alone": "\ufeff",
}


@pytest.fixture
def write(tmp_path, tree):
    files.write_old(tree / "file.txt", b"file")

    def write_text(text):
        path = tmp_path / "sluiced.yaml"
        path.write_bytes((text if isinstance(text, bytes) else
                          text.replace("ROOT", str(tree)).encode()))
        return path

    return write_text


def errors_of(done, path):
    """[(line, column, message)] of the errors on standard error, in the form of compilers."""
    found = re.findall(rf"^{re.escape(str(path))}:(\d+):(\d+): error: (.+)$", done.stderr, re.M)
    return [(int(line), int(column), message) for line, column, message in found]


def assert_refused(path):
    """Both verbs refuse the file with the same words, and nothing is served."""
    ran = run_to_end("run", "-c", path)
    checked = run_to_end("check", "-c", path)
    assert ran.returncode == checked.returncode == EXIT_CONFIG, ran.stderr
    assert errors_of(ran, path) == errors_of(checked, path)
    assert "Listening on" not in ran.stdout
    return ran


def test_a_good_configuration_is_good(write, fleet):
    path = write(GOOD)
    for arguments in (("check", path), ("check", "-c", path)):
        done = run_to_end(*arguments)
        assert (done.returncode, errors_of(done, path)) == (0, [])
    assert fleet.start("run", "-c", path).get("/file.txt").body == b"file"


@pytest.mark.parametrize("name", CASES)
def test_an_error_is_named_with_its_place(write, name):
    old, new, line, culprit = CASES[name]
    assert GOOD.count(old) >= 1
    path = write(GOOD.replace(old, new, 1))
    errors = errors_of(assert_refused(path), path)
    assert errors, "no error has a place"
    assert line in [where for where, _, _ in errors] or line == 0
    assert any(culprit in message for _, _, message in errors), errors


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_that_is_no_configuration_is_refused(write, name):
    path = write(WHOLE[name])
    done = assert_refused(path)
    assert str(path) in done.stderr
    assert len(done.stderr) < 100_000


def test_bytes_that_are_no_text_are_refused(write):
    for raw in (b"\xff\xfe\0\0", b"listeners: \xff\n", b"a: \0\n", b"\x80" * 1000):
        assert_refused(write(raw))


def test_all_errors_are_told_at_once(write):
    text = GOOD
    names = ["unknown key", "time without unit", "size with an unknown unit", "unknown word",
             "yes for a switch", "address without port", "relative root"]
    for name in names:
        old, new, _, _ = CASES[name]
        text = text.replace(old, new, 1)
    path = write(text)
    errors = errors_of(assert_refused(path), path)
    assert len(errors) == len(names)
    for name in names:
        _, _, line, culprit = CASES[name]
        assert any(line == where and culprit in message for where, _, message in errors), name
    assert [where for where, _, _ in errors] == sorted(where for where, _, _ in errors)


def test_a_misspelt_key_comes_with_a_suggestion(write):
    path = write(GOOD.replace("workers", "wrokers"))
    (_, column, message), = errors_of(assert_refused(path), path)
    assert column == 3
    assert "did you mean 'workers'" in message


def test_places_are_right_behind_comments_and_windows_line_ends(write):
    text = "# a comment\n\n  # another, indented\n" + GOOD.replace("  level: info",
                                                                "  level: loud  # why not")
    for spelled in (text, text.replace("\n", "\r\n")):
        path = write(spelled)
        (line, column, _), = errors_of(assert_refused(path), path)
        assert (line, column) == (9, 10)


def test_a_configuration_that_cannot_be_read_is_named(tmp_path):
    for path in (tmp_path / "missing.yaml", tmp_path):
        for verb in ("run", "check"):
            done = run_to_end(verb, "-c", path)
            assert done.returncode in (66, 71, 77, 78)
            assert str(path) in done.stderr
            assert "Listening on" not in done.stdout


def test_a_huge_configuration_is_refused_without_being_read_whole(tmp_path):
    path = files.write_sparse(tmp_path / "huge.yaml", 8 * files.GIB)
    assert run_to_end("check", path).returncode == EXIT_CONFIG
    assert run_to_end("check", "/dev/zero").returncode != 0


def test_the_annotated_default_configuration_is_sound(tmp_path, tree):
    """The file that is shipped differs from its own defaults in nothing but places."""
    shipped = (files.REPOSITORY / "config" / "sluiced.yaml").read_text()
    path = tmp_path / "shipped.yaml"
    path.write_text(re.sub(r"root: /\S+", f"root: {tree}", shipped))
    done = run_to_end("check", path)
    assert (done.returncode, errors_of(done, path)) == (0, [])
