"""moec run: feeding, writing and comparing, and the errors that users make.

REQUIRES: moec-test-python
RUN: %cc %fixture %S/Inputs/twice.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/twice.json %t.so
RUN: %cc %fixture -DFIXTURE_FEATURES=0x10000000000 %S/Inputs/twice.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/twice.json %t.cpu.so
RUN: %cc -shared -fPIC -x c /dev/null -o %t.other.so
RUN: %python %s %t

The shapes without anything else; the values; two cases in one file.
RUN: moec run %t.so --inputs %t.in.npz | FileCheck %s --check-prefix=SHAPES
SHAPES: twice: float32[2, 3]
SHAPES-NEXT: next: int64[2]
RUN: moec run %t.so --inputs %t.in.npz --outputs %t.out.npz --expect %t.ref.npz | FileCheck %s --check-prefix=FITS
FITS: twice [2, 3]: largest error 0.00e+00 absolute, 0.00e+00 relative
FITS-NEXT: next [2]: largest error 0.00e+00 absolute, 0.00e+00 relative
RUN: %python %s --check %t.out.npz
RUN: moec run %t.so --inputs=%t.cases.npz --case=case1 --expect=%t.cases.ref.npz | FileCheck %s --check-prefix=CASE
CASE: twice [1, 3]: largest error 0.00e+00
CASE: has 1 of 2 outputs; the others were not compared

Values outside the tolerance, and a tolerance that excuses them.
RUN: not moec run %t.so --inputs %t.in.npz --expect %t.off.npz > %t.log 2>&1
RUN: FileCheck %s --check-prefix=OFF < %t.log
OFF: twice [2, 3]: largest error 5.00e-01 absolute, 6.25e-02 relative: FAILED
OFF: moec: error: output 'twice' has 1 of 6 elements outside 0.001 + 0.001 * |expected|; largest at [1, 1]: 8.5, expected 8
OFF: moec: error: output 'next' is int64, expected int32
RUN: moec run %t.so --inputs %t.in.npz --expect %t.near.npz --atol 0.6 --rtol 0 | FileCheck %s --check-prefix=NEAR
NEAR: twice [2, 3]: largest error 5.00e-01 absolute

Mistakes in the reference.
RUN: not moec run %t.so --inputs %t.in.npz --expect %t.in.npz 2>&1 | FileCheck %s --check-prefix=NONE
NONE: moec: error: {{.*}}in.npz: no array for an output of the model (twice, next); the file has x, ids
RUN: not moec run %t.so --inputs %t.in.npz --expect %t.stray.npz 2>&1 | FileCheck %s --check-prefix=STRAY
STRAY: moec: error: {{.*}}stray.npz: array 'thrice' names no output of the model (twice, next)
RUN: not moec run %t.so --inputs %t.in.npz --expect %t.shape.npz 2>&1 | FileCheck %s --check-prefix=SHAPE
SHAPE: moec: error: output 'twice' has shape [2, 3], expected [3, 2]

Mistakes in the inputs.
RUN: not moec run %t.so --inputs %t.name.npz 2>&1 | FileCheck %s --check-prefix=NAME
NAME: moec: error: {{.*}}name.npz: no array 'ids' for input 'ids' of the model; the file has x, idx
RUN: not moec run %t.so --inputs %t.cases.npz 2>&1 | FileCheck %s --check-prefix=CASES
CASES: moec: error: {{.*}}: no array 'x' for input 'x' of the model; the file has the cases case0, case1
RUN: not moec run %t.so --inputs %t.type.npz 2>&1 | FileCheck %s --check-prefix=TYPE
TYPE: moec: error: {{.*}}type.npz: array 'x' is float64, input 'x' of the model is float32
RUN: not moec run %t.so --inputs %t.rank.npz 2>&1 | FileCheck %s --check-prefix=RANK
RANK: moec: error: input 0 ('x') has rank 1, expected 2
RUN: not moec run %t.so --inputs %t.size.npz 2>&1 | FileCheck %s --check-prefix=SIZE
SIZE: moec: error: input 1 ('ids'): dimension 0 ('n') has size 5, but dimension 0 of input 0 ('x'), which must be equal, has 2
RUN: not moec run %t.so --inputs %t.negative.npz 2>&1 | FileCheck %s --check-prefix=NEGATIVE
NEGATIVE: moec: error: fixture: id -1 is negative
RUN: not moec run %t.so --inputs %s 2>&1 | FileCheck %s --check-prefix=NOT-NPZ
NOT-NPZ: moec: error: {{.*}}run.py: not an .npz file: not a zip archive
RUN: not moec run %t.so --inputs %t.nowhere.npz 2>&1 | FileCheck %s --check-prefix=NO-NPZ
NO-NPZ: moec: error: {{.*}}nowhere.npz: No such file or directory

Mistakes in the model.
RUN: not moec run %t.nowhere.so --inputs %t.in.npz 2>&1 | FileCheck %s --check-prefix=NO-MODEL
NO-MODEL: moec: error: '{{.*}}nowhere.so': No such file or directory
RUN: not moec run %s --inputs %t.in.npz 2>&1 | FileCheck %s --check-prefix=NOT-MODEL
NOT-MODEL: moec: error: '{{.*}}run.py': it is not an ELF file
RUN: not moec run %t.other.so --inputs %t.in.npz 2>&1 | FileCheck %s --check-prefix=OTHER
OTHER: moec: error: '{{.*}}other.so': it is a shared object, but not a compiled model
RUN: not moec run %t.v7.so --inputs %t.in.npz 2>&1 | FileCheck %s --check-prefix=VERSION
VERSION: moec: error: '{{.*}}v7.so': it has format version 7.0; this moec reads version 1
RUN: not moec run %t.cpu.so --inputs %t.in.npz 2>&1 | FileCheck %s --check-prefix=CPU
CPU: moec: error: {{.*}}cpu.so: the model needs CPU features that this machine lacks

Mistakes in the flags.
RUN: not moec run %t.so --inputs %t.in.npz --rtol 1 2>&1 | FileCheck %s --check-prefix=NEEDS
NEEDS: moec: error: --rtol needs --expect
RUN: not moec run %t.so --inputs %t.in.npz --threads many 2>&1 | FileCheck %s --check-prefix=NUMBER
NUMBER: moec: error: --threads: expected a whole number from 0 to 4096, found 'many'
RUN: not moec run %t.so 2>&1 | FileCheck %s --check-prefix=NO-INPUTS
NO-INPUTS: moec: error: no --inputs given (see 'moec help run')
"""

