"""The manual pages tell of all there is: verbs, options, exit statuses, keys."""

import json
import re
import subprocess

import pytest

from harness import files
from harness.daemon import BINARY, run_to_end

PROGRAM_PAGE = files.REPOSITORY / "daemon" / "man" / "sluiced.8"
OPTIONS_PAGE = BINARY.parent.parent / "man" / "sluiced.yaml.5"

OVERVIEW = run_to_end("help").stdout
VERBS = re.findall(r"^  ([a-z]+) ", OVERVIEW, re.M)


def shown(path):
    """The page as a reader sees it, in one line."""
    done = subprocess.run(["mandoc", "-T", "ascii", "-O", "width=1000", path], check=True,
                          stdout=subprocess.PIPE, text=True)
    # A letter that is printed over itself is a bold one.
    return re.sub(r".\x08", "", done.stdout)


@pytest.mark.parametrize("path", [PROGRAM_PAGE, OPTIONS_PAGE], ids=lambda path: path.name)
def test_a_page_is_sound(path):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path], check=False,
                          stdout=subprocess.PIPE, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_verb_has_its_entry():
    assert {"serve", "run", "check", "doctor", "help"} <= set(VERBS)
    entries = re.findall(r"^\.It Cm ([a-z]+)", PROGRAM_PAGE.read_text(), re.M)
    assert entries == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_a_verb_stands_in_its_entry(verb):
    usage = run_to_end("help", verb).stdout
    options = set(re.findall(r"(?<![\w-])--?[a-z]+", usage.partition("Options:")[2]))
    options -= {"-h", "--help"}  # of all verbs, told once
    text = PROGRAM_PAGE.read_text()
    entry = re.search(rf"^\.It Cm {verb}\b.*?(?=^\.It Cm |^\.Pp\nShort forms)", text, re.M | re.S)[0]
    told = {"-" + word for line in re.findall(r"^\.It (Fl .*)$", entry, re.M)
            for word in re.findall(r"(?:Fl|,) (-?[a-z]+)", line)}
    assert told == options


def test_every_exit_status_is_told():
    statuses = re.findall(r"\b(\d+) ", OVERVIEW.partition("Exit status:")[2])
    assert {"0", "1", "64", "78"} <= set(statuses)
    told = re.findall(r"^\.It (\d+)$", PROGRAM_PAGE.read_text(), re.M)
    assert told == statuses


def test_every_short_form_is_told():
    forms = re.findall(r"(?<![\w-])--?\w+", re.search(r"^Short forms: .*?\.$", OVERVIEW,
                                                      re.M | re.S)[0])
    page = shown(PROGRAM_PAGE).partition("Short forms are")[2]
    assert len(forms) >= 5
    for form in forms:
        assert form in page


def keys_of(schema, path=""):
    for key, value in schema.get("properties", {}).items():
        yield path, key
        inner = value.get("items", value)
        suffix = "[]" if "items" in value else ""
        yield from keys_of(inner, f"{path}.{key}{suffix}".lstrip("."))


def test_every_key_stands_in_its_section():
    schema = json.loads(run_to_end("schema").stdout)
    page = OPTIONS_PAGE.read_text()
    sections = dict(re.findall(r"^\.Ss (\S+|Top level)\n(.*?)^\.El$", page, re.M | re.S))
    count = 0
    for path, key in keys_of(schema):
        if path.endswith(".headers[]"):
            path = "defaults.headers[]"  # the same wherever they stand
        assert f"\n.It Ic {key}\n" in "\n" + sections[path or "Top level"], (path, key)
        count += 1
    assert count > 80
