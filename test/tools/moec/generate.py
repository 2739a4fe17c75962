"""moec generate: greedy text against the rule of the fake model, with and without a cache; sampling.

REQUIRES: moec-test-python
RUN: %cc %fixture -DVOCABULARY=4096 %S/Inputs/fake_lm.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/none.json %t.so
RUN: %cc %fixture -DVOCABULARY=4096 -DWITH_PAST %S/Inputs/fake_lm.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/none.json %t.past.so
RUN: cp %models/moe-mini/tokenizer.json %t.json

RUN: moec generate %t.so --tokenizer %t.json --prompt "The king" --tokens 20 > %t.text
RUN: %python %s %t.json "The king" 20 %t.text
RUN: moec generate %t.past.so --tokenizer %t.json --prompt "The king" --tokens 20 > %t.past.text
RUN: cmp %t.text %t.past.text
RUN: echo -n "The king" | moec generate %t.so --tokenizer %t.json --prompt - --tokens 20 | cmp - %t.text

Sampling: one candidate is the greedy choice; a seed repeats; another seed gives another text.
RUN: moec generate %t.so --tokenizer %t.json --prompt "The king" --tokens 20 --temperature 2 --top-k 1 | cmp - %t.text
RUN: moec generate %t.so --tokenizer %t.json --prompt "The king" --tokens 8 --temperature 2 --seed 5 > %t.5
RUN: moec generate %t.past.so --tokenizer %t.json --prompt "The king" --tokens 8 --temperature 2 --seed 5 | cmp - %t.5
RUN: moec generate %t.so --tokenizer %t.json --prompt "The king" --tokens 8 --temperature 2 --seed 6 | not cmp - %t.5

RUN: not moec generate %t.so --tokenizer %t.json --prompt "" 2>&1 | FileCheck %s --check-prefix=EMPTY
EMPTY: moec: error: no tokens to go on from
RUN: not moec generate %t.so --tokenizer %t.json --prompt a --seed 1 2>&1 | FileCheck %s --check-prefix=SEED
SEED: moec: error: --seed needs --temperature
RUN: not moec generate %t.so --tokenizer %s --prompt a 2>&1 | FileCheck %s --check-prefix=JSON
JSON: moec: error: {{.*}}generate.py: {{.*}}Text after end of document
RUN: sed 's/"ByteLevel"/"Metaspace"/' %t.json > %t.other.json
RUN: not moec generate %t.so --tokenizer %t.other.json --prompt a 2>&1 | FileCheck %s --check-prefix=PART
PART: moec: error: {{.*}}.other.json: tokenizer with pre-tokenizer Metaspace is not supported
"""

import json
import sys

tokenizer = json.load(open(sys.argv[1], encoding="utf-8"))
prompt, count, path = sys.argv[2], int(sys.argv[3]), sys.argv[4]
vocabulary = tokenizer["model"]["vocab"]
spelling = {number: token for token, number in vocabulary.items()}

# GPT-2's alphabet of bytes.
printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
byte_of = {chr(b): b for b in printable}
others = (b for b in range(256) if b not in printable)
byte_of.update((chr(0x100 + i), b) for i, b in enumerate(others))

# The words of the prompt are tokens as they are.
ids = [vocabulary[word] for word in prompt.replace(" ", " \u0120").split(" ")]
text = b""
for _ in range(count):
    ids.append(sum(ids) % 4096)
    if ids[-1] == 0:  # the end-of-text token
        break
    text += bytes(byte_of[c] for c in spelling[ids[-1]])
found = open(path, "rb").read()
assert found == text + b"\n", (found, text)
