"""moec evaluate --reference: a model against itself, against another one as numpy has it, and pairs that do not fit.

REQUIRES: moec-test-python
RUN: %cc %fixture %S/Inputs/fake_lm.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/none.json %t.a.so
RUN: %cc %fixture -DPEAK=1.0f %S/Inputs/fake_lm.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/none.json %t.b.so
RUN: %cc %fixture -DVOCABULARY=17 %S/Inputs/fake_lm.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/none.json %t.wide.so
RUN: %cc %fixture -DBATCH=2 %S/Inputs/fake_lm.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/none.json %t.two.so
RUN: %cc %fixture -DBATCH=3 %S/Inputs/fake_lm.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/none.json %t.three.so
RUN: %cc %fixture "-DPEAK=__builtin_inff()" %S/Inputs/fake_lm.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/none.json %t.nan.so
RUN: %cc %fixture %S/Inputs/twice.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/twice.json %t.twice.so
RUN: %python %s write %t

A model against itself:
RUN: moec evaluate %t.a.so --reference %t.a.so --tokens %t.npz --json > %t.json
RUN: %python %s check-same %t.json
RUN: moec evaluate %t.a.so --reference %t.a.so --tokens %t.npz | FileCheck %s --check-prefix=SAME
SAME: {{^ +loss  perplexity     tokens   reference     ratio$}}
SAME-NEXT: {{^total  +([0-9.]+)  +}}[[PERPLEXITY:[0-9.]+]]{{  +84  +}}[[PERPLEXITY]]{{  +1\.0000$}}
SAME-NEXT: {{^prose .* 1\.0000$}}
SAME-NEXT: {{^code .* 1\.0000$}}
SAME-EMPTY:
SAME-NEXT: {{^loss difference    \+0\.000000, standard error over rows 0\.000000$}}
SAME-NEXT: {{^KL from reference  mean 0\.000000, median 0\.000000, p99 0\.000000$}}
SAME-NEXT: {{^top-1 agreement    100\.00 %$}}

Against another one, in batches of all sizes:
RUN: moec run %t.a.so --inputs %t.npz --outputs %t.a.npz
RUN: moec run %t.b.so --inputs %t.npz --outputs %t.b.npz
RUN: moec evaluate %t.b.so --reference %t.a.so --tokens %t.npz --json > %t.json
RUN: %python %s check %t.npz %t.b.npz %t.a.npz %t.json
RUN: moec evaluate %t.a.so --reference %t.b.so --tokens %t.npz --json --batch 3 --threads 1 > %t.json
RUN: %python %s check %t.npz %t.a.npz %t.b.npz %t.json
RUN: moec evaluate %t.b.so --reference %t.two.so --tokens %t.npz --json > %t.json
RUN: %python %s check %t.npz %t.b.npz %t.a.npz %t.json

One row has no standard error:
RUN: moec evaluate %t.b.so --reference %t.a.so --tokens %t.npz --rows 1 --json | FileCheck %s --check-prefix=ONE
ONE: "loss_difference_standard_error": null
RUN: moec evaluate %t.b.so --reference %t.a.so --tokens %t.npz --rows 1 | FileCheck %s --check-prefix=ONE-TABLE
ONE-TABLE: {{^loss difference    [-+][0-9.]+$}}

Pairs that do not fit:
RUN: not moec evaluate %t.a.so --reference %t.wide.so --tokens %t.npz 2>&1 | FileCheck %s --check-prefix=WIDE
WIDE: moec: error: the model has a vocabulary of 16 tokens, the reference of 17
RUN: not moec evaluate %t.two.so --reference %t.three.so --tokens %t.npz 2>&1 | FileCheck %s --check-prefix=BATCHES
BATCHES: moec: error: the reference takes 3 rows per call, the model 2
RUN: not moec evaluate %t.a.so --reference %t.three.so --batch 2 --tokens %t.npz 2>&1 | FileCheck %s --check-prefix=BATCH
BATCH: moec: error: the reference takes 3 rows per call, asked for 2
RUN: not moec evaluate %t.a.so --reference %t.nan.so --tokens %t.npz 2>&1 | FileCheck %s --check-prefix=NAN
NAN: moec: error: logits of row 0, token 0 are not finite in the reference
RUN: not moec evaluate %t.a.so --reference %t.twice.so --tokens %t.npz 2>&1 | FileCheck %s --check-prefix=NOT-LM
NOT-LM: moec: error: {{.*}}.twice.so: not used as a language model: input 'x'
RUN: not moec evaluate %t.a.so --reference %t.npz --tokens %t.npz 2>&1 | FileCheck %s --check-prefix=NO-MODEL
NO-MODEL: moec: error: {{.*}}.npz': it is not an ELF file
RUN: not moec evaluate %t.a.so --tokens %t.npz --reference-weights-file x 2>&1 | FileCheck %s --check-prefix=NEEDS
NEEDS: moec: error: --reference-weights-file needs --reference
"""

import json
import sys

import numpy as np


def write(stem):
    tokens = np.random.default_rng(3).integers(0, 16, (7, 13))
    np.savez(stem, input_ids=tokens, domain=np.array(["prose", "code"] * 3 + ["code"]))


def log_softmax(path):
    logits = np.load(path)["logits"].astype(np.float64)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def check(tokens, model, reference, found):
    tokens = np.load(tokens)["input_ids"]
    p, r = log_softmax(model)[:, :-1], log_softmax(reference)[:, :-1]
    loss, reference_loss = (-np.take_along_axis(x, tokens[:, 1:, None], 2)[..., 0] for x in (p, r))
    kl = (np.exp(r) * (r - p)).sum(-1)
    by_row = (loss - reference_loss).mean(1)
    found = json.load(open(found, encoding="utf-8"))
    expected = {
        "loss": loss.mean(),
        "perplexity_ratio": np.exp(loss.mean() - reference_loss.mean()),
        "loss_difference": by_row.mean(),
        "loss_difference_standard_error": by_row.std(ddof=1) / np.sqrt(len(by_row)),
        "top1_agreement": (p.argmax(-1) == r.argmax(-1)).mean(),
    }
    assert 0 < expected["top1_agreement"] < 1, "the models agree too well for a test"
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-10, err_msg=key)
    np.testing.assert_allclose(found["reference"]["loss"], reference_loss.mean(), rtol=1e-12)
    divergence = found["kl_divergence"]
    np.testing.assert_allclose(
        [divergence["mean"], divergence["median"], divergence["p99"]],
        [kl.mean(), np.quantile(kl, 0.5), np.quantile(kl, 0.99)], rtol=1e-10)


def check_same(found):
    found = json.load(open(found, encoding="utf-8"))
    assert found["perplexity_ratio"] == 1 and found["loss_difference"] == 0
    assert found["loss_difference_standard_error"] == 0
    assert found["kl_divergence"] == {"mean": 0, "median": 0, "p99": 0}
    assert found["top1_agreement"] == 1
    assert found["reference"]["loss"] == found["loss"]


{"write": write, "check": check, "check-same": check_same}[sys.argv[1]](*sys.argv[2:])
