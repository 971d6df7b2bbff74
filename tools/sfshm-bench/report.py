#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""report.py ROWS.json SAID DOCUMENT.md [OPTIONS]

Puts the table of a run of sfshm-bench into a document, between two marks, with
the date, the machine and the command. SAID is what the run wrote to standard
error: which cases were left out, and why.
"""
import datetime
import json
import os
import platform
import re
import sys

BEGIN = "<!-- sfshm-bench: begin -->\n"
END = "<!-- sfshm-bench: end -->\n"


def first(path, pattern, default):
    """Returns the text that the pattern's group finds in a file."""
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.M)
    except OSError:
        found = None
    return found.group(1) if found else default


def machine():
    cpu = first("/proc/cpuinfo", r"^model name\s*: (.*)", platform.machine())
    system = first("/etc/os-release", r'^PRETTY_NAME="(.*)"', "Linux")
    return (f"{os.cpu_count()} x {cpu.strip()}, Linux {platform.release()}, "
            f"{system}, {' '.join(platform.libc_ver())}")


def span(ns):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.1f} ns"


def verdict(row):
    if "target" not in row:
        return "", ""
    missed = row["ratio"] > row["target"]
    return f"{row['target']:g}", "no" if missed else "yes"


def table(rows):
    yield "| case | what | peer | ours | peer's | ratio | middle half |" \
          " all rounds | target | met |"
    yield "| --- | --- | --- | ---: | ---: | ---: | --- | --- | ---: | --- |"
    for row in rows:
        target, met = verdict(row)
        yield (f"| {row['case']} | {row['what']} | {row['peer']} "
               f"| {span(row['ours_ns'])} | {span(row['peer_ns'])} "
               f"| {row['ratio']:.3g} "
               f"| {row['ratio_lower']:.3g}-{row['ratio_upper']:.3g} "
               f"| {row['ratio_min']:.3g}-{row['ratio_max']:.3g} "
               f"| {target} | {met} |")


def floors(rows):
    """A case may have a second row, "-limit", which measures ours, too, but
    against the least work that ours needs. Yields the ratio that each such case
    would have if ours took as long as that work."""
    ratios = {row["case"]: row["ratio"] for row in rows}
    belongs = {name: name[:-len("-limit")] for name in ratios
               if name.endswith("-limit")}
    # LMDB's keys are those of hit-random.
    pairs = [*belongs.items(), ("hit-random-limit", "hit-lmdb")]
    found = [f"{other} {ratios[other] / ratios[name]:.2g}"
             for name, other in pairs if name in ratios and other in ratios]
    if found:
        yield "If sfshm took only the time of the peer in the matching row " \
              "\"-limit\", the rows would have these ratios: " \
              f"{', '.join(found)}."


def left_out(said):
    for name, why in re.findall(r"^sfshm-bench: (.*): skipped: (.*)", said,
                                re.M):
        yield f"Left out: {name}: {why}."


def main(rows, said, document, options=""):
    with open(rows, encoding="utf-8") as file:
        rows = json.load(file)
    with open(said, encoding="utf-8") as file:
        said = file.read()
    with open(document, encoding="utf-8") as file:
        text = file.read()
    before, _, rest = text.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark or not rows:
        sys.exit(f"report.py: no rows, or no marks 'sfshm-bench' in {document}")
    load = os.getloadavg()[2]
    command = f"tools/bench {options}".strip()
    lines = [f"{datetime.date.today()}, {machine()}; `{command}`; the load of "
             f"the last quarter of an hour was {load:.1f}.", ""]
    lines += table(rows)
    for note in (*floors(rows), *left_out(said)):
        lines += ["", note]
    with open(document, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n".join(lines) + "\n" + END + after)
    print("\n".join(lines))


main(*sys.argv[1:])
