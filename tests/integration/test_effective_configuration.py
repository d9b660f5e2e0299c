"""`check --dump`, what a configuration comes to, and `schema`, what configurations may be."""

import json
import re

import jsonschema
import yaml

import test_bad_configurations as bad
from harness import files
from harness.daemon import run_to_end


class Core(yaml.SafeLoader):
    """YAML as its version 1.2 has it: of all bare words, true and false alone are no texts."""


Core.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers
            if tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:null")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


def schema():
    done = run_to_end("schema")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def errors_of(text):
    validator = jsonschema.Draft202012Validator(schema())
    # The keys of a map are texts in JSON, whatever YAML takes them for.
    value = json.loads(json.dumps(yaml.load(text, Loader=Core)))
    return list(validator.iter_errors(value))


def dumped(path):
    done = run_to_end("check", "--dump", path)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_dump_is_a_configuration_that_says_the_same(tmp_path, tree):
    path = tmp_path / "c.yaml"
    path.write_text(files.configuration(tree))
    text = dumped(path)
    assert f"root: {tree}" in text
    path.write_text(text)
    assert dumped(path) == text
    assert run_to_end("-T", path).stdout == text


def test_a_dump_of_a_bad_configuration_says_what_is_wrong(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("listeners: 1\n")
    done = run_to_end("check", "--dump", path)
    assert (done.returncode, done.stdout) == (bad.EXIT_CONFIG, "")
    assert done.stderr == run_to_end("check", path).stderr != ""


def test_a_daemon_runs_on_its_dump(tmp_path, tree, fleet):
    files.write_old(tree / "file.txt", b"file")
    path = tmp_path / "c.yaml"
    path.write_text(files.configuration(tree))
    path.write_text(dumped(path))
    assert fleet.start("run", "-c", path).get("/file.txt").body == b"file"


def test_the_schema_is_one(tree):
    jsonschema.Draft202012Validator.check_schema(schema())
    assert schema()["properties"]["limits"]["properties"]["ranges"]["default"] == 16
    assert schema()["required"] == ["listeners", "sites"]


def test_the_schema_takes_what_the_program_takes(tmp_path, tree):
    path = tmp_path / "c.yaml"
    path.write_text(files.configuration(tree))
    shipped = (files.REPOSITORY / "config" / "sluiced.yaml").read_text()
    for text in (path.read_text(), dumped(path), shipped, bad.GOOD):
        assert errors_of(text) == []


def test_the_schema_refuses_mistakes_in_words_and_types():
    for name in ("unknown key", "unknown section", "wrong type", "scalar for a section",
                 "text for a number", "no root", "text", "list"):
        assert errors_of(bad.BAD[name][0]), name
    for mistake in ("limits: {ranges: 65}", "timeouts: {header: 10}", "timeouts: {idle: never}",
                    "limits: {request_line: 8kilo}", "log: {level: loud}", "admin: {metrics: 1}"):
        assert errors_of(bad.GOOD.replace("admin: {listen: off}\n", mistake + "\n")), mistake
