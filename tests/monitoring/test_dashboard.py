"""Every metric that the rules and the dashboard ask for is on the page of the real program."""

import json

import promql
import pytest
import shipped


@pytest.fixture
def page(fleet, tree):
    (tree / "file").write_bytes(b"content")
    daemon = fleet.serve(tree)
    assert daemon.get("/file").status == 200
    return daemon.scrape()


def known(asked):
    return asked.metric in shipped.SYNTHETIC | shipped.recorded_names()


def faults(expressions, page):
    """Expressions without anything to show, and why."""
    found = []
    for place, expression in expressions:
        asked = promql.asked_in(expression)
        assert asked, f"{place} asks for nothing: {expression}"
        found += [f"{place}: {fault}" for each in asked if not known(each)
                  for fault in [promql.misses(each, page)] if fault]
    return found


def test_what_an_expression_asks_for_is_told():
    text = ('histogram_quantile(0.99, sum by (le, job) (rate(a_bucket{x="1", y=~"p|q"}[5m]))) '
            "/ on (job) group_left (b) (c > 1e-3) and absent(d offset 5m) or level:e:rate")
    assert promql.asked_in(text) == [("a_bucket", (("x", "=", "1"), ("y", "=~", "p|q"))),
                                     ("c", ()), ("d", ()), ("level:e:rate", ())]


def test_what_a_page_lacks_is_told(page):
    for expression in ("sluiced_connectoins", 'sluiced_connections{stat="idle"}',
                       'sluiced_connections{state="asleep"}',
                       'sluiced_connections{state=~"idle|asleep"}'):
        assert faults([("rigged", expression)], page), expression
    assert not faults([("rigged", 'sluiced_connections{state=~"idle|closing"}')], page)


def test_every_metric_of_the_rules_exists(page):
    rules = shipped.rules(shipped.ALERTS) + shipped.rules(shipped.RECORDING)
    expressions = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules]
    assert faults(expressions, page) == []


def test_every_metric_of_the_dashboard_exists(page):
    assert faults(shipped.dashboard_expressions(), page) == []


def test_the_dashboard_is_sound():
    dashboard = shipped.dashboard()
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    rows = [panel["title"] for panel in panels if panel["type"] == "row"]
    assert rows == ["Traffic", "Latency", "Queues", "Connections", "Cache", "Logs", "Process"]
    # Nothing lies over anything else.
    cells = [(x, y) for panel in panels for place in [panel["gridPos"]]
             for x in range(place["x"], place["x"] + place["w"])
             for y in range(place["y"], place["y"] + place["h"])]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    # It works with whatever the data source is called, and shows what is chosen above it.
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    assert variables == {"datasource", "job", "instance"}
    for panel in panels:
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == "${datasource}"
            assert '$job' in target["expr"] and '$instance' in target["expr"], panel["title"]
    assert "heatmap" in {panel["type"] for panel in panels}
    assert "id" not in dashboard, json.dumps(dashboard)[:200]
