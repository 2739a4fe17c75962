//===- ValueChecks.h - Names, tensors, types and attributes by themselves ----------------*- C++
//-*-===//
//
// Each fails with what is wrong; the caller says where.
//
//===------------------------------------------------------------------------------------------===//
#ifndef MOEC_LIB_ONNXLIBRARY_VALUECHECKS_H
#define MOEC_LIB_ONNXLIBRARY_VALUECHECKS_H

#include "moec/OnnxLibrary/OnnxModel.h"

#include "onnx/onnx_pb.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace moec {

/// `what` is the kind of name, for the message. Empty names pass.
llvm::Error checkName(llvm::StringRef what, llvm::StringRef name, const OnnxLimits &limits);

/// Type, shape and where the data is; not whether the data fits.
llvm::Error checkTensor(const ::onnx::TensorProto &tensor, const OnnxLimits &limits);

/// The shape of a declared input, output or value.
llvm::Error checkType(const ::onnx::TypeProto &type, const OnnxLimits &limits);

/// The attributes of a node: their names, that each holds one value of the kind that it states, and
/// references to attributes of a function only `inFunction`. Graphs are left to the caller.
llvm::Error checkAttributes(const ::onnx::NodeProto &node, bool inFunction,
                            const OnnxLimits &limits);

/// Counts and kinds by the operator's schema, if there is one: operands and results, which of them
/// are required, and attributes. (What else the library finds is a warning: runtimes take more than
/// the schemas list.)
llvm::Error checkSchema(const ::onnx::NodeProto &node, int64_t opset);

} // namespace moec

#endif // MOEC_LIB_ONNXLIBRARY_VALUECHECKS_H
