//===- Signature.h - names and shapes of a model's inputs and outputs ---------===//
//
// As JSON (the artifact's signature, `moec inspect --json`):
//
//   { "inputs":  [ {"name": "input_ids", "type": "int64", "shape": ["batch", 256]} ],
//     "outputs": [ {"name": "logits", "type": "float32", "shape": ["batch", "?1", 512]} ],
//     "symbols": ["batch", ""] }
//
// A model whose sessions keep state has two more members, "states", of tensors with the name of the
// output and the axis that grows, and "state_capacity", in rows:
//
//     "states":  [ {"name": "past.0", "type": "float32", "shape": ["batch", 2, "past", 32],
//                   "output": "present.0", "axis": 2} ]
//
// A size of a shape is an integer or a symbol: its name, or "?" and its index if it has no name of
// its own ("" or one that starts with "?").
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_ARTIFACT_SIGNATURE_H
#define MOEC_ARTIFACT_SIGNATURE_H

#include "moec_rt/model.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <optional>
#include <string>
#include <vector>

namespace moec {

struct TensorSignature {
  std::string name;
  moec_type type = MOEC_FLOAT32;
  /// A size >= 0, or -1 - i for symbol i. At most MOEC_MAX_RANK.
  llvm::SmallVector<int64_t, 4> shape;
};

/// A cache that the session keeps, under the name of the model's input.
struct StateSignature : TensorSignature {
  std::string output; ///< name of the model's output
  int64_t axis = 0;   ///< the one that grows; its size is a symbol
};

struct Signature {
  std::vector<TensorSignature> inputs, outputs;
  std::vector<StateSignature> states;
  int64_t stateCapacity = 0; ///< rows; more than 0 if there are states
  /// Names of symbols, distinct unless "" (a size that is unknown and has no name).
  std::vector<std::string> symbols;

  /// Ranks, types, symbol indices and names are as described above; input names are distinct, and
  /// so are output names.
  llvm::Error verify() const;

  llvm::json::Object toJSON() const;
  /// Reads what toJSON wrote and verifies it; other members are ignored.
  static llvm::Expected<Signature> fromJSON(const llvm::json::Object &object);
};

/// "float32", "int64", "bool", …; null for a number that is no moec_type.
std::optional<llvm::StringRef> typeName(int32_t type);
std::optional<moec_type> typeFromName(llvm::StringRef name);
/// Bytes of an element; 0 for a number that is no moec_type.
unsigned typeSize(int32_t type);

} // namespace moec

#endif // MOEC_ARTIFACT_SIGNATURE_H
