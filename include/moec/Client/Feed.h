//===- Feed.h - Arrays of .npz files as inputs and outputs of a model --------------------*- C++
//-*-===//
#ifndef MOEC_CLIENT_FEED_H
#define MOEC_CLIENT_FEED_H

#include "moec/Support/Npz.h"
#include "moec_rt/model.h"

#include <string>
#include <vector>

namespace moec {

/// Inputs of one call and the memory they stand in.
struct InputSet {
  std::vector<NpyArray> arrays;
  std::vector<moec_tensor> tensors; ///< in the order of the model's inputs
};

/// "PREFIX/name", or "name" when the prefix is empty.
std::string caseKey(llvm::StringRef prefix, llvm::StringRef name);

/// Reads the array of every input of the model, under caseKey(prefix, name). A missing array or one
/// of another type is an error; rank and sizes are the model's to check. Arrays that belong to no
/// input are left alone.
llvm::Expected<InputSet> readInputs(NpzReader &file, llvm::StringRef prefix,
                                    const moec_model_info &model);

/// Writes the outputs of a call under caseKey(prefix, name).
llvm::Error writeOutputs(llvm::StringRef path, llvm::StringRef prefix, const moec_model_info &model,
                         llvm::ArrayRef<moec_tensor> outputs);

/// Whether the array may stand for a tensor of this moec_type (bfloat16 values come as uint16).
bool hasType(NpyKind kind, int32_t type);

/// "a, b, c and 4 more": the keys of a file for a message.
std::string listForMessage(llvm::ArrayRef<std::string> keys);

} // namespace moec

#endif // MOEC_CLIENT_FEED_H
