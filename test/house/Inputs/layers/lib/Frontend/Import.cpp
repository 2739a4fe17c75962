#include "mlir/IR/Builders.h"
#include "onnx/onnx_pb.h"
#include "onnx/checker.h"
