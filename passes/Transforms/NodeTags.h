//===- NodeTags.h - Which node of the model an operation is of ---------------------------*- C++
//-*-===//
//
// Lowering keeps locations, so they tell what code comes from: a NameLoc is the node's name, and a
// FusedLoc around it with a string as metadata adds its operator.
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_PASSES_TRANSFORMS_NODETAGS_H
#define MOEC_PASSES_TRANSFORMS_NODETAGS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/SetVector.h"

namespace moec {

/// A node; no name for code of none.
struct NodeTag {
  mlir::StringAttr name, op;

  explicit operator bool() const { return name != nullptr; }
  bool operator==(const NodeTag &other) const { return name == other.name; }
};

/// `loc` as one of a node with that operator. Left alone if it has no name, or an operator already.
mlir::Location tagNode(mlir::Location loc, llvm::StringRef op);

/// The node that the operation is of, if its location is tagged.
NodeTag getNodeTag(mlir::Location loc);

/// Adds the names of nodes other than `node` whose code the operation and its regions are.
void addOtherNodes(mlir::Operation *op, const NodeTag &node,
                   llvm::SmallSetVector<mlir::Attribute, 4> &names);

} // namespace moec

#endif // MOEC_PASSES_TRANSFORMS_NODETAGS_H
