"""torch_cpu.py: PyTorch on the processor: nn.LSTM, nn.GRU, nn.RNN, cross_entropy, ctc_loss, optim.SGD, optim.Adam.

SPDX-License-Identifier: MIT

Parameters, moments and gradients lie in the harness's blocks in canonical order, as views that torch computes on; the
autograd graph of the last TRAIN is kept by the plan. Where PyTorch refuses what the ABI may ask for, this file puts it
together from what PyTorch has: rows of length 0 are taken out and put back, and CTC's infinite losses are put in
afterwards, since the gradient beside them would be no number.
"""
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import abi
import pools

NAME, LOSS_BY, UPDATE_BY = "torch", "torch", "torch"
NAMES = {abi.ASSAY_W: "weight_ih", abi.ASSAY_R: "weight_hh", abi.ASSAY_B_IH: "bias_ih", abi.ASSAY_B_HH: "bias_hh",
         abi.ASSAY_PROJECTION: "weight_hr"}
BIASES = {abi.ASSAY_BIAS_NONE: (), abi.ASSAY_BIAS_ONE_INPUT: (abi.ASSAY_B_IH,),
          abi.ASSAY_BIAS_ONE_RECURRENT: (abi.ASSAY_B_HH,), abi.ASSAY_BIAS_TWO: (abi.ASSAY_B_IH, abi.ASSAY_B_HH)}


OPENED = []  # how its thread pools are set


def VERSION():
    return ", ".join(["PyTorch %s, MKL %s, oneDNN %s" % (torch.__version__, torch.backends.mkl.is_available(),
                                                         torch.backends.mkldnn.is_available())] + OPENED)


def open(threads):
    torch.set_num_interop_threads(1)
    OPENED[:] = [pools.best([("PyTorch", torch.set_num_threads), *pools.of_blas()], threads, pools.timed(trial))]


def trial():
    """A piece of the workloads that are timed, by which settings are compared."""
    net, x = nn.LSTM(123, 320), torch.full((16, 32, 123), 0.1)
    net(x)[0].sum().backward()


def import_all():
    """What torch imports when it is first used comes in now: later the worker may not read an interpreter's files."""
    weight = nn.Parameter(torch.zeros(1))
    weight.grad, = torch.autograd.grad(weight.sum(), weight)
    torch.optim.Adam([weight]).step()


import_all()


def refused(p):
    """(condition, reason): what PyTorch does not compute."""
    d, rnn = p.dialect, p.op in (abi.ASSAY_OP_RNN, abi.ASSAY_OP_NETWORK)
    ctc = p.op == abi.ASSAY_OP_CTC or (p.op == abi.ASSAY_OP_NETWORK and p.loss == abi.ASSAY_LOSS_CTC)
    xent = p.op == abi.ASSAY_OP_XENT or (p.op == abi.ASSAY_OP_NETWORK and p.loss == abi.ASSAY_LOSS_XENT)
    yield p.arithmetic not in (abi.ASSAY_FP32, abi.ASSAY_FP64), "arithmetic: fp32 and fp64 only"
    yield rnn and p.t == 0, "t: PyTorch refuses sequences of no step"
    yield rnn and d.cell == abi.ASSAY_GRU and d.gru_reset != abi.ASSAY_RESET_AFTER_INSIDE, \
        "gru_reset: nn.GRU resets after the product, the bias inside"
    yield rnn and d.gru_mix != abi.ASSAY_MIX_KEEPS, "gru_mix: z is the share of the old state in nn.GRU"
    yield rnn and d.gate_activation != abi.ASSAY_GATE_SIGMOID, "gate_activation: sigmoid only"
    yield rnn and d.peephole, "peephole: nn.LSTM has none"
    yield rnn and d.coupled, "coupled: nn.LSTM has a forget gate of its own"
    yield rnn and d.forget_bias != 0, "forget_bias: nn.LSTM adds none at run time"
    yield rnn and d.cell_clip != 0, "cell_clip: nn.LSTM does not clip"
    yield rnn and p.directions == 2 and d.merge != abi.ASSAY_MERGE_CONCAT, "merge: two directions are concatenated"
    yield rnn and d.pad_output != abi.ASSAY_PAD_ZERO, "pad_output: 0 past the length"
    yield rnn and d.empty_state != abi.ASSAY_EMPTY_INITIAL, "empty_state: initial only"
    yield rnn and d.bptt_steps != 0, "bptt_steps: backward runs all steps"
    yield rnn and d.dropout != 0, "dropout: nn.LSTM draws its masks itself"
    yield xent and d.xent_smoothing != 0 and d.xent_smoothing_to != abi.ASSAY_SMOOTH_ALL, \
        "xent_smoothing_to: to all classes"
    yield ctc and d.ctc_collapse, "ctc_collapse: labels are taken as they are"
    yield ctc and d.ctc_repeats != abi.ASSAY_REPEATS_MERGED, "ctc_repeats: merged only"
    yield ctc and d.ctc_input == abi.ASSAY_CTC_LOG_PROBS and d.ctc_gradient != abi.ASSAY_CTC_MINUS_SOFTMAX, \
        "ctc_gradient: ctc_loss gives that behind a log-softmax"


