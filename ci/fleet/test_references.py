"""test_references.py: what becomes of a baseline in ReFrame's words, and which files are refused.
SPDX-License-Identifier: MIT
"""
import json
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import references  # noqa: E402


def row(phase, median, high):
    return {"workload": "b1.lstm-ce-short", "implementation": "cpu", "arithmetic": "fp32", "phase": phase,
            "time": {"median_ms": median, "high_ms": high}}


class References(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.device = os.path.join(self.folder.name, "a-device")
        os.mkdir(self.device)

    def tearDown(self):
        self.folder.cleanup()

    def put(self, name, text):
        path = os.path.join(self.device, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def put_records(self, name, rows):
        return self.put(name, json.dumps({"schema": "assay.records/1", "records": rows, "left_out": []}))

    def test_every_row_of_a_device_is_a_reference(self):
        self.put_records("b1.lstm-ce-short.cpu.fp32.json", [row("step", 40.0, 41.0), row("infer", 10.0, 10.0)])
        found = references.references(self.folder.name, "a-device")
        self.assertEqual(sorted(found), ["b1.lstm-ce-short/cpu/fp32/infer", "b1.lstm-ce-short/cpu/fp32/step"])

    def test_slower_lies_beyond_the_interval_and_three_hundredths(self):
        median, low, high, unit = references.reference_of(row("step", 40.0, 41.0))
        self.assertEqual((median, low, unit), (40.0, None, "ms"))
        self.assertAlmostEqual(40.0 * (1 + high), 41.0 * 1.03)

    def test_another_device_has_none(self):
        self.put_records("b1.lstm-ce-short.cpu.fp32.json", [row("step", 40.0, 41.0)])
        self.assertEqual(references.references(self.folder.name, "another"), {})
        self.assertEqual(references.references(self.folder.name, "*"), {})

    def test_medians_go_by_the_same_names(self):
        path = self.put_records("records.json", [row("step", 42.0, 43.0)])
        self.assertEqual(references.measured(path), {"b1.lstm-ce-short/cpu/fp32/step": 42.0})

    def test_what_holds_no_records_is_refused_by_name(self):
        for text in ("{", "[]", '{"schema": "assay.check/1", "records": []}'):
            path = self.put("broken.json", text)
            with self.assertRaises(ValueError) as refused:
                references.references(self.folder.name, "a-device")
            self.assertIn(path, str(refused.exception))
            self.assertNotIn("\n", str(refused.exception))

    def test_a_baseline_without_a_time_is_refused(self):
        for median, high in ((None, 41.0), (0.0, 41.0), (40.0, None)):
            with self.assertRaises(ValueError):
                references.reference_of(row("step", median, high))


if __name__ == "__main__":
    unittest.main()
