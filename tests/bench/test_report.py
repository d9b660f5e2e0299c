"""Tests of report.py, plots.py and the list of subjects: from runs to text."""

import pathlib
import xml.etree.ElementTree

import plots
import report
import subjects
from servers import PLANS

NAMES = {"sluiced": "sluiced", "nginx": "nginx", "h2o": "h2o"}
SVG = "{http://www.w3.org/2000/svg}"


def run_of(cpu, rate):
    return {"cpu": cpu, "rate": rate, "p50": 0.1, "p99": 0.2, "client": 99.0, "foreign": 0.0}


def hot():
    """A subject of small hot files, and runs in which h2o has failed."""
    subject = next(each for each in subjects.subjects(pathlib.Path("/x"), False)
                   if each.key == "hot-1KiB-64")
    return subject, {"sluiced": [run_of(2.0, 300.0), run_of(3.0, 200.0)],
                     "nginx": [run_of(4.0, 100.0), run_of(6.0, 100.0)], "h2o": []}


def written(troubles=()):
    return report.report(["of today"], [hot()], NAMES, list(troubles), [("CPU", "cpu.svg")])


def test_the_summary_has_a_ratio_for_each_figure_and_server():
    text = written()
    assert "| sluiced ÷ | figure | nginx | h2o |" in text
    assert "| 1 KiB, 64 connections | server CPU | 0.50 |  |" in text
    assert "| 1 KiB, 64 connections | rate | 2.50 |  |" in text


def test_the_details_have_medians_spreads_and_ratios():
    lines = written().splitlines()
    ours = next(line for line in lines if line.startswith("| 1 KiB, 64 connections | sluiced |"))
    assert "| 250 (200–300) | 2.50 (2.00–3.00) |" in ours and ours.endswith("|  |  |  |")
    nginx = next(line for line in lines if line.startswith("|  | nginx |"))
    assert nginx.endswith("| 2.50 (2.00–3.00) | 0.50 (0.50–0.50) | 1.00 (1.00–1.00) |")


def test_every_row_of_a_table_has_as_many_cells_as_its_head():
    tables = [block.splitlines() for block in written().split("\n\n") if block.startswith("|")]
    assert len(tables) == 2
    for table in tables:
        assert len({line.count("|") for line in table}) == 1, table


def test_a_server_that_failed_is_named_and_has_no_figures():
    text = written(["h2o answered nothing"])
    assert "|  | h2o | failed |" in text
    assert text.endswith("## What went wrong\n\n- h2o answered nothing\n")
    assert written().endswith("## What went wrong\n\nNothing.\n")


def test_every_subject_has_a_table_and_a_main_figure():
    for subject in subjects.subjects(pathlib.Path("/x"), True):
        tables = [title for title, belongs, _ in report.TABLES if belongs(subject)]
        assert len(tables) == 1, subject.key
        assert report.MAIN_FIGURES[subject.group]
        assert set(subject.peers) <= set(PLANS)


def rectangles(picture):
    """Widths by colour, without the background."""
    drawing = xml.etree.ElementTree.fromstring(picture)
    return [(each.get("fill"), float(each.get("width"))) for each in drawing.iter(f"{SVG}rect")][1:]


def test_a_bar_is_as_long_as_its_median():
    picture = plots.bars("CPU", [("1 KiB", [("sluiced", "sluiced", [1.0, 2.0, 3.0]),
                                            ("nginx", "nginx", [4.0, 4.0, 4.0])])], "{:.1f}")
    (ours, short), (theirs, long) = rectangles(picture)
    assert (ours, theirs) == (plots.OURS, plots.OTHERS)
    assert long == 2 * short == plots.PANEL_WIDTH - plots.LABEL_WIDTH - plots.VALUE_WIDTH


def test_a_decade_has_the_same_length_everywhere_on_a_logarithmic_scale():
    servers = [(str(value), str(value), [value]) for value in (1.0, 10.0, 100.0)]
    picture = plots.bars("p99", [("cold", servers)], "{}", logarithmic=True)
    widths = [width for _, width in rectangles(picture)]
    assert abs((widths[2] - widths[1]) - (widths[1] - widths[0])) < 0.2 and widths[0] > 0


def test_names_with_signs_of_markup_stay_text():
    picture = plots.bars("a < b & c", [("<x>", [("nginx", "n&x", [1.0])])], "{}")
    texts = [each.text for each in xml.etree.ElementTree.fromstring(picture).iter(f"{SVG}text")]
    assert texts[:3] == ["a < b & c", "<x>", "n&x"]


def test_a_server_without_runs_has_no_bar():
    picture = plots.bars("CPU", [("1 KiB", [("nginx", "nginx", [])])], "{}")
    assert rectangles(picture) == [] and ">failed<" in picture


def test_pictures_are_drawn_of_what_was_measured():
    drawn = plots.pictures([hot()], NAMES)
    assert [name for name, _, _ in drawn] == ["cpu.svg"]
    assert len(rectangles(drawn[0][2])) == 2
