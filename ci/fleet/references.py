"""references.py: what a baseline says of a row, and what records say, as numbers under one name; needs no ReFrame.
SPDX-License-Identifier: MIT
"""
import glob
import json
import math
import os

CHANGE_SHARE = 0.03  # below it a change counts as none: perf/compare.h
SCHEMA = "assay.records/1"


def name_of(record):
    return "/".join(record[key] for key in ("workload", "implementation", "arithmetic", "phase"))


def records_of(path):
    """The records of one file. ValueError, one line: it holds something else."""
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ValueError(f'{path}: is no list of records: expected "schema": "{SCHEMA}"')
    return document["records"]


def measured(path):
    """Median milliseconds by row of a run's records."""
    return {name_of(record): record["time"]["median_ms"] for record in records_of(path)}


def reference_of(record):
    """(median, no lower bound, relative upper bound, unit). A row is slower when it lies beyond the baseline's own
    interval and the share below which a change counts as none; faster is no failure."""
    time = record["time"]
    median, high = time["median_ms"], time["high_ms"]
    if not all(isinstance(x, (int, float)) and math.isfinite(x) and x > 0 for x in (median, high)):
        raise ValueError(f"{name_of(record)}: median_ms {median}, high_ms {high}: expected times")
    return (median, None, max(high, median) / median * (1 + CHANGE_SHARE) - 1, "ms")


def references(folder, device):
    """References by row of a device: <folder>/<device>/*.json. None there is no error: no baseline was published."""
    found = {}
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), glob.escape(device), "*.json"))):
        for record in records_of(path):
            found[name_of(record)] = reference_of(record)
    return found
