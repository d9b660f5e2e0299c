"""The page of a directory as a person has it: in the dark, with a keyboard, and without scripts."""

import os

import pytest

from harness import browser, daemon, files

MODIFIED = 1_700_000_000  # 2023-11-14 22:13:20 UTC


@pytest.fixture(scope="module")
def listed(module_fleet, module_tree):
    for name, length in (("b.txt", 1_234_567), ("c <b>.txt", 5), ("empty", 0)):
        files.write_sparse(module_tree / name, length)
        os.utime(module_tree / name, (MODIFIED, MODIFIED))
    (module_tree / "a").mkdir()
    files.write_old(module_tree / "a" / "inner.txt", b"inner")
    return module_fleet.serve(module_tree, "--listing")


@pytest.fixture
def page(listed):
    with browser.Browser() as chromium:
        yield chromium.open(listed.url + "/")


def test_it_is_light_or_dark_as_the_reader_prefers(page):
    """That there are colours at all shows that the policy lets its own style through."""
    for scheme, darker, brighter in (("light", "color", "backgroundColor"),
                                     ("dark", "backgroundColor", "color")):
        page.prefer(scheme)
        assert page.brightness(darker) < 60 and page.brightness(brighter) > 200, scheme


def test_a_keyboard_reaches_every_entry_and_enters_it(page, listed):
    reached = []
    while "empty" not in reached:
        page.press("Tab")
        assert page.ask("document.activeElement.matches(':focus-visible')"), "it can be seen"
        assert page.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        reached.append(page.ask("document.activeElement.textContent"))
        assert len(reached) < 50, reached
    assert reached[:3] == ["Name", "Size", "Modified (UTC)"]
    assert reached[-4:] == ["a/", "b.txt", "c <b>.txt", "empty"]
    page.ask("document.querySelector('tbody a').focus()")
    page.press("Enter")
    daemon.wait_until(lambda: page.url == f"{listed.url}/a/", "the directory is entered")


def test_it_has_no_script_and_needs_none(page):
    assert page.ask("document.scripts.length") == 0
    assert page.ask("[...document.querySelectorAll('*')].every("
                    "e => [...e.attributes].every(a => !a.name.startsWith('on')))")
    # A column is sorted by a link of its own.
    assert page.ask("document.querySelectorAll('th a[href^=\"?sort=\"]').length") == 3


def test_sizes_and_times_are_for_people(page):
    row = "[...document.querySelectorAll('tbody tr')].find(r => r.innerText.includes('b.txt'))"
    assert page.ask(f"{row}.cells[1].innerText") == "1.1 MiB"
    assert page.ask(f"{row}.cells[1].title") == "1,234,567 bytes"
    assert page.ask(f"{row}.cells[2].innerText") == "2023-11-14 22:13"
    assert page.ask(f"{row}.querySelector('time').dateTime") == "2023-11-14T22:13:20Z"
