"""test_arrays.py: the harness's tensors as arrays: gaps between rows, either order of steps and samples, strings of labels,
and models that outlive their plans. SKIPPED without numpy, which comes with the frameworks.

SPDX-License-Identifier: MIT
"""
import ctypes
import os
import sys
import unittest
import weakref

sys.dont_write_bytecode = True
if len(sys.argv) > 1:
    sys.path.insert(0, sys.argv.pop(1))
import abi  # noqa: E402: its folder is no package
try:
    import numpy as np
    import arrays
except ImportError:
    print("no numpy in %s" % sys.executable)
    sys.exit(77)


class Model:
    def __init__(self, p):
        self.batch_major = p.reserved == 1


def problem(**more):
    return abi.assay_problem(op=abi.ASSAY_OP_RNN, arithmetic=abi.ASSAY_FP32, t=3, n=2, i=2, h=4, layers=1, directions=1, **more)


class Arrays(unittest.TestCase):
    def setUp(self):
        arrays.IDLE.clear()

    def view(self, layout, batch_major, stride=0):
        p = problem(x_stride=stride, reserved=batch_major)
        p.dialect.layout = layout
        memory = (ctypes.c_float * (6 * (stride or 2)))(*range(6 * (stride or 2)))
        return memory, arrays.Plan(p, Model).view("x", ctypes.addressof(memory))

    def test_gaps_are_skipped_and_the_memory_is_shared(self):
        memory, x = self.view(abi.ASSAY_TIME_MAJOR, 0, stride=5)
        self.assertEqual(x.tolist(), [[[0, 1], [5, 6]], [[10, 11], [15, 16]], [[20, 21], [25, 26]]])
        x[...] = -1
        self.assertEqual([k for k, v in enumerate(memory) if v == -1], [0, 1, 5, 6, 10, 11, 15, 16, 20, 21, 25, 26])

    def test_a_model_has_its_own_order_whatever_the_layout(self):
        time_major = [[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[8, 9], [10, 11]]]
        batch_major = [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]]
        swapped = lambda value: np.swapaxes(np.array(value), 0, 1).tolist()
        for layout, own, expected in ((abi.ASSAY_TIME_MAJOR, 0, time_major), (abi.ASSAY_TIME_MAJOR, 1, swapped(time_major)),
                                      (abi.ASSAY_BATCH_MAJOR, 1, batch_major), (abi.ASSAY_BATCH_MAJOR, 0, swapped(batch_major))):
            memory, x = self.view(layout, own)
            self.assertEqual(x.tolist(), expected)

    def test_strings_of_labels_in_either_form(self):
        for form, given in ((abi.ASSAY_LABELS_CONCATENATED, [5, 6, 7]), (abi.ASSAY_LABELS_PADDED, [5, -9, 6, 7])):
            p = abi.assay_problem(op=abi.ASSAY_OP_CTC, arithmetic=abi.ASSAY_FP32, t=4, n=2, classes=9, max_label=2, labels=3)
            p.dialect.ctc_labels = form
            labels, counts = (ctypes.c_int32 * len(given))(*given), np.array([1, 2], np.int32)
            a = abi.assay_args(labels=ctypes.addressof(labels))
            self.assertEqual(arrays.Plan(p, Model).padded(a, counts).tolist(), [[5, 0], [6, 7]])

    def test_a_model_serves_one_plan_at_a_time_and_the_next(self):
        first, second = arrays.Plan(problem(), Model), arrays.Plan(problem(), Model)
        kept = first.model
        self.assertIsNot(kept, second.model)
        del first
        self.assertIs(arrays.Plan(problem(), Model).model, kept)
        other = problem()
        other.h = 5
        self.assertIsNot(arrays.Plan(other, Model).model, kept)

    def test_few_models_are_kept_and_the_others_are_gone_though_they_refer_to_themselves(self):
        alive = weakref.WeakSet()

        class Cyclic(Model):
            def __init__(self, p):
                super().__init__(p)
                self.me = self
                alive.add(self)

        for h in range(arrays.KEPT + 3):
            p = problem()
            p.h = h
            arrays.Plan(p, Cyclic)
        self.assertEqual(len(alive), arrays.KEPT)

    def test_parameters_are_in_canonical_order(self):
        p = problem()
        p.dialect.biases, p.dialect.peephole = abi.ASSAY_BIAS_TWO, 1
        self.assertEqual(dict(arrays.shapes(p)), {0: (16, 2), 1: (16, 4), 2: (16,), 3: (16,), 4: (12,)})


if __name__ == "__main__":
    unittest.main()
