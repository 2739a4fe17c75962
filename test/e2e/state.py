"""Caches that the session keeps (--state): every step gives the bits that the model without state gives, asks
the system for no memory, and moves no cache about. Truncated, forked, exported and full states.

RUN: rm -rf %t && mkdir -p %t
RUN: moec compile %models/moe-mini/model_with_past.onnx -o %t/plain.so
RUN: moec compile %models/moe-mini/model_with_past.onnx --state=auto --context-size 96 --profile -o %t/state.so
RUN: %python %s %t/plain.so %t/state.so

Some of the caches, by name; the others stay inputs and outputs, of as many rows.
RUN: moec compile %models/moe-mini/model_with_past.onnx -o %t/some.so \
RUN:   --state=past_key_values.0.key:present.0.key,past_key_values.2.value:present.2.value
RUN: moec inspect %t/some.so | FileCheck %s --check-prefix=SOME
SOME: states:
SOME-NEXT: past_key_values.0.key {{ *}}float32[batch, 2, past, 32]
SOME-NEXT: past_key_values.2.value float32[batch, 2, past, 32]
SOME-NEXT: room for: 4096 rows of state

RUN: not moec compile %models/moe-mini/model_with_past.onnx --state=input_ids:logits -o %t/no.so 2>&1 | FileCheck %s
CHECK: error: {{.*}}'input_ids' cannot be kept as state: the output is not Concat of the input and what is new

RUN: moec generate %t/plain.so --tokenizer %models/moe-mini/tokenizer.json --prompt "The king" --tokens 30 > %t/plain.txt
RUN: moec generate %t/state.so --tokenizer %models/moe-mini/tokenizer.json --prompt "The king" --tokens 30 | cmp - %t/plain.txt
RUN: moec generate %t/some.so --tokenizer %models/moe-mini/tokenizer.json --prompt "The king" --tokens 30 | cmp - %t/plain.txt
RUN: not moec generate %t/state.so --tokenizer %models/moe-mini/tokenizer.json --prompt "The king" --tokens 30 \
RUN:   --context-size 10 2>&1 | FileCheck %s --check-prefix=FULL
RUN: moec compile %models/moe-mini/model_with_past.onnx --emit=normalize -o %t/normal.mlirbc
RUN: not moec compile %t/normal.mlirbc --from=normalize --state=auto -o %t/no.so 2>&1 | FileCheck %s --check-prefix=LATE
LATE: error: state is introduced by 'normalize', which the model has gone through
FULL: error: the session's state has room for 10 rows and holds 10: 1 more do not fit
"""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from c_interface import Model, Session  # noqa: E402

PROMPT, STEPS = 11, 80
STATE_FULL = 8
plain, stateful = Model(sys.argv[1]), Model(sys.argv[2])
assert len(stateful.states) == 8 and stateful.inputs == ["input_ids"] and stateful.outputs == ["logits"]
assert stateful.info.state_capacity == stateful.json["state_capacity"] == 96


def ids(tokens):
    return 7, (1, len(tokens)), struct.pack(f"{len(tokens)}q", *tokens)


def likeliest(logits):
    row = struct.unpack("4096f", logits[2][-4 * 4096:])
    return max(range(4096), key=row.__getitem__)


class Plain:
    """The model without state, its caches carried over by hand."""

    def __init__(self):
        self.session = Session(plain)
        self.past = {name: (1, (1, 2, 0, 32), b"") for name in plain.inputs if name != "input_ids"}

    def run(self, tokens):
        result, outputs = self.session.run({"input_ids": ids(tokens), **self.past})
        assert result == 0, self.session.last_error()
        for name in self.past:
            self.past[name] = outputs["present" + name.removeprefix("past_key_values")]
        return outputs["logits"]


def run(session, tokens):
    result, outputs = session.run({"input_ids": ids(tokens)})
    assert result == 0, session.last_error()
    return outputs["logits"]


reference, session = Plain(), Session(stateful)
tokens = [17 * i % 4000 for i in range(PROMPT)]
logits, allocations, counted = {}, {}, {}
step = tokens
for i in range(STEPS):
    expected, found = reference.run(step), run(session, step)
    assert expected == found, f"step {i}: other logits than without state"
    logits[len(tokens)] = found
    allocations[i] = session.allocations()
    counted[i] = session.node_bytes()
    step = [likeliest(found)]
    tokens += step
rows = PROMPT + STEPS - 1
assert session.state().rows == rows

# The prompt and two steps of one row show what all steps need.
assert allocations[STEPS - 1] == allocations[2], allocations
for name, cache in reference.past.items():
    assert session.export(name) == cache, f"state {name} is not what the model gives without"

# All nodes do the same work however long the past is, but for the mask, a byte or two a row of the past; only
# attention reads each row of its two caches once, beside its scores. (Counters are sums over calls.)
ROW = 2 * 32 * 4  # bytes of a row of one cache
first, last = 20, STEPS - 1
work = [[b - a for a, b in zip(counted[i - 1], counted[i])] for i in (first, last)]
growth = [(late - early) / (last - first) for early, late in zip(*work)]
products = 0
for node, bytes_a_row in zip(stateful.json["profile"], growth):
    if node["operator"] == "moe.attention":
        products += 2
        assert 2 * ROW <= bytes_a_row < 3 * ROW, f"{node} reads {bytes_a_row} bytes a row of the past"
    else:
        assert bytes_a_row <= 4, f"{node} goes through {bytes_a_row} bytes more a row of the past"
assert products == 8, f"{products} products read a cache, expected two for each of four layers"

# What was truncated can be gone through again; a fork goes its own way.
assert session.call("truncate_state", PROMPT + 5) == 0
assert run(session, tokens[PROMPT + 5:PROMPT + 6]) == logits[PROMPT + 6]
other = Session(stateful, capacity=300)
assert other.call("fork_state", session.handle) == 0 and other.state().capacity == 300
assert run(other, [1]) != run(session, tokens[PROMPT + 6:PROMPT + 7]) == logits[PROMPT + 7]

# Rows that do not fit change nothing.
assert session.call("truncate_state", PROMPT + 7) == 0
result, _ = session.run({"input_ids": ids([1] * 90)})
assert result == STATE_FULL, result
assert session.state().rows == PROMPT + 7
assert run(session, tokens[PROMPT + 7:PROMPT + 8]) == logits[PROMPT + 8]
assert session.call("reset_state", 0) == 0 and session.state().rows == 0
assert run(session, tokens[:PROMPT]) == logits[PROMPT]
