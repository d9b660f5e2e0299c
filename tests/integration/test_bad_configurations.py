"""A table of configurations that cannot be served, each with one mistake: one clear line with its
place, the same from `check` as from the start, and the exit status that is documented."""

import socket

import pytest

from harness.daemon import run_to_end

EXIT_OS, EXIT_CONFIG = 71, 78

GOOD = """\
admin: {listen: off}
listeners:
  - name: web
    address: 127.0.0.1:0
sites:
  - name: _default
    mounts:
      - path: /
        root: ROOT
"""

# Ten anchors of nine aliases each stand for more values than there are atoms in a stone.
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9))


def changed(old, new):
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


# The file, the place of the mistake in it ("" for the file as a whole), and what is to be named.
BAD = {
    "unknown key": (changed("address:", "adress:"), "4:5", ["'adress'", "'address'"]),
    "unknown section": (GOOD + "listings_: {}\n", "10:1", ["'listings_'"]),
    "wrong type": (changed("127.0.0.1:0", "[1, 2]"), "4:14", ["listeners[0].address", "a list"]),
    "scalar for a section": (changed("{listen: off}", "off"), "1:8", ["admin", "a single value"]),
    "text for a number": (GOOD + "limits: {ranges: many}\n", "10:18", ["limits.ranges", "'many'"]),
    "tab": (changed("    address", "\taddress"), "4:1", ["tab", "spaces"]),
    "duplicate key": (GOOD + "admin: {}\n", "10:1", ["'admin'", "duplicate", "line 1"]),
    "duplicate key in a list": (changed("    address: 127", "    name: other\n    address: 127"), "4:5",
                                ["'name'", "duplicate", "line 3"]),
    "missing root": (changed("ROOT", "ROOT/missing"), "9:15", ["missing'", "does not exist"]),
    "root is a file": (changed("ROOT", "ROOT/file"), "9:15", ["file'", "is not a directory"]),
    "root below a file": (changed("ROOT", "ROOT/file/x"), "9:15", ["file/x'", "Not a directory"]),
    "no root": (changed("        root: ROOT\n", ""), "8:9", ["'root'", "missing"]),
    "alias bomb": (BOMB, None, ["too many values"]),
    "alias of itself": (GOOD + "limits: &a {ranges: *a}\n", "10:21", ["alias"]),
    "empty file": ("", "", ["is empty", "'listeners'"]),
    "blank file": ("\n \r\n\n", "", ["is empty", "'listeners'"]),
    "byte order mark alone": ("\ufeff", "", ["is empty"]),
    "not UTF-8": (GOOD.encode().replace(b"web", b"w\xe9b"), "3:12", ["UTF-8", "\\xe9"]),
    "UTF-16": (GOOD.encode("utf-16-le"), "1:2", ["UTF-16", "UTF-8"]),
    "UTF-16 with its mark": (GOOD.encode("utf-16"), "1:1", ["UTF-8", "UTF-16"]),
    "NUL": (changed("web", "w\0b"), "3:12", ["control character", "\\x00"]),
    "old line ends": (GOOD.replace("\n", "\r"), "1:21", ["carriage return"]),
    "open quote": (changed("127.0.0.1:0", "\"127.0.0.1:0"), "4:14", ["not closed"]),
    "open bracket": (changed("{listen: off}", "{listen: off"), None, ["YAML"]),
    "two documents": (GOOD + "---\n" + GOOD, "10:1", ["document"]),
    "text": ("hello\n", "1:1", ["map", "a single value"]),
    "list": ("- a\n", "1:1", ["map", "a list"]),
}


@pytest.fixture
def write(tmp_path, tree):
    (tree / "file").touch()

    def write_bytes(content):
        path = tmp_path / "sluiced.yaml"
        raw = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(raw.replace(b"ROOT", bytes(tree)))
        return path

    return write_bytes


def assert_one_error(path, place, culprits, **options):
    """Check and start end in the same words, one error among them."""
    done = [run_to_end(verb, "-c", path, **options) for verb in ("check", "run")]
    for each in done:
        assert (each.returncode, each.stdout) == (EXIT_CONFIG, ""), each.stderr
    assert done[0].stderr == done[1].stderr
    errors = [line for line in done[0].stderr.splitlines() if ": error: " in line]
    assert len(errors) == 1, done[0].stderr
    if place is not None:
        assert errors[0].startswith(f"{path}:{place}: error: " if place else f"{path}: error: ")
    for culprit in culprits:
        assert culprit in errors[0], errors[0]
    # Beside the line itself there is at most what stands at its place, and a mark below that.
    assert len(done[0].stderr.splitlines()) in (1, 3)


@pytest.mark.parametrize("name", BAD)
def test_one_clear_line_says_what_is_wrong_and_where(write, name):
    content, place, culprits = BAD[name]
    assert_one_error(write(content), place, culprits)


def test_a_file_that_is_not_there_is_named(tmp_path):
    assert_one_error(tmp_path / "missing.yaml", "", ["No such file"])
    assert_one_error(tmp_path, "", ["is a directory"])


def test_a_file_that_may_not_be_read_is_named(unprivileged):
    path = unprivileged.folder / "sluiced.yaml"
    path.write_text(GOOD)
    path.chmod(0)
    assert_one_error(path, "", ["Permission denied"], binary=unprivileged.binary,
                     **unprivileged.options)


def test_a_root_that_may_not_be_entered_is_named(unprivileged):
    root = unprivileged.folder / "closed"
    root.mkdir(mode=0)
    path = unprivileged.folder / "sluiced.yaml"
    path.write_text(GOOD.replace("ROOT", str(root)))
    path.chmod(0o644)
    assert_one_error(path, "9:15", ["closed'", "Permission denied"], binary=unprivileged.binary,
                     **unprivileged.options)
    root.chmod(0o700)


def test_a_right_configuration_that_the_system_refuses_is_not_blamed(write):
    """What another process does is no mistake in the file: check has nothing to say."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        path = write(changed("127.0.0.1:0", address))
        checked = run_to_end("check", "-c", path)
        ran = run_to_end("run", "-c", path)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert (ran.returncode, ran.stdout) == (EXIT_OS, "")
    line, = ran.stderr.splitlines()
    assert address in line and "in use" in line


@pytest.mark.parametrize("spell", [
    lambda text: text.replace("\n", "\r\n"), lambda text: "\ufeff" + text,
    lambda text: "\ufeff" + text.replace("\n", "\r\n"), lambda text: text[:-1]],
    ids=["CRLF", "byte order mark", "both", "no last line end"])
def test_the_habits_of_editors_are_no_mistakes(write, fleet, spell):
    path = write(spell(GOOD))
    done = run_to_end("check", "-c", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert fleet.start("run", "-c", path, admin=False).get("/file").status == 200
