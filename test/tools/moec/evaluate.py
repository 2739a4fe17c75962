"""moec evaluate: the loss against numpy's, with every kind of input a language model has; mistakes.

REQUIRES: moec-test-python
RUN: %cc %fixture %S/Inputs/fake_lm.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/none.json %t.so
RUN: %cc %fixture -DWITH_PAST %S/Inputs/fake_lm.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/none.json %t.past.so
RUN: %cc %fixture %S/Inputs/twice.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/twice.json %t.twice.so
RUN: %python %s write %t

RUN: moec evaluate %t.so --tokens %t.npz --json > %t.json
RUN: %python %s check %t %t.json domain
RUN: moec evaluate %t.past.so --tokens %t.npz --json --batch 3 --threads 1 > %t.json
RUN: %python %s check %t %t.json domain
RUN: moec evaluate %t.so --tokens %t.npz --json --labels source --every 2 --rows 3 > %t.json
RUN: %python %s check %t %t.json source 0 2 4
RUN: moec evaluate %t.so --tokens %t.plain.npz --json > %t.json
RUN: %python %s check %t %t.json none

RUN: moec evaluate %t.so --tokens %t.npz | FileCheck %s --check-prefix=TABLE
TABLE: {{^ +}}loss  perplexity     tokens
TABLE-NEXT: {{^total +[0-9.]+ +[0-9.]+ +84$}}
TABLE-NEXT: {{^prose +}}
TABLE-NEXT: {{^code +}}
TABLE-NOT: unused

RUN: not moec evaluate %t.so --tokens %t.outside.npz 2>&1 | FileCheck %s --check-prefix=OUTSIDE
OUTSIDE: moec: error: token 16 of row 1 is outside of the model's vocabulary of 16
RUN: not moec evaluate %t.so --tokens %t.floats.npz 2>&1 | FileCheck %s --check-prefix=FLOATS
FLOATS: moec: error: {{.*}}floats.npz: no array input_ids and no other integer matrix
RUN: not moec evaluate %t.so --tokens %t.npz --labels colour 2>&1 | FileCheck %s --check-prefix=KEY
KEY: moec: error: {{.*}}.npz: no array 'colour'
RUN: not moec evaluate %t.so --tokens %t.npz --labels short 2>&1 | FileCheck %s --check-prefix=SHORT
SHORT: moec: error: {{.*}}.npz: labels 'short' are not a list of 7 strings or integers
RUN: not moec evaluate %t.twice.so --tokens %t.npz 2>&1 | FileCheck %s --check-prefix=NOT-LM
NOT-LM: moec: error: not used as a language model: input 'x' (float32[n, 3]) is neither tokens, mask, positions nor cache
RUN: not moec evaluate %t.so 2>&1 | FileCheck %s --check-prefix=NO-TOKENS
NO-TOKENS: moec: error: no --tokens given
"""

import json
import sys

import numpy as np

VOCABULARY = 16
rng = np.random.default_rng(3)
tokens = rng.integers(0, VOCABULARY, (7, 13))
domain = np.array([0, 1, 1, 0, 1, 0, 0], np.int8)
names = np.array(["prose", "code", "unused"])
source = np.array(["ä", "b", "c", "b", "ä", "b", "c"])


def token_losses():
    """Losses [rows, length - 1] of the model in Inputs/fake_lm.c."""
    token, v = tokens[:, :-1, None], np.arange(VOCABULARY)
    logits = (7 * v + 3 * token) % 5 * 0.25
    np.put_along_axis(logits, np.cumsum(token, 1) % VOCABULARY, 4.0, 2)
    picked = np.take_along_axis(logits, tokens[:, 1:, None], 2)[..., 0]
    return np.log(np.exp(logits).sum(-1)) - picked


def write(stem):
    np.savez(stem, mask=np.ones((2, 2)), input_ids=tokens.astype(np.uint16), domain=domain,
             domain_names=names, source=source, short=domain[:3])
    np.savez(stem + ".plain", floats=np.ones((7, 13)), ids=np.asfortranarray(tokens.astype(np.int32)))
    outside = tokens.copy()
    outside[1, 2] = VOCABULARY
    np.savez(stem + ".outside", input_ids=outside)
    np.savez(stem + ".floats", floats=tokens.astype(np.float32))


def check(path, labels, rows):
    rows = np.array([int(row) for row in rows] or range(7))
    losses = token_losses()[rows]
    found = json.load(open(path, encoding="utf-8"))
    assert list(found) == ["loss", "perplexity", "tokens", "labels"]
    np.testing.assert_allclose(found["loss"], losses.mean(), rtol=1e-12)
    np.testing.assert_allclose(found["perplexity"], np.exp(losses.mean()), rtol=1e-12)
    assert found["tokens"] == losses.size
    by_row = {"domain": names[domain], "source": source, "none": np.full(7, "")}[labels][rows]
    expected = {label: losses[by_row == label].mean() for label in set(by_row) if label}
    assert set(found["labels"]) == set(expected), found["labels"]
    for label, loss in expected.items():
        np.testing.assert_allclose(found["labels"][label]["loss"], loss, rtol=1e-12)
        np.testing.assert_allclose(found["labels"][label]["perplexity"], np.exp(loss), rtol=1e-12)


if sys.argv[1] == "write":
    write(sys.argv[2])
else:
    check(sys.argv[3], sys.argv[4], sys.argv[5:])
