"""arrays.py: plans for frameworks whose arrays are values: the harness's tensors as views of numpy, the passes of the ABI
as calls of a model's functions.

SPDX-License-Identifier: MIT

A model is made of a problem and has
  batch_major                       whether its arrays begin with (N, T) or with (T, N)
  load(values)                      weights of the framework out of {index: array}; moments of the optimizer likewise
  store(index, value)               the way back, for those and for gradients
  infer(weights, given)             {"y", "hn", "cn", "logits"}, or for a loss alone {"rows", "total"}: those that exist
  train(weights, given)             the same, and whatever backward() needs
  backward(kept, cotangents, wanted)    gradients by index, and of those of "x", "h0", "c0" that are wanted; a cotangent
                                    that is missing is 0
  loss(logits, given)               network: {"rows", "total"}, and the gradient of total with respect to the logits
  update(weights, moments, grads, step)      network: weights and moments after it; moments is (m, v), empty for SGD
  step(weights, moments, given, step, wanted)    network: outputs, gradients, weights, moments: a user's training step
given holds arrays of numpy, {"x" or "ids", "lens", "h0", "c0", "labels", "label_lens", "class_weights"}:
views of memory that others write as soon as the call is over. "lens" is missing where every row is full. What a model
returns is whatever numpy.asarray() takes.
"""
import collections
import ctypes
import gc

import numpy as np

import abi

BIASES = {abi.ASSAY_BIAS_NONE: (), abi.ASSAY_BIAS_ONE_INPUT: (abi.ASSAY_B_IH,),
          abi.ASSAY_BIAS_ONE_RECURRENT: (abi.ASSAY_B_HH,), abi.ASSAY_BIAS_TWO: (abi.ASSAY_B_IH, abi.ASSAY_B_HH)}
GATES = {abi.ASSAY_LSTM: 4, abi.ASSAY_GRU: 3, abi.ASSAY_RNN_TANH: 1, abi.ASSAY_RNN_RELU: 1}
LOSSES = (abi.ASSAY_OP_XENT, abi.ASSAY_OP_CTC)


def is_stack(p):
    return p.op in (abi.ASSAY_OP_RNN, abi.ASSAY_OP_NETWORK)


def is_xent(p):
    return p.op == abi.ASSAY_OP_XENT or (p.op == abi.ASSAY_OP_NETWORK and p.loss == abi.ASSAY_LOSS_XENT)


def is_ctc(p):
    return p.op == abi.ASSAY_OP_CTC or (p.op == abi.ASSAY_OP_NETWORK and p.loss == abi.ASSAY_LOSS_CTC)


def refuse(reasons):
    """Raises the first reason of (condition, reason) whose condition holds."""
    for condition, why in reasons:
        if condition:
            raise abi.Unsupported(why)


def plain_stack(p, name):
    """(condition, reason): the options that layers of frameworks do not have, by which `name` is refused."""
    d, rnn = p.dialect, is_stack(p)
    yield rnn and d.peephole, "peephole: %s has none" % name
    yield rnn and d.coupled, "coupled: %s has a forget gate of its own" % name
    yield rnn and d.cell_clip != 0, "cell_clip: %s does not clip" % name
    yield rnn and p.proj, "proj: %s does not project" % name
    yield rnn and d.empty_state != abi.ASSAY_EMPTY_INITIAL, "empty_state: initial only"
    yield rnn and d.bptt_steps != 0, "bptt_steps: backward runs all steps"
    yield rnn and d.dropout != 0, "dropout: masks come from the framework's own generator"


