//===- ModelWalk.h - Visit the parts of a model ------------------------------------------*- C++
//-*-===//
#ifndef MOEC_LIB_ONNXLIBRARY_MODELWALK_H
#define MOEC_LIB_ONNXLIBRARY_MODELWALK_H

#include "onnx/onnx_pb.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace moec {

/// Calls `visit` for every node in a list and in the graphs below, without recursion, until it
/// returns false. Returns whether it never did.
bool forEachNode(const google::protobuf::RepeatedPtrField<::onnx::NodeProto> &nodes,
                 llvm::function_ref<bool(const ::onnx::NodeProto &)> visit);

/// The same with nodes that may be changed, but for their graphs.
void forEachNode(google::protobuf::RepeatedPtrField<::onnx::NodeProto> &nodes,
                 llvm::function_ref<void(::onnx::NodeProto &)> visit);

/// Calls `visit` for every tensor of the model: initializers and attributes, of graphs at any depth
/// and of functions.
void forEachTensor(::onnx::ModelProto &model,
                   llvm::function_ref<void(::onnx::TensorProto &)> visit);

/// How messages call a node: by name, else by what it computes, and its operator.
std::string describeNode(const ::onnx::NodeProto &node);

/// In quotes, with what cannot be printed escaped, cut where it is long.
std::string quoteName(llvm::StringRef name);

/// "ai.onnx" is another name of the empty domain.
inline llvm::StringRef normalizeDomain(llvm::StringRef domain) {
  return domain == "ai.onnx" ? "" : domain;
}

inline llvm::Error makeModelError(const llvm::Twine &message) {
  return llvm::createStringError(message);
}

} // namespace moec

#endif // MOEC_LIB_ONNXLIBRARY_MODELWALK_H
