"""assay_node.py: a ReFrame test: each partition's node checks and times; medians against what perf/baselines has of its device.
SPDX-License-Identifier: MIT

    reframe -C SITE.py -c ci/fleet/assay_node.py -r --performance-report -S assay=build/release/bin/assay

A partition names its device by 'extras': {'device': 'nvidia-h200-sm90'}, a folder of the baselines (docs/fleet.md).
"""
import os
import sys

import reframe as rfm
import reframe.utility.sanity as sn
from reframe.core.builtins import performance_function, run_before, sanity_function, variable

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import references  # noqa: E402  (beside this file, which ReFrame loads by its path)

ROOT = os.path.dirname(os.path.dirname(HERE))


@rfm.simple_test
class AssayNode(rfm.RunOnlyRegressionTest):
    descr = "conformance, then times, of one node"
    valid_systems = ["*"]
    valid_prog_environs = ["*"]
    sourcesdir = None
    assay = variable(str, value=os.path.join(ROOT, "build", "release", "bin", "assay"))
    check = variable(str, value="--quick")
    bench = variable(str, value="")
    baselines = variable(str, value=os.path.join(ROOT, "perf", "baselines"))
    executable = os.path.join(HERE, "job.sh")
    keep_files = ["result"]
    num_tasks = 1
    num_tasks_per_node = 1
    exclusive_access = True
    time_limit = "2h"

    @run_before("run")
    def name_the_work(self):
        quoted = [f"'{text}'" for text in (os.path.abspath(self.assay), self.check, self.bench)]
        self.executable_opts = ["--out", "result", "--assay", quoted[0], "--check", quoted[1], "--bench", quoted[2]]

    @sanity_function
    def both_ended_well(self):
        return sn.all([sn.assert_found(r"^node \S+: check ended with 0$", self.stdout, "the check did not hold"),
                       sn.assert_found(r"^node \S+: bench ended with 0$", self.stdout, "the timing did not hold")])

    @run_before("performance")
    def take_references(self):
        device = self.current_partition.extras.get("device", "")
        found = references.references(self.baselines, device) if device else {}
        times = references.measured(os.path.join(self.stagedir, "result", "records.json"))
        here = self.current_partition.fullname
        self.perf_variables = {name: sn.make_performance_function(sn.defer(ms), "ms") for name, ms in times.items()}
        self.reference = {here: {name: found[name] for name in times if name in found}}