def supports(p):
    for condition, why in refused(p):
        if condition:
            raise abi.Unsupported(why)
    return abi.arithmetic(p, activation_ulp=activation_ulp(p), deterministic=1)


def activation_ulp(p):
    # `assay check --check arithmetic`, PyTorch 2.15: sigmoid of nn.LSTM in fp32 4.44, else 2.0; tanh 1.2. Losses were not measured.
    stack = p.op in (abi.ASSAY_OP_RNN, abi.ASSAY_OP_NETWORK)
    if stack and p.dialect.cell == abi.ASSAY_LSTM and p.arithmetic == abi.ASSAY_FP32:
        return 5
    return 2.5 if p.op == abi.ASSAY_OP_RNN else 4


def plan(p):
    return Loss(p) if p.op in (abi.ASSAY_OP_XENT, abi.ASSAY_OP_CTC) else Network(p)


def shapes(p):
    """Index and shape of every parameter, in canonical order."""
    gates, s = {abi.ASSAY_LSTM: 4, abi.ASSAY_GRU: 3}.get(p.dialect.cell, 1) * p.h, abi.state_width(p)
    for layer in range(p.layers):
        for at in range(p.directions):
            own = [(abi.ASSAY_W, (gates, abi.layer_input(p, layer))), (abi.ASSAY_R, (gates, s))]
            own += [(b, (gates,)) for b in BIASES[p.dialect.biases]]
            own += [(abi.ASSAY_PROJECTION, (s, p.h))] if p.proj else []
            for which, shape in own:
                yield abi.ASSAY_RNN_PARAMS * (layer * p.directions + at) + which, shape
    if p.op == abi.ASSAY_OP_NETWORK:
        head = abi.ASSAY_RNN_PARAMS * p.layers * p.directions
        if p.vocab:
            yield head + abi.ASSAY_EMBEDDING, (p.vocab, p.i)
        yield head + abi.ASSAY_DENSE_W, (p.classes, abi.output_width(p))
        if p.dense_bias:
            yield head + abi.ASSAY_DENSE_B, (p.classes,)


