"""The fixtures of the integration tests, which run the real program, for the tests here."""

import importlib.util
import pathlib
import sys

_INTEGRATION = pathlib.Path(__file__).resolve().parents[1] / "integration"
sys.path.insert(0, str(_INTEGRATION))

_spec = importlib.util.spec_from_file_location("integration_fixtures", _INTEGRATION / "conftest.py")
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
fleet = _fixtures.fleet
module_fleet = _fixtures.module_fleet
tree = _fixtures.tree
module_tree = _fixtures.module_tree

