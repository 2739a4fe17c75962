"""run_onnx.py MODEL.onnx INPUTS.npz PREFIX NAMES.json VALUES.npz

Runs an ONNX model in ONNX Runtime, without its optimisations, and writes those of the named values
that nodes of the model give: what `moec run --compare-onnx` compares with.
"""

import sys

sys.path = [folder for folder in sys.path if folder]  # nothing from the folder one happens to be in

import json
import os
import zipfile

try:
    import numpy
    import onnx
    import onnxruntime
except ImportError as error:
    sys.exit(f"the comparison needs the Python packages numpy, onnx and onnxruntime: {error}")

modelPath, inputsPath, prefix, namesPath, valuesPath = sys.argv[1:]
wanted = json.load(open(namesPath))
# Without its external data: ONNX Runtime reads that itself, in the model's folder.
model = onnx.load(modelPath, load_external_data=False)
present = [output.name for output in model.graph.output]
computed = {name for node in model.graph.node for name in node.output}
for name in wanted:
    if name in computed and name not in present:
        model.graph.output.append(onnx.ValueInfoProto(name=name))
        present.append(name)
wanted = [name for name in wanted if name in present]

options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
options.log_severity_level = 3
folder = os.path.dirname(os.path.abspath(modelPath))
options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
try:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    arrays = numpy.load(inputsPath)
    key = (lambda name: f"{prefix}/{name}") if prefix else (lambda name: name)
    feed = {input.name: arrays[key(input.name)] for input in session.get_inputs()}
    values = session.run(wanted, feed)
except Exception as error:  # ONNX Runtime's exceptions have no class in common
    sys.exit(f"ONNX Runtime cannot run {modelPath}: {str(error).strip().splitlines()[0]}")

# Not numpy.savez: a name may be anything, also that of its argument.
with zipfile.ZipFile(valuesPath, "w") as archive:
    for name, value in zip(wanted, values):
        if isinstance(value, numpy.ndarray) and value.dtype.kind in "fiub":
            with archive.open(name + ".npy", "w", force_zip64=True) as member:
                numpy.lib.format.write_array(member, numpy.asarray(value, order="C"))