class Loss:
    """A loss on given logits, and what every plan shares: views of the harness's memory, losses, their gradients."""
    sizes = (0, 0, 0, 0)

    def __init__(self, p):
        self.p, self.element = p, abi.real(p)
        self.dtype = torch.float64 if p.arithmetic == abi.ASSAY_FP64 else torch.float32
        self.batch_first = p.dialect.layout == abi.ASSAY_BATCH_MAJOR
        self.steps = (p.n, p.t) if self.batch_first else (p.t, p.n)

    def view(self, pointer, shape, stride=0):
        """The harness's tensor, shared; None where it gives none."""
        if not pointer:
            return None
        rows, width = torch.Size(shape[:-1]).numel(), shape[-1]
        if not rows * width:
            return torch.empty(shape, dtype=self.dtype)
        stride = stride or width
        flat = torch.frombuffer(abi.array(pointer, (rows - 1) * stride + width, self.element), dtype=self.dtype)
        return flat.view(shape) if stride == width else flat.as_strided(shape, (shape[1] * stride, stride, 1))

    def integers(self, pointer, shape):
        count = torch.Size(shape).numel()
        if not pointer or not count:
            return torch.zeros(shape, dtype=torch.int64)
        return torch.frombuffer(abi.array(pointer, count, abi.ctypes.c_int32), dtype=torch.int32).view(shape).long()

    def lengths(self, a):
        """Of the rows, and where in (T, N) no row is any more; the second None where nothing is past a length."""
        lens = self.integers(a.lens, (self.p.n,)) if a.lens else torch.full((self.p.n,), self.p.t)
        if not a.lens or bool((lens == self.p.t).all()):
            return lens, None
        past = torch.arange(self.p.t)[:, None] >= lens
        return lens, past.t() if self.batch_first else past

    def losses(self, a, logits):
        """Loss of each row, and their reduction (None without one)."""
        ctc = self.p.op == abi.ASSAY_OP_CTC or self.p.loss == abi.ASSAY_LOSS_CTC
        return self.ctc(a, logits) if ctc else self.xent(a, logits)

    def xent(self, a, logits):
        p, d, rows = self.p, self.p.dialect, logits.shape[:-1]
        past = self.lengths(a)[1] if len(rows) == 2 else None
        labels = self.integers(a.labels, rows).flatten()
        inside = torch.arange(labels.numel()) if past is None else (~past).flatten().nonzero().flatten()
        labels, weights = labels[inside], self.view(a.class_weights, (p.classes,))
        ignored = d.xent_ignore_index if d.xent_ignores else -100
        each = F.cross_entropy(logits.reshape(-1, p.classes)[inside], labels, weights, ignore_index=ignored,
                               reduction="none", label_smoothing=d.xent_smoothing)
        counts = labels[labels != ignored]
        divisor = {abi.ASSAY_REDUCE_MEAN: counts.numel, abi.ASSAY_REDUCE_MEAN_ALL: rows.numel,
                   abi.ASSAY_REDUCE_MEAN_WEIGHTED: lambda: float(weights[counts].sum()) if weights is not None
                   else counts.numel(), abi.ASSAY_REDUCE_MEAN_BATCH: lambda: p.n}.get(d.xent_reduction, lambda: 1)()
        each = each if past is None else each.new_zeros(rows.numel()).index_copy(0, inside, each)
        return each.view(rows), None if d.xent_reduction == abi.ASSAY_REDUCE_NONE else each.sum() / (divisor or 1)

    def ctc(self, a, logits):
        p, d = self.p, self.p.dialect
        lens, past = self.lengths(a)
        label_lens = self.integers(a.label_lens, (p.n,))
        padded = d.ctc_labels == abi.ASSAY_LABELS_PADDED
        labels = self.integers(a.labels, (p.n, p.max_label) if padded else (p.labels,))
        logits = logits if past is None else logits.masked_fill(past[..., None], 0)
        x = logits if d.ctc_input == abi.ASSAY_CTC_LOG_PROBS else F.log_softmax(logits, -1)
        each = F.ctc_loss(x.transpose(0, 1) if self.batch_first else x, labels, lens, label_lens, d.ctc_blank,
                          reduction="none", zero_infinity=True)
        if d.ctc_infeasible == abi.ASSAY_INFEASIBLE_INF:
            strings = [labels[n, :u] for n, u in enumerate(label_lens)] if padded else labels.split(label_lens.tolist())
            least = torch.tensor([s.numel() + int((s[1:] == s[:-1]).sum()) for s in strings])
            each = each.masked_fill(lens < least, float("inf"))
        if d.ctc_reduction == abi.ASSAY_REDUCE_NONE:
            return each, None
        share = each / label_lens.clamp(min=1) if d.ctc_reduction == abi.ASSAY_REDUCE_MEAN_TARGETS else each
        return each, share.sum() / (1 if d.ctc_reduction == abi.ASSAY_REDUCE_SUM else max(p.n, 1))

    def write_losses(self, a, rows, total):
        for pointer, value in ((a.loss_rows, rows), (a.loss, total)):
            if pointer and value is not None:
                self.view(pointer, (value.numel(),)).copy_(value.detach().flatten())

    def run(self, what, a):
        shape = (*self.steps, self.p.classes)
        if what == abi.ASSAY_BACKWARD:
            cotangent = self.view(a.dloss, (self.made.numel(),))
            g = torch.autograd.grad(self.made, self.x, cotangent.view(self.made.shape), retain_graph=True) if a.dloss else [0]
            if a.dx:
                dx = self.view(a.dx, shape, self.p.x_stride)
                dx.copy_(g[0]) if a.dloss else dx.zero_()
            return
        x = self.view(a.x, shape, self.p.x_stride).requires_grad_(what == abi.ASSAY_TRAIN)
        rows, total = self.losses(a, x)
        self.write_losses(a, rows, total)
        if what == abi.ASSAY_TRAIN:  # an inference in between leaves it alone
            self.x, self.made = x, rows if total is None else total


