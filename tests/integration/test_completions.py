"""What bash offers behind `sluiced`."""

import subprocess

import pytest

from harness import files
from harness.daemon import BINARY, LIMIT_S

COMPLETIONS = files.REPOSITORY / "daemon" / "completions" / "sluiced.bash"


def offered(*words, cwd=None):
    """What completes the last word."""
    script = (f'. "{COMPLETIONS}"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluiced; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", str(BINARY), *words], cwd=cwd, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=LIMIT_S)
    assert done.stderr == ""
    return done.stdout.split()


def test_verbs_are_completed():
    assert {"serve", "run", "reload", "check", "doctor"} <= set(offered(""))
    assert offered("re") == ["reload"]
    assert offered("st") == ["status"]
    assert offered("help", "ch") == ["check"]


@pytest.mark.parametrize("verb,options", [
    ("serve", {"--listen", "--admin", "--listing", "--user", "--allow-root"}),
    ("run", {"-c", "--config", "--control", "--user", "--allow-root"}),
    ("check", {"-c", "--config", "--dump"}), ("doctor", {"-c", "--config", "--user"}),
    ("status", {"--control", "--json"}),
    ("healthcheck", {"--url", "-c", "--config", "--ready"})])
def test_options_of_a_verb_are_completed(verb, options):
    assert set(offered(verb, "-")) == options | {"-h", "--help"}


def test_files_and_users_are_completed(tmp_path):
    (tmp_path / "site.yaml").touch()
    assert offered("check", "si", cwd=tmp_path) == ["site.yaml"]
    assert offered("run", "-c", "si", cwd=tmp_path) == ["site.yaml"]
    assert "nobody" in offered("doctor", "--user", "nob")
