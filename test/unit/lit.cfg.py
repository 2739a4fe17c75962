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
if lit.util.killProcessAndChildrenIsSupported()[0]:
    lit_config.maxIndividualTestTime = 300