class Network(Loss):
    """A recurrent stack, alone or with embedding, linear layer, loss and optimizer."""

    def __init__(self, p):
        super().__init__(p)
        self.shapes = dict(shapes(p))
        self.count = sum(torch.Size(s).numel() for s in self.shapes.values())
        self.adam = p.op == abi.ASSAY_OP_NETWORK and p.optimizer == abi.ASSAY_OPT_ADAM
        size = self.dtype.itemsize
        self.sizes = (size * self.count * (3 if self.adam else 1), size * self.count, 0, 0)
        self.net, self.weights = None, {}

    def block(self, pointer, part=0):
        """The parameters' shares of a block, by index."""
        flat = self.view(pointer, ((part + 1) * self.count,))[part * self.count:]
        return dict(zip(self.shapes, (piece.view(shape) for piece, shape in zip(
            flat.split([torch.Size(s).numel() for s in self.shapes.values()]), self.shapes.values()))))

    def build(self, a):
        """Modules on the blocks, whose places stay as long as the plan."""
        p, cell = self.p, self.p.dialect.cell
        more = {"proj_size": p.proj} if p.proj else {}
        if cell in (abi.ASSAY_RNN_TANH, abi.ASSAY_RNN_RELU):
            more["nonlinearity"] = "tanh" if cell == abi.ASSAY_RNN_TANH else "relu"
        kind = {abi.ASSAY_LSTM: nn.LSTM, abi.ASSAY_GRU: nn.GRU}.get(cell, nn.RNN)
        net = kind(p.i, p.h, p.layers, bias=p.dialect.biases != abi.ASSAY_BIAS_NONE, batch_first=self.batch_first,
                   bidirectional=p.directions == 2, dtype=self.dtype, **more)
        self.weights = {k: nn.Parameter(v) for k, v in self.block(a.packed).items()}
        for q in range(p.layers * p.directions):
            for which, name in NAMES.items():
                name += "_l%d%s" % (q // p.directions, "_reverse" * (q % p.directions))
                own = self.weights.get(abi.ASSAY_RNN_PARAMS * q + which)
                if own is not None:
                    setattr(net, name, own)
                elif hasattr(net, name):  # PyTorch has two biases or none: the missing one is 0
                    setattr(net, name, nn.Parameter(torch.zeros_like(getattr(net, name)), requires_grad=False))
        self.net, self.head = net, abi.ASSAY_RNN_PARAMS * p.layers * p.directions
        if self.adam:
            self.moments = [self.block(a.packed, part) for part in (1, 2)]
            self.optimizer = torch.optim.Adam(self.weights.values(), p.lr, (p.beta1, p.beta2), p.epsilon)
        elif p.op == abi.ASSAY_OP_NETWORK and p.optimizer:
            self.optimizer = torch.optim.SGD(self.weights.values(), p.lr)

    def pack(self, a):
        if self.net is None:
            self.build(a)
        parts = [(self.weights, a.param)] + ([(self.moments[0], a.m), (self.moments[1], a.v)] if self.adam else [])
        with torch.no_grad():
            for own, given in parts:
                for k, shape in self.shapes.items():
                    own[k].copy_(self.view(given[k], shape))

    def unpack(self, a):
        parts = [(self.block(a.grads), a.dparam), (self.weights, a.param_1)]
        parts += [(self.moments[0], a.m_1), (self.moments[1], a.v_1)] if self.adam else []
        with torch.no_grad():
            for own, wanted in parts:
                for k, shape in self.shapes.items():
                    if wanted[k]:
                        self.view(wanted[k], shape).copy_(own[k])

    def recur(self, x, state, lens, past):
        """y and the final states. PyTorch refuses rows of length 0: they are taken out and put back."""
        if past is None:
            return self.net(x, state)
        keep, batch = lens.nonzero().flatten(), 0 if self.batch_first else 1
        some = keep.numel() < self.p.n
        y = x.new_zeros(*self.steps, abi.output_width(self.p))
        if not keep.numel():
            return y, state
        pick = (lambda v, dim: v.index_select(dim, keep)) if some else (lambda v, dim: v)
        kept = tuple(pick(s, 1) for s in state) if isinstance(state, tuple) else pick(state, 1)
        packed = pack_padded_sequence(pick(x, batch), lens[keep], self.batch_first, enforce_sorted=False)
        out, last = self.net(packed, kept)
        out, _ = pad_packed_sequence(out, self.batch_first, total_length=self.p.t)
        if not some:
            return out, last
        back = lambda whole, part: whole.index_copy(1, keep, part)
        last = tuple(map(back, state, last)) if isinstance(state, tuple) else back(state, last)
        return y.index_copy(batch, keep, out), last

    def forward(self, a, train):
        """Leaves, where gradients end, and what is made of them, where they begin; the caller keeps them, or not."""
        p, ld, lens_past = self.p, self.p.layers * self.p.directions, self.lengths(a)
        shape = {"x": (*self.steps, p.i), "h0": (ld, p.n, abi.state_width(p)), "c0": (ld, p.n, p.h)}
        lstm = p.dialect.cell == abi.ASSAY_LSTM
        leaf = {"x": None if p.vocab else self.view(a.x, shape["x"], p.x_stride)}
        for name in ("h0", "c0")[:1 + lstm]:
            given = self.view(getattr(a, name), shape[name])
            leaf[name] = torch.zeros(shape[name], dtype=self.dtype) if given is None else given
        for each in leaf.values():
            if each is not None:
                each.requires_grad_(train)
        x = leaf["x"]
        if p.vocab:
            ids = self.integers(a.ids, self.steps)
            x = F.embedding(ids if lens_past[1] is None else ids.masked_fill(lens_past[1], 0),
                            self.weights[self.head + abi.ASSAY_EMBEDDING])
        state = (leaf["h0"], leaf["c0"]) if lstm else leaf["h0"]
        y, last = self.recur(x, state, *lens_past)
        made = {"y": y, "hn": last[0] if lstm else last, "cn": last[1] if lstm else None}
        if p.op == abi.ASSAY_OP_NETWORK:
            made["logits"] = self.linear(y, *lens_past)
        return leaf, made

    def linear(self, y, lens, past):
        weight, bias = (self.weights.get(self.head + k) for k in (abi.ASSAY_DENSE_W, abi.ASSAY_DENSE_B))
        if self.p.head == abi.ASSAY_HEAD_LAST:
            last, rows = (lens - 1).clamp(min=0), torch.arange(self.p.n)
            return F.linear(y[rows, last] if self.batch_first else y[last, rows], weight, bias)
        logits = F.linear(y, weight, bias)
        return logits if past is None else logits.masked_fill(past[..., None], 0)

    def write(self, a, made):
        for name, value in made.items():
            if getattr(a, name) and value is not None:
                stride = self.p.y_stride if name == "y" else 0
                self.view(getattr(a, name), value.shape, stride).copy_(value.detach())

    def backward(self, a):
        """Parameter gradients to the block, dx, dh0 and dc0 to their tensors."""
        p, network = self.p, self.p.op == abi.ASSAY_OP_NETWORK
        pairs = [(self.total, torch.ones_like(self.total))] if network else [
            (self.made[name], self.view(pointer, self.made[name].shape, stride)) for name, pointer, stride in
            (("y", a.dy, p.y_stride), ("hn", a.dhn, 0), ("cn", a.dcn, 0)) if pointer]
        pairs = [pair for pair in pairs if pair[0].requires_grad]
        inputs = [k for k in ("x", "h0", "c0") if self.leaf.get(k) is not None and getattr(a, "d" + k)]
        params = [k for k in self.shapes if network or a.dparam[k]]
        leaves = [self.leaf[k] for k in inputs] + [self.weights[k] for k in params]
        found = [None] * len(leaves)
        if pairs and leaves:
            found = torch.autograd.grad([made for made, _ in pairs], leaves, [c for _, c in pairs], retain_graph=True,
                                        allow_unused=True)
        grads = self.block(a.grads)
        for k, g in zip(inputs, found):
            out = self.view(getattr(a, "d" + k), self.leaf[k].shape, p.x_stride if k == "x" else 0)
            out.zero_() if g is None else out.copy_(g)
        for k, g in zip(params, found[len(inputs):]):
            if not a.accumulate:
                grads[k].zero_() if g is None else grads[k].copy_(g)
            elif g is not None:
                grads[k].add_(g)

    def loss(self, a):
        rows, self.total = self.losses(a, self.made["logits"])
        self.write_losses(a, rows, self.total)

    def update(self, a):
        for k, g in self.block(a.grads).items():
            self.weights[k].grad = g
            if self.adam:
                self.optimizer.state[self.weights[k]] = {"step": torch.tensor(float(a.step)),
                                                         "exp_avg": self.moments[0][k], "exp_avg_sq": self.moments[1][k]}
        self.optimizer.step()

    def run(self, what, a):
        if what == abi.ASSAY_INFER:
            with torch.no_grad():
                self.write(a, self.forward(a, False)[1])
        if what in (abi.ASSAY_TRAIN, abi.ASSAY_STEP):
            self.leaf, self.made = self.forward(a, True)
            self.write(a, self.made)
        if what in (abi.ASSAY_LOSS_PASS, abi.ASSAY_STEP):
            self.loss(a)
        if what in (abi.ASSAY_BACKWARD, abi.ASSAY_STEP):
            self.backward(a)
        if what in (abi.ASSAY_UPDATE, abi.ASSAY_STEP):
            self.update(a)
