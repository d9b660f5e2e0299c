"""Usage: compare.py [--servers NAME,...] [--tables NAME,...] [--report FILE]

Sends every row of the tables to every server and judges the answers. Prints each row in which
sluiced does not do what is preferred; the exit status is 1 if it fails in one. SLUICED_BINARY names
the program.
"""

import argparse
import concurrent.futures
import datetime
import email.utils
import shutil
import sys
import tempfile
from pathlib import Path

import client
import report
import rows
import servers
import table_conditions
import table_framing
import table_paths
import table_ranges
import tree

TABLES = {"ranges": table_ranges, "conditions": table_conditions, "paths": table_paths,
          "framing": table_framing}
# Nobody is judged by how fast it answers, only by whether it does.
SILENCE_S = {"sluiced": 60.0}
PEER_SILENCE_S = 10.0
AT_ONCE = 8


def validators_of(port):
    """What stands for {TAG} and the like: what the server says of the file."""
    answer, = client.exchange(port, rows.request(table_conditions.TARGET)).answers
    tag, date = answer.field("etag"), answer.field("last-modified")
    assert answer.status == 200 and tag and date, f"no validators: {answer.fields}"
    moment = email.utils.parsedate_to_datetime(date)

    def shifted(seconds):
        moved = moment + datetime.timedelta(seconds=seconds)
        return email.utils.format_datetime(moved, usegmt=True)

    return {"TAG": tag, "OPAQUE": tag.removeprefix("W/"), "DATE": date, "EARLIER": shifted(-1),
            "LATER": shifted(1), "LONG_AGO": table_conditions.LONG_AGO,
            "RFC850": moment.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
            "ASCTIME": moment.strftime("%a %b ") + f"{moment.day:2} " + moment.strftime("%T %Y")}


def fill_in(data, values):
    for name, value in values.items():
        data = data.replace(b"{" + name.encode() + b"}", value.encode("latin-1"))
    return data


def judge_table(table, server):
    """(row, verdict, answer) of every row."""
    values = validators_of(server.port) if table is table_conditions else {}
    silence_s = SILENCE_S.get(server.name, PEER_SILENCE_S)

    def judge(row):
        exchange = client.exchange(server.port, fill_in(row.data, values), row.methods, silence_s)
        return (row, *row.judge(exchange))

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(judge, table.rows()))


def judge_servers(names, tables):
    """{table: {server: results}}, and the versions of the servers."""
    top = Path(tempfile.mkdtemp(prefix="sluiced-peers-"))
    top.chmod(0o755)  # Apache serves as another user.
    results = {title: {} for title in tables}
    versions = {}
    try:
        root = tree.make(top)
        for name in names:
            server = servers.start(name, root, top / f"scratch-{name}")
            try:
                versions[server.name] = server.version
                for title, table in tables.items():
                    results[title][server.name] = judge_table(table, server)
            finally:
                server.stop()
            print(f"{server.name} {server.version} is done", file=sys.stderr)
    finally:
        shutil.rmtree(top)
    return results, versions


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--servers", default="sluiced")
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    tables = {name: TABLES[name] for name in options.tables.split(",")}
    results, versions = judge_servers(options.servers.split(","), tables)
    failures = 0
    for title, by_server in results.items():
        for name, judged in by_server.items():
            counts = report.count(judged)
            print(f"{title}, {name}: {counts[rows.PREFERRED]} preferred, "
                  f"{counts[rows.ACCEPTABLE]} acceptable, {counts[rows.FAILED]} failed")
        for row, verdict, shown in by_server.get("sluiced", []):
            if verdict != rows.PREFERRED:
                print(f"  {verdict}: {row.name} ({row.section})\n"
                      f"    preferred {row.wanted}, got {shown}")
            failures += verdict == rows.FAILED
    if options.report:
        options.report.write_text(report.render(
            {TABLES[title]: by_server for title, by_server in results.items()}, versions))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
