"""Tests of figures.py and machine.py."""

import os
import pathlib

import figures
import machine


def test_a_spread_is_a_median_with_the_smallest_and_the_largest():
    assert figures.spread([3.0, 1.0, 2.5], "{:.1f}") == "2.5 (1.0–3.0)"
    assert figures.spread([1000.0, 3000.0], "{:,.0f}") == "2,000 (1,000–3,000)"


def test_ratios_are_of_neighbouring_runs():
    # The machine is twice as slow in the second round: the ratio does not change.
    assert figures.ratios([1.0, 2.0], [2.0, 4.0]) == [0.5, 0.5]
    assert figures.ratio([1.0, 2.0, 9.0], [2.0, 4.0, 10.0]) == "0.50 (0.50–0.90)"


def test_nothing_is_divided_by_nothing():
    assert figures.ratio([1.0], [0.0]) == ""
    assert figures.ratio([1.0, 3.0], [0.0, 2.0]) == "1.50 (1.50–1.50)"


def test_foreign_cpu_is_that_of_everybody_but_us():
    with_us = machine.foreign_cpu_ticks(set())
    without = machine.foreign_cpu_ticks({os.getpid(), os.getppid()})
    assert 0 <= without <= with_us + 100 * os.sysconf("SC_CLK_TCK")


def test_reads_from_a_device_that_is_none_are_not_counted():
    assert machine.read_from_disk("/proc") is None
    counted = machine.read_from_disk(pathlib.Path(__file__).parent)
    assert counted is None or counted >= 0
