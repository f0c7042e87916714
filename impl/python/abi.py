"""abi.py: the plugin ABI as ctypes, read from the very headers that define it, so that there is no second copy to keep.

SPDX-License-Identifier: MIT

Every enumerator, number and struct of problem.h, impl.h and worker.h becomes a name of this module: ASSAY_LSTM,
ASSAY_MAX_LAYERS, assay_problem. Pointers are integers (None for NULL); functions are in FUNCTIONS by struct and member.
"""
import ctypes
import os
import re

BASE = {"int32_t": ctypes.c_int32, "uint32_t": ctypes.c_uint32, "int64_t": ctypes.c_int64,
        "uint64_t": ctypes.c_uint64, "double": ctypes.c_double, "float": ctypes.c_float}
FUNCTIONS = {}


class Unsupported(Exception):
    """Raised by a module for a problem that it does not offer; its text is the reason."""


def _number(text):
    return int(eval(re.sub(r"\b(\d+)u\b", r"\1", text), {"__builtins__": {}}, globals()))  # sums of our own names


def _enumerators(body):
    value = -1
    for item in filter(str.strip, body.split(",")):
        name, _, given = item.partition("=")
        value = _number(given) if given else value + 1
        globals()[name.strip()] = value


def _argument(text):
    kind = text.replace("const ", "").split()[0]
    return ctypes.c_void_p if "*" in text or kind == "assay_stream" else BASE.get(kind, ctypes.c_int)


def _function(returned, arguments):
    result = ctypes.c_void_p if "*" in returned else {"void": None}.get(returned.strip(), ctypes.c_int)
    if returned.strip() in BASE:
        result = BASE[returned.strip()]
    each = [] if arguments.strip() == "void" else [_argument(a) for a in arguments.split(",")]
    return ctypes.CFUNCTYPE(result, *each)


def _fields(struct, body):
    for line in filter(str.strip, body.split(";")):
        called = re.match(r"\s*(.*?)\(\*(\w+)\)\s*\((.*)\)\s*$", line, re.S)
        if called:
            FUNCTIONS[struct, called[2]] = _function(called[1], called[3])
            yield called[2], ctypes.c_void_p
            continue
        kind, names = re.match(r"\s*(?:const\s+)?(\w+)\s+(.*)$", line, re.S).groups()
        for name in names.split(","):
            pointer, name, count = re.match(r"\s*(\*?)\s*(\w+)(?:\[(\w+)\])?\s*$", name).groups()
            element = ctypes.c_void_p if pointer else BASE[kind]
            yield name, element * _number(count) if count else element


def _struct(name, body):
    made = type(name, (ctypes.Structure,), {"_fields_": list(_fields(name, body))})
    BASE[name] = globals()[name] = made


def _read(name):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), encoding="utf-8") as header:
        text = re.sub(r"/\*.*?\*/", " ", header.read(), flags=re.S)
    pattern = r'#define (ASSAY_\w+)[ ]+([\w ()+*"./-]+)$|\benum\s*\w*\s*\{([^}]*)\}|\bstruct (\w+) \{([^}]*)\}'
    for constant, value, enum, struct, body in re.findall(pattern, text, re.M):
        if struct:
            _struct(struct, body)
        elif enum:
            _enumerators(enum)
        elif value.startswith('"'):
            globals()[constant] = value.strip('"').encode()
        elif not value.startswith("__"):
            globals()[constant] = _number(value)


for _header in ("problem.h", "impl.h", "worker.h"):
    _read(_header)


def array(pointer, count, element):
    """The harness's memory as a ctypes array that shares it; None where the pointer is NULL or nothing is there."""
    return (element * count).from_address(pointer) if pointer and count else None


def real(problem):
    """The element type of a problem's real tensors."""
    return ctypes.c_double if problem.arithmetic == globals()["ASSAY_FP64"] else ctypes.c_float


def arithmetic(problem, activation_ulp, deterministic):
    """Declares the very format that was asked for, throughout."""
    own = problem.arithmetic
    return globals()["assay_arithmetic"](own, own, own, deterministic, activation_ulp)


def layer_input(problem, layer):
    return problem.i if layer == 0 else output_width(problem)


def state_width(problem):
    return problem.proj or problem.h


def output_width(problem):
    both = problem.directions if problem.dialect.merge == globals()["ASSAY_MERGE_CONCAT"] else 1
    return both * state_width(problem)
