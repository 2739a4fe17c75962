"""com.microsoft::MoE with its attributes: {form: how many are raised}. Nothing else runs the operator: not raised is
the same. Of equal scores ONNX Runtime may take either expert, so there are none. A third matrix is not implemented
there."""

import numpy as np

E, H, I = 5, 8, 12
OPSET, BOUND, RAISED = 18, 1e-4, r"= moe\.experts "
INPUTS = {"x": ["t", H], "x3": [1, "t", H], "l": ["t", E]}
FORMS = {}


def form(count):
    return lambda function: FORMS.setdefault(function, count) and function or function


def cases(random):
    def given(t, change=lambda l: l):
        x = random.standard_normal((t, H)).astype(np.float32)
        return {"x": x, "x3": x[None], "l": change(random.standard_normal((t, E)).astype(np.float32))}

    def starve(l):
        l[:, ::2] -= 40
        return l

    def hide(l):
        l[:, 1] = -np.inf
        return l

    return {"one token": given(1), "many": given(33), "starved": given(8, starve), "hidden": given(8, hide)}


def experts(g, x="x", k=2, up=I, bias=False, **attributes):
    stack = lambda *shape: g.weight(*shape) / 2
    operands = [x, "l", stack(E, up, H), stack(E, up) if bias else "", stack(E, H, I), stack(E, H) if bias else ""]
    return g("MoE", *operands, domain="com.microsoft", k=k, **attributes)


@form(1)
def plain(g):
    return experts(g, activation_type="relu")


@form(1)
def best(g):
    return experts(g, k=1, activation_type="gelu", bias=True)


@form(1)
def all_(g):
    return experts(g, k=E, activation_type="silu")


@form(1)
def normalized(g):
    return experts(g, activation_type="identity", normalize_routing_weights=1, bias=True)


@form(1)
def interleaved(g):
    return experts(g, up=2 * I, activation_type="swiglu", swiglu_fusion=1, activation_alpha=1.702, activation_beta=1.0,
                   swiglu_limit=0.5, normalize_routing_weights=1)  # fmt: skip


@form(1)
def interleavedWithBias(g):
    return experts(g, up=2 * I, activation_type="swiglu", swiglu_fusion=1, bias=True)


@form(1)
def ofBatch(g):
    return experts(g, x="x3", activation_type="relu", bias=True)
