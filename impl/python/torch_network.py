"""torch_network.py: the plan of a network in PyTorch: the passes of the ABI, autograd, optim.SGD and optim.Adam.

SPDX-License-Identifier: MIT

Parameters, moments and gradients lie in the harness's blocks in canonical order, as views that torch computes on; the
autograd graph of the last TRAIN is kept by the plan.
"""
import torch
from torch import nn

import abi
import torch_layers
import torch_memory


class Network(torch_layers.Layers):
    """A recurrent stack, alone or with embedding, linear layer, loss and optimizer."""

    def __init__(self, p):
        super().__init__(p)
        self.shapes = dict(torch_memory.shapes(p))
        self.count = sum(torch.Size(s).numel() for s in self.shapes.values())
        self.adam = p.op == abi.ASSAY_OP_NETWORK and p.optimizer == abi.ASSAY_OPT_ADAM
        size = self.dtype.itemsize
        self.sizes = (size * self.count * (3 if self.adam else 1), size * self.count, 0, 0)
        self.weights = None

    def block(self, pointer, part=0):
        """The parameters' shares of a block, by index."""
        flat = self.view(pointer, ((part + 1) * self.count,))[part * self.count:]
        return dict(zip(self.shapes, (piece.view(shape) for piece, shape in zip(
            flat.split([torch.Size(s).numel() for s in self.shapes.values()]), self.shapes.values()))))

    def build(self, a):
        """Modules on the blocks, whose places stay as long as the plan."""
        p = self.p
        self.layers_on({k: nn.Parameter(v) for k, v in self.block(a.packed).items()})
        if self.adam:
            self.moments = [self.block(a.packed, part) for part in (1, 2)]
            self.optimizer = torch.optim.Adam(self.weights.values(), p.lr, (p.beta1, p.beta2), p.epsilon)
        elif p.op == abi.ASSAY_OP_NETWORK and p.optimizer:
            self.optimizer = torch.optim.SGD(self.weights.values(), p.lr)

    def pack(self, a):
        if self.weights is None:
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

    def write(self, a, made):
        for name, value in made.items():
            if getattr(a, name) and value is not None:
                stride = self.p.y_stride if name == "y" else 0
                self.view(getattr(a, name), value.shape, stride).copy_(value.detach())

    def backward(self, a, adds):
        """Parameter gradients to the block, or added to it, dx, dh0 and dc0 to their tensors."""
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
            if not adds:
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
        self.keeps = what in (abi.ASSAY_TRAIN, abi.ASSAY_LOSS_PASS)
        if what == abi.ASSAY_INFER:
            with torch.no_grad():
                self.write(a, self.forward(a, False)[1])
        if what in (abi.ASSAY_TRAIN, abi.ASSAY_STEP):
            self.leaf, self.made = self.forward(a, True)
            self.write(a, self.made)
        if what in (abi.ASSAY_LOSS_PASS, abi.ASSAY_STEP):
            self.loss(a)
        if what in (abi.ASSAY_BACKWARD, abi.ASSAY_STEP):
            self.backward(a, a.accumulate and what == abi.ASSAY_BACKWARD)
        if what in (abi.ASSAY_UPDATE, abi.ASSAY_STEP):
            self.update(a)
