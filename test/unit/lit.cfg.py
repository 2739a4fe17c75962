"""GoogleTest executables: every build/…/test/unit/*Tests."""

import os

import lit.formats
import lit.util

config.name = "moec-unit"
config.test_format = lit.formats.GoogleTest(".", "Tests")
config.suffixes = []
config.test_source_root = os.path.join(config.moec_obj_root, "test", "unit")
config.test_exec_root = config.test_source_root
config.environment["MOEC_SOURCE_DIR"] = config.moec_src_root
config.environment["MOEC_TEST_DATA"] = os.path.realpath(
    os.environ.get("MOEC_TEST_DATA", config.moec_test_data)
)
# Tests ask for impossible amounts of memory; with sanitizers, too, that is an answer and no crash.
config.environment.setdefault("ASAN_OPTIONS", "allocator_may_return_null=1")
if lit.util.killProcessAndChildrenIsSupported()[0]:
    lit_config.maxIndividualTestTime = 300
