#!/usr/bin/python3
"""Holds the documentation of the runtime to what is in the repository.

Usage: documentation_test.py [unittest arguments]
"""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = ROOT / "lib/README.md"
SOUNDNESS = ROOT / "lib/docs/soundness.md"
EXAMPLES = ROOT / "lib/examples"

# An example in a page stands behind the name of its file:
#   <!-- example: echo.cpp -->
EXAMPLE = re.compile(r"^<!-- example: (\S+) -->\n```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples_in(page):
    return EXAMPLE.findall(page.read_text())


class Examples(unittest.TestCase):
    def test_are_the_files_that_are_compiled_and_run(self):
        built = (EXAMPLES / "CMakeLists.txt").read_text().split()
        run = (ROOT / "tests/unit/runtime/examples_test.py").read_text()
        for page in (README, SOUNDNESS):
            self.assertNotEqual(examples_in(page), [], page)
            for name, text in examples_in(page):
                with self.subTest(page=page.name, example=name):
                    self.assertEqual(text, (EXAMPLES / name).read_text())
                    program = name.removesuffix(".cpp")
                    self.assertTrue(any(word.strip("()") == program for word in built))
                    self.assertRegex(run, rf'"(example_)?{program}"')

    def test_stand_behind_the_name_of_a_file_each(self):
        for page in (README, SOUNDNESS):
            self.assertEqual(page.read_text().count("```cpp"), len(examples_in(page)), page)

    def test_of_the_readme_are_as_short_as_it_says(self):
        lines = {"first_program.cpp": 10, "echo.cpp": 20}
        for name, text in examples_in(README):
            if name in lines:
                code = [line for line in text.splitlines() if line and line[0] != "#"]
                self.assertEqual(len(code), lines.pop(name), name)
        self.assertEqual(lines, {}, "not in the README")


class Links(unittest.TestCase):
    def test_lead_to_files(self):
        for page in (README, SOUNDNESS):
            for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
                self.assertTrue((page.parent / target).exists(), f"{page}: {target}")


class Soundness(unittest.TestCase):
    @staticmethod
    def existing_tests():
        names = set()
        for source in (ROOT / "tests").rglob("*_test.cpp"):
            names.update(
                f"{suite}.{name}"
                for suite, name in re.findall(
                    r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", source.read_text(), re.MULTILINE
                )
            )
        return names

    def test_names_all_twenty_eight_faults_in_order(self):
        numbers = re.findall(r"^### (\d+)\. ", SOUNDNESS.read_text(), re.MULTILINE)
        self.assertEqual(numbers, [str(number) for number in range(1, 29)])

    def test_names_tests_that_exist_for_each(self):
        existing = self.existing_tests()
        for section in re.split(r"^### ", SOUNDNESS.read_text(), flags=re.MULTILINE)[1:]:
            title, _, body = section.partition("\n")
            with self.subTest(title):
                proof = re.search(r"^Proof: (.*?)\n\n", body + "\n\n", re.MULTILINE | re.DOTALL)
                self.assertIsNotNone(proof, "no proof")
                named = re.findall(r"`([^`]+)`", proof[1])
                self.assertNotEqual(named, [])
                self.assertEqual([name for name in named if name not in existing], [])


if __name__ == "__main__":
    unittest.main()
