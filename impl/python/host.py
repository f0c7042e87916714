"""host.py: serves a module in Python as an implementation: python3 host.py SOCKET MODULE, started by a session.

SPDX-License-Identifier: MIT

It does what assay-worker does for a shared object, through the same library, libassay_worker.so. A module has
  NAME, VERSION      as in assay_impl; VERSION may be a function, which is called again after open
  LOSS_BY, UPDATE_BY as in assay_made_of; "own" where they are missing
  INFER_ONLY, FULL_ROWS   optional, of ASSAY_EXT_INFER_ONLY and ASSAY_EXT_FULL_ROWS: the reason
  open(threads)      optional
  supports(problem)  an assay_arithmetic; or raises abi.Unsupported(why)
  plan(problem)      an object with sizes (packed, grads, workspace, reserve: bytes), pack(args), run(what, args) and
                     unpack(args), which return nothing
  PLACE, on(stream)  optional, where its tensors lie in a device's memory: abi.ASSAY_CUDA, as in assay_impl; and a context
                     in which every call of a plan runs
problem and args are the structs of problem.h and impl.h (abi.py). An exception becomes a status, its text one line on
stderr, which the session shows with the verdict.
"""
import contextlib
import ctypes
import importlib.util
import os
import sys
import warnings

import abi

HERE = os.path.dirname(os.path.abspath(__file__))
LIBC = ctypes.CDLL(None, use_errno=True)
STATUS = {abi.Unsupported: abi.ASSAY_UNSUPPORTED, MemoryError: abi.ASSAY_NO_MEMORY}


def one_line(error):
    text = str(error).strip().splitlines()
    return "%s: %s" % (type(error).__name__, text[0] if text else "no reason given")


