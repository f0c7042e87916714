"""site.py: ReFrame's view of the two partitions of ci/fleet-demo.sh; a site of its own writes one like it.
SPDX-License-Identifier: MIT
"""
import os


def partition(name):
    return {
        "name": name,
        "scheduler": "squeue",  # asks squeue for states: no accounting is needed
        "launcher": "local",
        "access": [f"--partition={name}"],
        "environs": ["builtin"],
        # Both partitions are one machine here: one job at a time, or they would disturb each other.
        "max_jobs": 1,
        # Libraries of the unpacked Slurm are nothing that assay should load.
        "prepare_cmds": ["unset LD_LIBRARY_PATH"],
        "extras": {"device": os.environ.get("ASSAY_FLEET_DEVICE", "")},
    }


site_configuration = {
    "systems": [{
        "name": "fleet",
        "descr": "slurmd twice on loopback",
        "hostnames": [".*"],
        "modules_system": "nomod",
        "partitions": [partition("one"), partition("two")],
    }],
}
