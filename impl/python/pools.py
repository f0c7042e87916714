"""pools.py: the thread pools of a framework: its own and those of its BLAS library, set to what serves it best.

SPDX-License-Identifier: MIT

A framework that is built with OpenBLAS or BLIS has two pools, its own and the library's, and on few cores the default, both
with a thread a core, can be several times slower than the best setting. One with MKL or OpenMP throughout has one pool.
"""
import ctypes
import itertools
import os
import re
import time

SETTERS = {"OpenBLAS": ("openblas_set_num_threads", "openblas_set_num_threads64_"),
           "BLIS": ("bli_thread_set_num_threads",), "MKL": ("MKL_Set_Num_Threads",)}
PATTERNS = {"OpenBLAS": r"lib\w*openblas", "BLIS": r"libblis", "MKL": r"libmkl_rt"}
OTHERS = re.compile(r"/(numpy|scipy)(\.libs)?/")  # libraries that other packages brought for themselves


def libraries(maps):
    """(name, path) of each BLAS library with threads of its own in the text of /proc/self/maps, each once."""
    found = {}
    for line in maps.splitlines():
        path = line.partition("/")
        path = path[1] + path[2]
        for name, pattern in PATTERNS.items():
            if re.match(pattern, os.path.basename(path)) and not OTHERS.search(path):
                found.setdefault(name, path)
    return sorted(found.items())


def of_blas():
    """(name, function that sets the number of threads) of the BLAS libraries in this process."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        for name, path in libraries(maps.read()):
            library = ctypes.CDLL(path)
            setter = next((getattr(library, s) for s in SETTERS[name] if hasattr(library, s)), None)
            if setter is not None:
                yield name, setter


def best(pools, threads, seconds):
    """Sets every pool to 1 or `threads`, whichever together take the fewest seconds(); says which.

    pools: (name, setter), the framework's own first. seconds() is asked three times a setting, the least counts.
    """
    took = {}
    for setting in itertools.product(sorted({1, threads}), repeat=len(pools)) if len(pools) > 1 else [(threads,)]:
        for (_, setter), number in zip(pools, setting):
            setter(number)
        took[setting] = min(seconds() for _ in range(3)) if len(pools) > 1 else 0
    chosen = min(took, key=took.get)
    for (_, setter), number in zip(pools, chosen):
        setter(number)
    text = ", ".join("%s %d" % (name, number) for (name, _), number in zip(pools, chosen))
    how = "fastest of %d settings" % len(took) if len(took) > 1 else "one setting" if len(pools) > 1 else "one pool"
    return "threads: %s (%s)" % (text, how)


def timed(run):
    """A function for best(): the seconds that run() takes, once it has run."""
    run()

    def seconds():
        start = time.perf_counter()
        run()
        return time.perf_counter() - start
    return seconds