def shapes(p):
    """Index and shape of every parameter, in canonical order."""
    gates, s = GATES[p.dialect.cell] * p.h, abi.state_width(p)
    for q in range(p.layers * p.directions):
        own = [(abi.ASSAY_W, (gates, abi.layer_input(p, q // p.directions))), (abi.ASSAY_R, (gates, s))]
        own += [(b, (gates,)) for b in BIASES[p.dialect.biases]] + [(abi.ASSAY_PEEPHOLE, (3 * p.h,))] * p.dialect.peephole
        for which, shape in own:
            yield abi.ASSAY_RNN_PARAMS * q + which, shape
    if p.op == abi.ASSAY_OP_NETWORK:
        head = abi.ASSAY_RNN_PARAMS * p.layers * p.directions
        if p.vocab:
            yield head + abi.ASSAY_EMBEDDING, (p.vocab, p.i)
        yield head + abi.ASSAY_DENSE_W, (p.classes, abi.output_width(p))
        if p.dense_bias:
            yield head + abi.ASSAY_DENSE_B, (p.classes,)


def outer_of(p, batch_major):
    return (p.n, p.t) if batch_major else (p.t, p.n)


def tensors(p, batch_major):
    """Shapes of the real tensors by their names, in the model's order of steps and samples."""
    ld, last = p.layers * p.directions, p.op == abi.ASSAY_OP_NETWORK and p.head == abi.ASSAY_HEAD_LAST
    outer = outer_of(p, batch_major)
    states = {"h0": (ld, p.n, abi.state_width(p)), "c0": (ld, p.n, p.h)}
    return {"x": (*outer, p.classes if p.op in LOSSES else p.i), **states, "hn": states["h0"], "cn": states["c0"],
            "y": (*outer, abi.output_width(p)), "loss_rows": (p.n,) if last or is_ctc(p) else outer,
            "class_weights": (p.classes,), "logits": (p.n, p.classes) if last else (*outer, p.classes)}


def example(p, batch_major, ragged):
    """What a call is given (above), all 0: for a model that compiles before there are data."""
    shape, integers = tensors(p, batch_major), {}
    reals = ["class_weights"] if is_xent(p) and p.dialect.xent_weighted else []
    if p.op == abi.ASSAY_OP_NETWORK and p.vocab:
        integers["ids"] = outer_of(p, batch_major)
    else:
        reals.append("x")
    if is_ctc(p):
        integers.update(labels=(p.n, max(p.max_label, 1)), label_lens=(p.n,))
    elif is_xent(p):
        integers["labels"] = shape["loss_rows"]
    if ragged:
        integers["lens"] = (p.n,)
    return {**{k: np.zeros(shape[k], np.float32) for k in reals}, **{k: np.zeros(s, np.int32) for k, s in integers.items()}}


# Models by problem, with what they compiled, while no plan has them. Few: compiled code of one lies in a thousand mappings of
# memory, of which a process may have some ten thousand (vm.max_map_count), and a check has done with a case before the next.
IDLE, KEPT = collections.OrderedDict(), 16


def take(make, p):
    """The model of a plan that is gone, or a new one. Plans of one problem that live at once have models of their own."""
    return IDLE.pop((make, bytes(p)), None) or make(p)


def give_back(make, p, model):
    IDLE[make, bytes(p)] = model
    if len(IDLE) > KEPT:
        IDLE.popitem(last=False)
        gc.collect()  # what is jitted refers to the model and the model to it


class Plan:
    """Holds weights, gradients and what backward needs as the framework's own arrays; no block of the harness."""
    sizes = (0, 0, 0, 0)

    def __init__(self, p, make):
        """make(p) makes a model; what it compiles for one problem serves later plans of it."""
        self.p, self.make, self.model = p, make, take(make, p)
        self.swapped = (p.dialect.layout == abi.ASSAY_BATCH_MAJOR) != self.model.batch_major
        self.dtype = np.float64 if p.arithmetic == abi.ASSAY_FP64 else np.float32
        self.shapes = dict(shapes(p)) if is_stack(p) else {}
        self.weights, self.moments, self.grads = {}, (), {}
        self.outer, self.shape = outer_of(p, self.model.batch_major), tensors(p, self.model.batch_major)
        rows = self.shape["loss_rows"]
        self.steps = {"x", "y"} | (set() if len(self.shape["logits"]) == 2 else {"logits"}) | (
            {"loss_rows"} if len(rows) == 2 else set())

    def __del__(self):
        if hasattr(self, "model"):
            give_back(self.make, self.p, self.model)

    def flat(self, pointer, shape, dtype, stride=0):
        """The harness's tensor of this shape, shared; None where it gives none."""
        if not pointer:
            return None
        size = np.dtype(dtype).itemsize
        row = shape[-1] if shape else 1
        rows = int(np.prod(shape[:-1], dtype=np.int64))
        if not rows * row:
            return np.zeros(shape, dtype)
        count, strides = (rows - 1) * (stride or row) + row, None
        if stride and stride != row:
            strides = (shape[1] * stride * size, stride * size, size)
        return np.ndarray(shape, dtype, (ctypes.c_char * (count * size)).from_address(pointer), strides=strides)

    def view(self, name, pointer):
        """A real tensor by its name, in the model's order of steps and samples."""
        shape, stride = self.shape[name], {"x": self.p.x_stride, "y": self.p.y_stride}.get(name, 0)
        if name not in self.steps or not self.swapped:
            return self.flat(pointer, shape, self.dtype, stride)
        found = self.flat(pointer, (shape[1], shape[0], *shape[2:]), self.dtype, stride)
        return None if found is None else found.swapaxes(0, 1)

    def integers(self, pointer, shape):
        if not pointer:
            return None
        steps = len(shape) == 2 and self.swapped
        found = self.flat(pointer, shape[::-1] if steps else shape, np.int32)
        return found.swapaxes(0, 1) if steps else found

    def given(self, a):
        p, lens = self.p, self.integers(a.lens, (self.p.n,))
        found = {name: self.view(name, getattr(a, name)) for name in ("x", "h0", "c0", "class_weights")}
        found["ids"] = self.integers(a.ids, self.outer)
        found["lens"] = None if lens is None or (lens == p.t).all() else lens
        found["label_lens"] = self.integers(a.label_lens, (p.n,))
        found["labels"] = self.padded(a, found["label_lens"]) if is_ctc(p) else self.integers(
            a.labels, self.shape["loss_rows"])
        return {name: value for name, value in found.items() if value is not None}

    def padded(self, a, label_lens):
        """Label strings (N, max_label), 0 behind each."""
        p, out = self.p, np.zeros((self.p.n, max(self.p.max_label, 1)), np.int32)
        both = p.dialect.ctc_labels == abi.ASSAY_LABELS_PADDED
        labels = self.integers(a.labels, (p.n * p.max_label if both else p.labels,))
        start = np.arange(p.n) * p.max_label if both else np.cumsum(label_lens) - label_lens
        for n, (at, count) in enumerate(zip(start, label_lens)):
            out[n, :count] = labels[at:at + count] if count else 0
        return out

    def put(self, name, pointer, value):
        out = self.view(name, pointer)
        if out is not None:
            out[...] = 0 if value is None else np.asarray(value)

    def write(self, a, made):
        for name in ("y", "hn", "cn", "logits"):
            if name in made:
                self.put(name, getattr(a, name), made[name])
        if "rows" in made:
            self.put("loss_rows", a.loss_rows, made["rows"])
        if made.get("total") is not None and a.loss:
            self.flat(a.loss, (1,), self.dtype)[...] = np.asarray(made["total"])

    def pack(self, a):
        read = lambda given: self.model.load({k: self.flat(given[k], s, self.dtype) for k, s in self.shapes.items()})
        self.weights = read(a.param)
        adam = self.p.op == abi.ASSAY_OP_NETWORK and self.p.optimizer == abi.ASSAY_OPT_ADAM
        self.moments = (read(a.m), read(a.v)) if adam else ()

    def unpack(self, a):
        pairs = [(self.grads, a.dparam), (self.weights, a.param_1), *zip(self.moments, (a.m_1, a.v_1))]
        for own, wanted in pairs:
            for k, shape in self.shapes.items():
                if wanted[k]:
                    self.flat(wanted[k], shape, self.dtype)[...] = self.model.store(k, own[k])

    def cotangents(self, a):
        p = self.p
        if p.op in LOSSES:
            alone = (p.dialect.ctc_reduction if is_ctc(p) else p.dialect.xent_reduction) == abi.ASSAY_REDUCE_NONE
            given = self.view("loss_rows", a.dloss) if alone else self.flat(a.dloss, (1,), self.dtype)
            return {} if given is None else {"rows" if alone else "total": given if alone else given[0]}
        found = {name: self.view(name, getattr(a, "d" + name)) for name in ("y", "hn", "cn")}
        return {name: value for name, value in found.items() if value is not None}

    def wanted(self, a):
        return tuple(name for name in ("x", "h0", "c0") if getattr(a, "d" + name))

    def put_starts(self, a, found):
        for name in self.wanted(a):
            self.put(name, getattr(a, "d" + name), found.get(name))

    def backward(self, a):
        network = self.p.op == abi.ASSAY_OP_NETWORK
        found = self.model.backward(self.kept, {"logits": self.dlogits} if network else self.cotangents(a), self.wanted(a))
        self.put_starts(a, found)
        for k in self.shapes:
            if network or a.dparam[k]:
                self.grads[k] = self.grads[k] + found[k] if a.accumulate else found[k]

    def run(self, what, a):
        given = self.given(a)
        if what == abi.ASSAY_INFER:
            self.write(a, self.model.infer(self.weights, given))
        elif what == abi.ASSAY_TRAIN:
            made, self.kept = self.model.train(self.weights, given)
            self.logits = made.get("logits")
            self.write(a, made)
        elif what == abi.ASSAY_LOSS_PASS:
            made, self.dlogits = self.model.loss(self.logits, given)
            self.write(a, made)
        elif what == abi.ASSAY_BACKWARD:
            self.backward(a)
        elif what == abi.ASSAY_UPDATE:
            self.weights, self.moments = self.model.update(self.weights, self.moments, self.grads, a.step)
        else:
            made, found, self.weights, self.moments = self.model.step(
                self.weights, self.moments, given, a.step, self.wanted(a))
            self.grads = {k: found[k] for k in self.shapes}
            self.write(a, made)
            self.put_starts(a, found)
