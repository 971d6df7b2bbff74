# SPDX-License-Identifier: MIT
"""The report as a WSGI application: one worker makes it, the others wait."""

import collections
import csv
import os
import time
from urllib.parse import parse_qs

import sfshm

cache = sfshm.Cache(os.environ["SEGMENT"], ttl=600)  # in every worker


def application(environ, start_response):
    region = parse_qs(environ["QUERY_STRING"])["key"][0]
    body = cache.get_or_create(region, lambda: make_report(region))
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def make_report(region):
    """The three customers who spent most there."""
    log(f"making the report on {region}")
    spent = collections.Counter()
    with open(os.environ["SALES"], newline="") as sales:
        for _, where, _, customer, cents in csv.reader(sales):
            if where == region:
                spent[customer] += int(cents)
    best = sorted(spent.items(), key=lambda item: (-item[1], item[0]))[:3]
    return "".join(f"{who} {cents / 100:.2f}\n" for who, cents in best).encode()


def log(text):
    with open(os.environ["LOG"], "a") as file:
        file.write(f"{time.time():.6f} [{os.getpid()}] {text}\n")


log("started")
