"""torch_cuda.py: PyTorch on a device, eager: the row `torch` with its tensors in the device's memory. Not yet run on a GPU.

SPDX-License-Identifier: MIT

Modules, losses and optimizers are those of the row torch. Ids and labels are read from the device; lengths from the host,
where pack_padded_sequence and ctc_loss want them. TF32 is what is asked for and nothing else: both switches are set anew
in every call, since nn.LSTM may use it unless told. Work goes to the harness's stream.
"""
import torch
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import abi
import torch_cpu
from torch_cpu import LOSS_BY, UPDATE_BY  # noqa: F401: the host reads them here

NAME, PLACE = "torch-cuda", abi.ASSAY_CUDA
KINDS = {torch.float32: "<f4", torch.float64: "<f8", torch.int32: "<i4"}
DEVICE = "cuda"


def need_device():
    """Without one the row is skipped, and says why."""
    if not torch.version.cuda:
        raise ImportError("PyTorch %s is built without CUDA" % torch.__version__)
    if not torch.cuda.is_available():
        raise ImportError("PyTorch %s, built for CUDA %s, finds no GPU" % (torch.__version__, torch.version.cuda))


need_device()


def VERSION():
    return "PyTorch %s, CUDA %s, cuDNN %s" % (torch.__version__, torch.version.cuda, torch.backends.cudnn.version())


