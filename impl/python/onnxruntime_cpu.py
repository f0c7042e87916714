"""onnxruntime_cpu.py: ONNX Runtime on the processor: the operators LSTM, GRU, RNN, Gather, MatMul. Inference alone.

SPDX-License-Identifier: MIT

An operator is one layer, of one or both directions, gates i o f c and z r h; layers are put one on top of the other as
a model that an exporter writes. Weights are the model's initializers, so pack() makes a session.
"""
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import abi
import arrays

NAME, INFER_ONLY = "onnxruntime", "inference only: ONNX Runtime's operators have no gradients"
KINDS = {abi.ASSAY_LSTM: "LSTM", abi.ASSAY_GRU: "GRU", abi.ASSAY_RNN_TANH: "RNN", abi.ASSAY_RNN_RELU: "RNN"}
ORDER = {abi.ASSAY_LSTM: (0, 3, 1, 2), abi.ASSAY_GRU: (1, 0, 2)}  # theirs in ours: i o f c, z r h
PEEPHOLES = (0, 2, 1)  # i o f
OPSET = 21
OPENED = [1]


def VERSION():
    return "ONNX Runtime %s, onnx %s, threads: %d (one pool)" % (onnxruntime.__version__, onnx.__version__, OPENED[0])


def open(threads):
    OPENED[0] = threads


def supports(p):
    d, rnn = p.dialect, arrays.is_stack(p)
    arrays.refuse([
        (p.arithmetic != abi.ASSAY_FP32, "arithmetic: fp32 only, its operators have no double"),
        (not rnn, "op: ONNX Runtime infers, its losses are for training"),
        (p.t == 0 or p.n == 0, "t, n: ONNX Runtime refuses batches of no step or no sample"),
        (p.proj, "proj: the operator LSTM does not project"),
        (d.cell_clip != 0, "cell_clip: the attribute clip bounds the arguments of activations, not the cell"),
        (d.gru_reset == abi.ASSAY_RESET_AFTER_OUTSIDE, "gru_reset: before the product, or after it with the bias inside"),
        (d.gru_mix != abi.ASSAY_MIX_KEEPS, "gru_mix: z is the share of the old state"),
        (d.gate_activation == abi.ASSAY_GATE_HARD_SIXTH, "gate_activation: HardSigmoid has slope 1/5"),
        (d.forget_bias != 0, "forget_bias: nothing is added at run time"),
        (p.directions == 2 and d.merge != abi.ASSAY_MERGE_CONCAT, "merge: a model that concatenates two directions"),
        (d.pad_output != abi.ASSAY_PAD_ZERO, "pad_output: 0 past the length"),
        (d.dropout != 0, "dropout: none in inference")])
    # `assay check --check arithmetic`, ONNX Runtime 1.31.1.
    return abi.arithmetic(p, activation_ulp=4, deterministic=1)


def plan(p):
    return arrays.Plan(p, Model)