import sys

import numpy as np

if sys.argv[1] == "--check":
    file = np.load(sys.argv[2])
    assert list(file) == ["twice", "next"], list(file)
    assert file["twice"].dtype == np.float32 and file["next"].dtype == np.int64
    np.testing.assert_array_equal(file["twice"], [[0, 2, 4], [6, 8.5, np.inf]])
    np.testing.assert_array_equal(file["next"], [6, 8])
    sys.exit()

stem = sys.argv[1]
x = np.array([[0, 1, 2], [3, 4.25, np.inf]], np.float32)
ids = np.array([5, 7])
off = 2 * x
off[1, 1] = 8
# The magic of the segment's header stands before the format's major version, which is 1.
model = open(stem + ".so", "rb").read()
header = model.rindex(b"moec.art\1\0")
with open(stem + ".v7.so", "wb") as file:
    file.write(model[: header + 8] + b"\7" + model[header + 9 :])
np.savez(stem + ".in", x=x, ids=ids)
np.savez(stem + ".ref", twice=2 * x, next=ids + 1)
np.savez(stem + ".off", twice=off, next=(ids + 1).astype(np.int32))
np.savez(stem + ".near", twice=off)
np.savez(stem + ".stray", twice=off, thrice=off)
np.savez(stem + ".shape", twice=off.reshape(3, 2))
cases = {"case0/x": x, "case0/ids": ids, "case1/x": x[:1], "case1/ids": ids[:1]}
np.savez_compressed(stem + ".cases", **cases)
np.savez_compressed(stem + ".cases.ref", **{"case0/twice": off, "case1/twice": 2 * x[:1]})
np.savez(stem + ".name", x=x, idx=ids)
np.savez(stem + ".type", x=x.astype(np.float64), ids=ids)
np.savez(stem + ".rank", x=x[0], ids=ids)
np.savez(stem + ".size", x=x, ids=np.arange(5))
np.savez(stem + ".negative", x=x, ids=-np.array([1, 2]))