def open(threads):
    """What PyTorch loads when it is first used comes in now: later the worker may not read files."""
    torch.set_num_threads(threads)
    torch.set_default_device(DEVICE)
    net, x = torch.nn.LSTM(8, 8), torch.full((4, 2, 8), 0.1)
    y = net(x)[0]
    lens = torch.tensor([4, 4], device="cpu")
    F.ctc_loss(F.log_softmax(y, -1), torch.ones((2, 1), dtype=torch.int64), lens, lens // 4).backward()
    F.cross_entropy(net(x)[0][-1], torch.tensor([1, 0])).backward()
    torch.optim.Adam(net.parameters()).step()


def on(stream):
    """Around every call of a plan."""
    return torch.cuda.stream(torch.cuda.ExternalStream(stream))


def supports(p):
    for condition, why in torch_cpu.refused(p):
        if condition and not (p.arithmetic == abi.ASSAY_TF32 and why.startswith("arithmetic")):
            raise abi.Unsupported(why)
    if p.arithmetic == abi.ASSAY_TF32 and p.op in (abi.ASSAY_OP_XENT, abi.ASSAY_OP_CTC):
        raise abi.Unsupported("arithmetic: losses in fp32 and fp64 only")
    # Guesses until a GPU has measured them. PyTorch's notes on randomness name nn.LSTM, and ctc_loss backward, as not repeatable.
    made = abi.arithmetic(p, activation_ulp=4, deterministic=0)
    if p.arithmetic == abi.ASSAY_TF32:
        made.accumulate = made.store = abi.ASSAY_FP32
        made.opaque = 1
    return made


def plan(p):
    """The plan of the row torch, with what differs on a device before it."""
    return type("Plan", (OnDevice, type(torch_cpu.plan(p))), {})(p)


class Memory:
    """So many elements of the device's memory, for whoever reads the CUDA array interface."""

    def __init__(self, pointer, count, dtype):
        self.__cuda_array_interface__ = {"shape": (count,), "typestr": KINDS[dtype], "data": (pointer, False), "version": 2}


def share(pointer, count, dtype):
    return torch.as_tensor(Memory(pointer, count, dtype), device=DEVICE)


class Given:
    """assay_args whose ids and labels are the device's."""

    def __init__(self, a):
        self.a = a

    def __getattr__(self, name):
        return getattr(self.a, name + "_dev" if name in ("ids", "labels") else name)


class OnDevice:
    """What a plan of the row torch, of a loss or of a network, does otherwise where its tensors are the device's."""
    def view(self, pointer, shape, stride=0):
        if not pointer:
            return None
        rows, width = torch.Size(shape[:-1]).numel(), shape[-1]
        if not rows * width:
            return torch.empty(shape, dtype=self.dtype)
        stride = stride or width
        flat = share(pointer, (rows - 1) * stride + width, self.dtype)
        return flat.view(shape) if stride == width else flat.as_strided(shape, (shape[1] * stride, stride, 1))

    def integers(self, pointer, shape):
        count = torch.Size(shape).numel()
        if not pointer or not count:
            return torch.zeros(shape, dtype=torch.int64)
        return share(pointer, count, torch.int32).view(shape).long()

    def host(self, pointer, otherwise):
        """Lengths, on the host."""
        if not pointer or not self.p.n:
            return torch.full((self.p.n,), otherwise, device="cpu")
        return torch.tensor(abi.array(pointer, self.p.n, abi.ctypes.c_int32)[:], device="cpu")

    def lengths(self, a):
        lens = self.host(a.lens, self.p.t)
        if not a.lens or bool((lens == self.p.t).all()):
            return lens, None
        past = torch.arange(self.p.t)[:, None] >= lens.to(DEVICE)
        return lens, past.t() if self.batch_first else past

    def xent(self, a, logits):
        """Where all rows count alike, as the documentation has it: nothing waits for the device."""
        d = self.p.dialect
        plain = d.xent_reduction == abi.ASSAY_REDUCE_MEAN and not (d.xent_ignores or a.class_weights)
        if not plain or (logits.dim() == 3 and self.lengths(a)[1] is not None) or not logits.numel():
            return super().xent(a, logits)
        rows = logits.shape[:-1]
        each = F.cross_entropy(logits.reshape(-1, self.p.classes), self.integers(a.labels, rows).flatten(),
                               reduction="none", label_smoothing=d.xent_smoothing)
        return each.view(rows), each.mean()

    def ctc(self, a, logits):
        p, d = self.p, self.p.dialect
        lens, past = self.lengths(a)
        label_lens, padded = self.host(a.label_lens, 0), d.ctc_labels == abi.ASSAY_LABELS_PADDED
        labels = self.integers(a.labels, (p.n, p.max_label) if padded else (p.labels,))
        logits = logits if past is None else logits.masked_fill(past[..., None], 0)
        x = logits if d.ctc_input == abi.ASSAY_CTC_LOG_PROBS else F.log_softmax(logits, -1)
        each = F.ctc_loss(x.transpose(0, 1) if self.batch_first else x, labels, lens, label_lens, d.ctc_blank,
                          reduction="none", zero_infinity=True)
        if d.ctc_infeasible == abi.ASSAY_INFEASIBLE_INF:
            own = labels.cpu()
            strings = [own[n, :u] for n, u in enumerate(label_lens)] if padded else own.split(label_lens.tolist())
            least = torch.tensor([s.numel() + int((s[1:] == s[:-1]).sum()) for s in strings], device="cpu")
            each = each.masked_fill((lens < least).to(DEVICE), float("inf"))
        if d.ctc_reduction == abi.ASSAY_REDUCE_NONE:
            return each, None
        by_targets = d.ctc_reduction == abi.ASSAY_REDUCE_MEAN_TARGETS
        parts = each / label_lens.clamp(min=1).to(DEVICE) if by_targets else each
        return each, parts.sum() / (1 if d.ctc_reduction == abi.ASSAY_REDUCE_SUM else max(p.n, 1))

    def build(self, a):
        super().build(a)
        self.net.flatten_parameters()  # into one piece of PyTorch's own memory, where cuDNN wants them

    def recur(self, x, state, lens, past):
        if past is None:
            return self.net(x, state)
        keep, batch = lens.nonzero().flatten(), 0 if self.batch_first else 1
        y = x.new_zeros(*self.steps, abi.output_width(self.p))
        if not keep.numel():
            return y, state
        at = keep.to(DEVICE)
        kept = tuple(s.index_select(1, at) for s in state) if isinstance(state, tuple) else state.index_select(1, at)
        packed = pack_padded_sequence(x.index_select(batch, at), lens[keep], self.batch_first, enforce_sorted=False)
        out, last = self.net(packed, kept)
        out, _ = pad_packed_sequence(out, self.batch_first, total_length=self.p.t)
        back = lambda whole, part: whole.index_copy(1, at, part)
        last = tuple(map(back, state, last)) if isinstance(state, tuple) else back(state, last)
        return y.index_copy(batch, at, out), last

    def linear(self, y, lens, past):
        return super().linear(y, lens.to(DEVICE) if self.p.head == abi.ASSAY_HEAD_LAST else lens, past)

    def update(self, a):
        for k, g in self.block(a.grads).items():
            self.weights[k].grad = g
            if self.adam:  # the number of the step is the host's, as torch.optim has it unless told
                self.optimizer.state[self.weights[k]] = {"step": torch.tensor(float(a.step), device="cpu"),
                                                         "exp_avg": self.moments[0][k], "exp_avg_sq": self.moments[1][k]}
        self.optimizer.step()

    def run(self, what, a):
        tf32 = self.p.arithmetic == abi.ASSAY_TF32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
        super().run(what, Given(a))