class Model:
    batch_major = False

    def __init__(self, p):
        self.p, self.head = p, abi.ASSAY_RNN_PARAMS * p.layers * p.directions
        self.lstm = p.dialect.cell == abi.ASSAY_LSTM
        self.order = ORDER.get(p.dialect.cell, (0,))

    def regate(self, value, order):
        return np.concatenate([np.split(value, len(order))[k] for k in order])

    def stacked(self, values, layer, which):
        """(directions, ...): the parameter of both directions of a layer."""
        first = abi.ASSAY_RNN_PARAMS * layer * self.p.directions
        order = PEEPHOLES if which == abi.ASSAY_PEEPHOLE else self.order
        return np.stack([self.regate(values[first + abi.ASSAY_RNN_PARAMS * at + which], order) for at in range(self.p.directions)])

    def bias(self, values, layer):
        there = arrays.BIASES[self.p.dialect.biases]
        wide = lambda which: self.stacked(values, layer, which) if which in there else np.zeros(
            (self.p.directions, len(self.order) * self.p.h), np.float32)
        return np.concatenate([wide(abi.ASSAY_B_IH), wide(abi.ASSAY_B_HH)], 1) if there else None

    def attributes(self):
        d, two = self.p.dialect, self.p.directions == 2
        more = {"hidden_size": self.p.h, "direction": "bidirectional" if two else "forward"}
        if d.cell == abi.ASSAY_GRU:
            more["linear_before_reset"] = int(d.gru_reset == abi.ASSAY_RESET_AFTER_INSIDE)
        gate = "HardSigmoid" if d.gate_activation else "Sigmoid"
        more["activations"] = ({abi.ASSAY_LSTM: [gate, "Tanh", "Tanh"], abi.ASSAY_GRU: [gate, "Tanh"],
                                abi.ASSAY_RNN_TANH: ["Tanh"], abi.ASSAY_RNN_RELU: ["Relu"]}[d.cell]) * self.p.directions
        if d.coupled:
            more["input_forget"] = 1
        return more

    def load(self, values):
        """The model with these weights."""
        p, nodes, weights, add = self.p, [], [], lambda name, value: weights.append(
            numpy_helper.from_array(np.ascontiguousarray(value), name)) or name
        source = "x"
        if p.vocab:
            nodes.append(helper.make_node("Gather", [add("table", values[self.head + abi.ASSAY_EMBEDDING]), "ids"], ["embedded"]))
            source = "embedded"
        add("shape", np.array([0, 0, -1], np.int64))
        for layer in range(p.layers):
            at, bias = str(layer), self.bias(values, layer)
            inputs = [source, add("W" + at, self.stacked(values, layer, abi.ASSAY_W)), add("R" + at, self.stacked(values, layer, abi.ASSAY_R)),
                      "" if bias is None else add("B" + at, bias), "lens", "h" + at]
            if self.lstm:
                inputs += ["c" + at] + ([add("P" + at, self.stacked(values, layer, abi.ASSAY_PEEPHOLE))] if p.dialect.peephole else [])
            outputs = ["Y" + at, "hn" + at] + ["cn" + at] * self.lstm
            nodes += [helper.make_node(KINDS[p.dialect.cell], inputs, outputs, **self.attributes()),
                      helper.make_node("Transpose", ["Y" + at], ["T" + at], perm=[0, 2, 1, 3]),
                      helper.make_node("Reshape", ["T" + at, "shape"], ["y" + at])]
            source = "y" + at
        results = [source] + [name + str(layer) for layer in range(p.layers) for name in ("hn", "cn")[:1 + self.lstm]]
        if p.op == abi.ASSAY_OP_NETWORK:
            nodes += self.linear(source, values, add)
            results.append("logits")
        return self.session(nodes, weights, results), results

    def linear(self, source, values, add):
        p, nodes = self.p, []
        if p.head == abi.ASSAY_HEAD_LAST:
            add("rows", np.arange(p.n)[:, None])
            nodes = [helper.make_node("Concat", ["last", "rows"], ["places"], axis=1), helper.make_node("GatherND", [source, "places"], ["end"])]
            source = "end"
        out = "product" if p.dense_bias else "logits"
        nodes.append(helper.make_node("MatMul", [source, add("V", values[self.head + abi.ASSAY_DENSE_W].T)], [out]))
        if p.dense_bias:
            nodes.append(helper.make_node("Add", [out, add("v", values[self.head + abi.ASSAY_DENSE_B])], ["logits"]))
        return nodes

    def session(self, nodes, weights, results):
        p, real, whole = self.p, TensorProto.FLOAT, TensorProto.INT32
        kinds = {"ids" if p.vocab else "x": (whole, (p.t, p.n)) if p.vocab else (real, (p.t, p.n, p.i)), "lens": (whole, (p.n,))}
        for layer in range(p.layers):
            kinds.update({name + str(layer): (real, (p.directions, p.n, p.h)) for name in "hc"[:1 + self.lstm]})
        if p.head == abi.ASSAY_HEAD_LAST:
            kinds["last"] = (TensorProto.INT64, (p.n, 1))
        inputs = [helper.make_tensor_value_info(name, *kind) for name, kind in kinds.items()]
        graph = helper.make_graph(nodes, "stack", inputs, [helper.make_tensor_value_info(r, real, None) for r in results], weights)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = OPENED[0]
        options.log_severity_level = 4
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
        return onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def store(self, index, value):
        raise abi.Unsupported(INFER_ONLY)

    def infer(self, weights, given):
        p, (session, results) = self.p, weights
        lens = np.array(given.get("lens", np.full(p.n, p.t, np.int32)))
        inside = np.arange(p.t)[:, None] < lens
        feeds = {"lens": lens, **({"ids": np.where(inside, given["ids"], 0).astype(np.int32)} if p.vocab else {"x": np.array(given["x"])})}
        zero = np.zeros((p.layers * p.directions, p.n, p.h), np.float32)
        for name, source in (("h", "h0"), ("c", "c0"))[:1 + self.lstm]:
            whole = np.array(given.get(source, zero))
            feeds.update({name + str(k): whole[k * p.directions:(k + 1) * p.directions] for k in range(p.layers)})
        if p.head == abi.ASSAY_HEAD_LAST:
            feeds["last"] = np.maximum(lens - 1, 0)[:, None].astype(np.int64)
        found = dict(zip(results, session.run(results, feeds)))
        made = {"y": found[results[0]], **{name: np.concatenate([found[name + str(k)] for k in range(p.layers)])
                                           for name in ("hn", "cn")[:1 + self.lstm]}}
        for name, source in (("hn", "h0"), ("cn", "c0")):
            empty = (lens == 0) & (p.dialect.empty_state == abi.ASSAY_EMPTY_INITIAL)
            if name in made and empty.any():  # theirs end in zeros
                made[name][:, empty] = given.get(source, zero)[:, empty]
        if "logits" in found:
            made["logits"] = found["logits"] if p.head == abi.ASSAY_HEAD_LAST else np.where(inside[..., None], found["logits"], 0)
        return made