def load(path):
    spec = importlib.util.spec_from_file_location("hosted", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def map_sources():
    """Maps the file of every module, so that the parent finds them beside the libraries and a certificate covers them."""
    LIBC.mmap.restype = ctypes.c_void_p
    LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    read_only, private = 1, 2
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        if not isinstance(name, str) or not name.endswith(".py"):
            continue
        try:
            with open(name, "rb") as source:
                size = os.fstat(source.fileno()).st_size
                if size:
                    LIBC.mmap(None, size, read_only, private, source.fileno(), 0)
        except (FileNotFoundError, NotADirectoryError):
            pass  # out of an archive or built in: there is no such file


class Table:
    """An assay_impl whose functions call the module. Everything that C holds a pointer to is kept here."""

    def __init__(self, module):
        self.module, self.plans, self.kept, self.next = module, {}, [], 1
        self.impl = abi.assay_impl(struct_size=ctypes.sizeof(abi.assay_impl), abi_version=abi.ASSAY_ABI_VERSION,
                                   name=self.text(module.NAME), version=self.text(self.version()),
                                   place=getattr(module, "PLACE", abi.ASSAY_HOST))
        self.on = getattr(module, "on", lambda stream: contextlib.nullcontext())
        self.made_of = abi.assay_made_of(self.text(getattr(module, "LOSS_BY", "own")),
                                         self.text(getattr(module, "UPDATE_BY", "own")))
        self.waives = abi.assay_waives(allocations=1)  # whatever it computes, an interpreter allocates
        self.reasons = {getattr(abi, "ASSAY_EXT_" + name): self.text(getattr(module, name))
                        for name in ("INFER_ONLY", "FULL_ROWS") if hasattr(module, name)}
        for name in ("open", "supports", "plan", "pack", "run", "unpack"):
            self.put(name, self.guarded(getattr(self, name)))
        self.put("close", lambda context: None)
        self.put("plan_free", lambda plan: self.plans.pop(plan, None) and None)
        self.put("extension", self.extension)

    def version(self):
        return self.module.VERSION() if callable(self.module.VERSION) else self.module.VERSION

    def put(self, name, function):
        made = abi.FUNCTIONS["assay_impl", name](function)
        self.kept.append(made)
        setattr(self.impl, name, ctypes.cast(made, ctypes.c_void_p).value)

    def text(self, value):
        """The address of a C string that stays."""
        buffer = ctypes.create_string_buffer(value.encode())
        self.kept.append(buffer)
        return ctypes.addressof(buffer)

    def guarded(self, function):
        """No exception passes into C: it becomes a status and a line."""
        def call(*arguments):
            try:
                function(*arguments)
                return abi.ASSAY_OK
            except abi.Unsupported as reason:
                if function == self.supports:
                    ctypes.c_void_p.from_address(arguments[3]).value = self.text(str(reason))
                else:
                    print(one_line(reason), file=sys.stderr, flush=True)
                return abi.ASSAY_UNSUPPORTED
            except Exception as error:  # whatever a framework raises
                print(one_line(error), file=sys.stderr, flush=True)
                return STATUS.get(type(error), abi.ASSAY_FAILED)
        return call

    def open(self, arguments, out):
        given = abi.assay_open_args.from_address(arguments)
        if hasattr(self.module, "open"):
            self.module.open(given.threads)
            self.impl.version = self.text(self.version())
        ctypes.c_void_p.from_address(out).value = None

    def supports(self, context, problem, declared, why):
        made = self.module.supports(abi.assay_problem.from_address(problem))
        ctypes.memmove(declared, ctypes.addressof(made), ctypes.sizeof(made))

    def plan(self, context, problem, out, sizes):
        copy = abi.assay_problem.from_buffer_copy(abi.assay_problem.from_address(problem))
        made = self.module.plan(copy)
        self.plans[self.next] = made
        ctypes.c_void_p.from_address(out).value = self.next
        wanted = abi.assay_sizes.from_address(sizes)
        wanted.packed, wanted.grads, wanted.workspace, wanted.reserve = made.sizes
        self.next += 1

    def pack(self, plan, arguments, stream):
        with self.on(stream):
            self.plans[plan].pack(abi.assay_args.from_address(arguments))

    def run(self, plan, what, arguments, stream):
        with self.on(stream):
            self.plans[plan].run(what, abi.assay_args.from_address(arguments))

    def unpack(self, plan, arguments, stream):
        with self.on(stream):
            self.plans[plan].unpack(abi.assay_args.from_address(arguments))

    def extension(self, name):
        known = {abi.ASSAY_EXT_MADE_OF: self.made_of, abi.ASSAY_EXT_WAIVES: self.waives}
        name = ctypes.string_at(name)
        return ctypes.addressof(known[name]) if name in known else self.reasons.get(name)


def serve(socket, path):
    worker = ctypes.CDLL(os.path.join(HERE, "..", "worker", "libassay_worker.so"))
    options = abi.assay_worker_options(struct_size=ctypes.sizeof(abi.assay_worker_options), sandbox=1)
    warnings.simplefilter("ignore")  # an implementation prints nothing
    worker.assay_worker_settle()
    worker.assay_worker_begin(socket, ctypes.byref(options))
    try:
        table = Table(load(path))
        map_sources()
    except ImportError as missing:  # not there, or there and broken: this machine can't run it
        why = "no module %s" % missing.name if isinstance(missing, ModuleNotFoundError) else one_line(missing)
        why = "python: %s in %s" % (why, sys.executable)
        return worker.assay_worker_refuse(socket, abi.ASSAY_NO_DEVICE, why.encode())
    except (Exception, SystemExit) as error:  # whatever the module's first lines do
        return worker.assay_worker_refuse(socket, abi.ASSAY_BAD_ARGUMENT, one_line(error).encode())
    if not worker.assay_worker_drop_root():  # after the imports: an interpreter's files may be root's alone
        options.sandbox = 0  # said in the record: it could do anything that root can
    return worker.assay_worker_serve(socket, ctypes.byref(table.impl), ctypes.byref(options))


if __name__ == "__main__":
    if len(sys.argv) != 3 or not sys.argv[1].isdigit():
        print("usage: host.py SOCKET MODULE: started by assay, with an open descriptor", file=sys.stderr)
        sys.exit(2)
    os._exit(serve(int(sys.argv[1]), sys.argv[2]) != 0)  # a framework's exit handlers have no say in how it ends
