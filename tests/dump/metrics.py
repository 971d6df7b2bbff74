# SPDX-License-Identifier: MIT
"""Reads metrics as Prometheus does, and refuses what breaks the format.

metrics.py FILE EXPRESSION: prints the Python expression's value. m maps (name,
labels) to a value, the labels as a sorted tuple of pairs; v(name, **labels) is
one value.
"""
import re
import sys

SAMPLE = re.compile(r'(\w+)\{((?:\w+="(?:[^"\\\n]|\\[\\"n])*",?)+)\} (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def unescape(text):
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], text)


def read(lines, openmetrics):
    metrics, types, seen, family = {}, {}, set(), None
    for line in lines:
        if line == "# EOF":
            assert openmetrics and line is lines[-1], "EOF"
            continue
        match = re.match(r"# (HELP|TYPE) (\w+) (.+)$", line)
        if match:
            if match[1] == "HELP":
                family = match[2]
                assert family not in seen, "a family in two places: " + line
                seen.add(family)
            else:
                assert match[2] == family, "TYPE without HELP: " + line
                types[family] = match[3]
            continue
        match = SAMPLE.match(line)
        assert match, "not a sample: " + line
        name = match[1]
        kind = types.get(family)
        endings = {"gauge": [""], "histogram": ["_bucket", "_sum", "_count"],
                   "counter": ["_total"] if openmetrics else [""]}[kind]
        assert name in [family + ending for ending in endings], line
        if kind == "counter":
            assert name.endswith("_total"), line
        labels = tuple(sorted((k, unescape(t))
                              for k, t in LABEL.findall(match[2])))
        assert (name, labels) not in metrics, "twice: " + line
        metrics[name, labels] = float(match[3])
    assert not openmetrics or lines[-1] == "# EOF", "no EOF"
    for name, kind in types.items():
        if kind == "histogram":
            check_histogram(metrics, name)
    return metrics


def check_histogram(metrics, name):
    """The counts grow with the bound, and the last is that of all."""
    rows = {}
    for (sample, labels), value in metrics.items():
        if sample == name + "_bucket":
            labels = dict(labels)
            bound = float(labels.pop("le"))
            rows.setdefault(tuple(labels.items()), []).append((bound, value))
    for labels, row in rows.items():
        assert row == sorted(row), name
        counts = [count for _, count in row]
        assert counts == sorted(counts), name
        assert row[-1][0] == float("inf"), name
        assert row[-1][1] == metrics[name + "_count", labels], name
        assert (name + "_sum", labels) in metrics, name


with open(sys.argv[1], encoding="utf-8", newline="\n") as file:
    text = file.read()
assert text.endswith("\n") and "\r" not in text
m = read(text.split("\n")[:-1], "\n# EOF\n" in text)


def v(name, **labels):
    return m.get((name, tuple(sorted(labels.items()))))


print(eval("(" + sys.argv[2] + ")"))
