"""lit over test/: what a RUN line can use.

tools          moec, moec-opt, moec-test-link; FileCheck, not, count of LLVM (also on PATH, for Python tests)
%python        Python with numpy, onnx, onnxruntime    REQUIRES: moec-test-python
%moec_test_data  more models than the project ships    REQUIRES: moec-test-data
%if moec-large-tests %{ … %}  what takes minutes, on demand (lit -D moec_large=1)
%models        test/models, the models the project ships
%src_root      the source tree
%cc            the C compiler of the build
"""

import os

import lit.formats
import lit.util
from lit.llvm import llvm_config

config.name = "moec"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".py"]
# unit/ is a suite of its own; Inputs/ folders hold what tests read.
config.excludes = ["Inputs", "models", "unit", "lit.cfg.py", "make_venv.py"]
config.test_source_root = os.path.join(config.moec_src_root, "test")
config.test_exec_root = os.path.join(config.moec_obj_root, "test")
config.environment["FILECHECK_OPTS"] = "-enable-var-scope --allow-unused-prefixes=false"
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"

# Tests ask for impossible amounts of memory; with sanitizers, too, that is an answer and no crash.
config.environment.setdefault("ASAN_OPTIONS", "allocator_may_return_null=1")

bin_dir = os.path.join(config.moec_obj_root, "bin")
llvm_config.with_environment("PATH", [bin_dir, config.llvm_tools_dir], append_path=True)
llvm_config.add_tool_substitutions(
    ["moec", "moec-opt", "moec-test-link", "FileCheck", "not", "count"], [bin_dir, config.llvm_tools_dir]
)
config.substitutions.append(("%models", os.path.join(config.test_source_root, "models")))
config.substitutions.append(("%src_root", config.moec_src_root))
config.substitutions.append(("%cc", config.c_compiler))

clang_format = os.path.join(config.llvm_tools_dir, "clang-format")
if os.path.exists(clang_format):
    config.available_features.add("clang-format")
config.substitutions.append(("%clang-format", clang_format))

# make_venv.py writes the marker last, so it stands for a complete environment.
python = "/usr/bin/python3"
if os.path.exists(os.path.join(config.moec_test_venv, "requirements.sha256")):
    python = os.path.join(config.moec_test_venv, "bin", "python")
    config.available_features.add("moec-test-python")
else:
    lit_config.note("no Python packages for tests (no network?): tests that compare are skipped")
config.substitutions.append(("%python", python))

# The environment wins over the build's setting, so that one build can be run against other data.
test_data = os.path.realpath(os.environ.get("MOEC_TEST_DATA", config.moec_test_data))
if os.path.isdir(os.path.join(test_data, "models", "exports")):
    config.available_features.add("moec-test-data")
config.substitutions.append(("%moec_test_data", test_data))

if lit_config.params.get("moec_large"):
    config.available_features.add("moec-large-tests")

supported, reason = lit.util.killProcessAndChildrenIsSupported()
if supported:
    lit_config.maxIndividualTestTime = 300  # seconds; raise it for one test by splitting that test
else:
    lit_config.note("tests run without a time limit: " + reason)
