"""test_pools.py: which libraries have pools of their own, and that the fastest setting of all of them is the one that stays.

SPDX-License-Identifier: MIT
"""
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import pools  # noqa: E402: its folder is no package

MAPS = """7f00-7f01 r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblasp-r0.3.21.so
7f01-7f02 r--p 0 08:01 1 /usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblasp-r0.3.21.so
7f02-7f03 r-xp 0 08:01 1 /x/site-packages/numpy.libs/libscipy_openblas64_-1.so
7f03-7f04 r-xp 0 08:01 1 /usr/lib/libblis.so.4
7f04-7f05 rw-p 0 00:00 0 [heap]"""


class Pools(unittest.TestCase):
    def test_libraries_of_other_packages_do_not_count(self):
        self.assertEqual(pools.libraries(MAPS), [
            ("BLIS", "/usr/lib/libblis.so.4"),
            ("OpenBLAS", "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblasp-r0.3.21.so")])
        self.assertEqual(pools.libraries("7f04-7f05 rw-p 0 00:00 0 [heap]"), [])

    def search(self, seconds, threads=4, names=("own", "BLAS")):
        now = {}
        each = [(name, lambda number, name=name: now.__setitem__(name, number)) for name in names]
        return pools.best(each, threads, lambda: seconds(now)), now

    def test_the_fastest_of_all_settings_stays(self):
        text, now = self.search(lambda now: 1.0 if (now["own"], now["BLAS"]) == (1, 4) else 2.0)
        self.assertEqual(now, {"own": 1, "BLAS": 4})
        self.assertEqual(text, "threads: own 1, BLAS 4 (fastest of 4 settings)")

    def test_one_slow_call_does_not_decide(self):
        calls = []

        def seconds(now):
            calls.append(dict(now))
            return 9.0 if len(calls) % 3 else now["own"]
        self.assertEqual(self.search(seconds)[1]["own"], 1)

    def test_one_pool_is_not_searched(self):
        text, now = self.search(lambda now: self.fail("asked"), names=("own",))
        self.assertEqual((text, now), ("threads: own 4 (one pool)", {"own": 4}))

    def test_one_thread_has_one_setting(self):
        text, now = self.search(lambda now: 1.0, threads=1)
        self.assertEqual(now, {"own": 1, "BLAS": 1})
        self.assertEqual(text, "threads: own 1, BLAS 1 (one setting)")


if __name__ == "__main__":
    unittest.main()
