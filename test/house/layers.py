"""The floors of the house, from the #includes. Each file may include its own floor and lower ones.

RUN: %python %s %src_root
RUN: not %python %s %S/Inputs/layers > %t
RUN: FileCheck %s < %t
RUN: count 7 < %t

One line for each thing that is wrong in Inputs/layers, and no other:
CHECK-DAG: include/moec/Support/Up.h:1: Support includes "moec/Weights/Store.h" of Weights, which is higher
CHECK-DAG: lib/Frontend/Import.cpp:3: "onnx/checker.h" is only for OnnxLibrary
CHECK-DAG: lib/Nowhere/A.cpp: lib/Nowhere is on no floor
CHECK-DAG: lib/Numerics/A.cpp:1: "mlir/IR/Builders.h" is not for Numerics
CHECK-DAG: runtime/lib/core/a.cpp:1: the runtime includes "llvm/ADT/StringRef.h"
CHECK-DAG: passes/A.cpp:1: "Elsewhere.h" stands in no known folder
CHECK-DAG: passes/A.cpp:2: passes includes "moec_rt/model.h"
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
import tree

# Lowest first. A name is lib/NAME with include/moec/NAME (or NAME.h), or a folder of that name at the top.
FLOORS = [
    ["Support"],
    ["Numerics", "Target", "OnnxLibrary"],
    ["Weights"],
    ["dialects"],
    ["Kernels"],
    ["passes"],
    ["Frontend"],
    ["Pipelines", "Artifact", "Client", "InitAll"],
    ["Compiler", "CAPI"],
    ["Compression", "Bindings"],
    ["tools"],
]
FLOOR = {name: number for number, floor in enumerate(FLOORS) for name in floor}

# The runtime is an island: it includes moec_rt/ and the system only. These know its headers:
RUNTIME_USERS = {"Artifact", "Client", "Kernels", "Target"}

# Outside headers that not everybody may include: prefix -> the components that may, or may not.
ONLY = {
    # The ONNX library throws and declares a name space called onnx: behind its facade, except for
    # the generated protobuf classes.
    "onnx/": {"OnnxLibrary"},
    "google/protobuf/": {"OnnxLibrary"},
    "Eigen/": {"Numerics", "Compression"},
}
ALSO = {
    ("onnx/onnx_pb.h", "Frontend"),
    ("onnx/onnx_pb.h", "dialects"),
    # What generated code calls, for those who generate it.
    ("moec_rt/kernel_abi.h", "passes"),
}
NEVER = {"mlir/": {"Numerics", "Target", "OnnxLibrary"}}

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')


def componentOf(path):
    """The component a source file belongs to; None: lies outside the house (tests)."""
    parts = path.parts
    if parts[0] == "include":
        return {"moec": parts[2].removesuffix(".h"), "moec-c": "CAPI"}.get(parts[1])
    if parts[0] == "lib":
        return parts[1]
    return parts[0]


def componentNamedBy(include):
    """The component an include path names, None for outside headers."""
    parts = include.split("/")
    if parts[0] == "moec":
        return parts[1].removesuffix(".h")
    return {
        "moec-c": "CAPI",
        "moec_rt": "runtime",
        "dialects": "dialects",
        "passes": "passes",
        "tools": "tools",
    }.get(parts[0])


def problemOf(root, path, component, include, quoted):
    """What is wrong with one #include, or None."""
    target = componentNamedBy(include)
    if component == "runtime":
        system = not quoted and "/" not in include or include.startswith(("sys/", "linux/"))
        own = quoted and (
            (root / path.parent / include).exists() or (root / "runtime/lib" / include).exists()
        )
        if target == "runtime" or system or own:
            return None
        return f'the runtime includes "{include}": it stands alone'
    if target == "runtime":
        if component in RUNTIME_USERS or (include, component) in ALSO:
            return None
        return f'{component} includes "{include}": only {", ".join(sorted(RUNTIME_USERS))} may'
    if target is not None:
        if target not in FLOOR:
            return f'"{include}" names {target}, which is on no floor'
        if FLOOR[target] > FLOOR[component]:
            return f'{component} includes "{include}" of {target}, which is higher'
        return None
    for prefix, allowed in ONLY.items():
        if include.startswith(prefix) and component not in allowed:
            if (include, component) not in ALSO:
                return f'"{include}" is only for {", ".join(sorted(allowed))}'
    for prefix, forbidden in NEVER.items():
        if include.startswith(prefix) and component in forbidden:
            return f'"{include}" is not for {component}'
    generated = include.endswith(".inc")
    if quoted and "/" not in include and not generated and not (root / path.parent / include).exists():
        return f'"{include}" stands in no known folder'
    return None


def main(root):
    problems = []
    for path in tree.files(root, [".h", ".cpp", ".c"]):
        component = componentOf(path)
        if path.parts[0] not in ("include", "lib", "dialects", "passes", "runtime", "tools"):
            continue
        if component != "runtime" and component not in FLOOR:
            problems.append(f"{path}: {'/'.join(path.parts[:2])} is on no floor of {__file__}")
            continue
        for number, line in enumerate(tree.text(root, path).splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            problem = problemOf(root, path, component, match[1] or match[2], match[1] is not None)
            if problem:
                problems.append(f"{path}:{number}: {problem}")
    tree.report(problems)


main(pathlib.Path(sys.argv[1]))
