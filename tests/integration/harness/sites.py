"""Configurations of one site, from the lines that a test is about."""

import textwrap


def configuration(site="", mounts="", *, extra=""):
    """A configuration with one site. `site` holds lines of it, `mounts` the items of its mounts."""
    text = ("admin: {listen: 127.0.0.1:0}\n"
            "listeners: [{name: web, address: 127.0.0.1:0}]\n"
            f"{extra}"
            "sites:\n  - name: _default\n")
    text += textwrap.indent(textwrap.dedent(site), "    ")
    if mounts:
        text += "    mounts:\n" + textwrap.indent(textwrap.dedent(mounts), "      ")
    return text
