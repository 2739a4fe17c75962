//===- ExpertForms.h - What a tensor between a route and its experts' sum is
//----------------------===//
//
// The values between a `moe.route` and the sum over its experts are described, whatever the nodes
// that make them, as functions of coordinates: token t, slot s, expert e, feature f. A form has
//
// - for each axis the coordinates that it runs over, row-major (flattening puts several on an
//   axis; an axis of size one has none), and
// - the content, an expression of coordinates.
//
// Naming a coordinate claims nothing: an axis is called "expert" because what it indexes is called
// so. That the expert of a slot is the one that the route chose follows from the index that was
// used: parameters gathered by the route's experts lose their expert axis and run over tokens and
// slots instead. A content whose axes have no expert coordinate is that of expert experts[t, s].
//
//===----------------------------------------------------------------------------------------------===//
#ifndef MOEC_PASSES_RAISING_EXPERTFORMS_H
#define MOEC_PASSES_RAISING_EXPERTFORMS_H

#include "dialects/MoE/MoEOps.h"
#include "passes/Analysis/SymbolicShapes.h"

#include <deque>

namespace moec::experts {

enum class Coordinate : uint8_t {
  Token,
  Slot,
  Expert,
  Feature, ///< of a row or a parameter; `id` tells a parameter's axes apart
  Pick,    ///< a list of slots, `id` says which
  Tuple    ///< the components of an index
};

/// A coordinate, or a part of one that a reshape has cut: the digit of weight `stride`.
struct Factor {
  Coordinate kind;
  unsigned id;
  SymExpr size, stride;
  bool operator==(const Factor &other) const {
    return kind == other.kind && id == other.id && size == other.size && stride == other.stride;
  }
};

using Axis = llvm::SmallVector<Factor, 2>;

/// A list of slots in some order.
struct Pick {
  /// The only expert whose slots it has, all that its limit leaves; -1: all slots, sorted by
  /// expert.
  int64_t expert;
  /// Of the part of a sorted list that is one expert's: that list. Otherwise itself.
  unsigned whole;
  /// See Row::limit.
  unsigned limit = 0;
  /// What the slots were listed from, in order; the list's size.
  Axis from;
  SymExpr size;
};

/// Slots that are left out: where `mask` [T, E], or [T, k, E] `bySlot`, is zero at the slot's
/// expert.
struct Limit {
  mlir::Value mask;
  bool bySlot;
};

enum class RowKind : uint8_t {
  Tokens,   ///< a value of the graph, one row a token
  Constant, ///< a value that depends on no input
  Param,    ///< a constant whose first axis is the expert
  Gate,     ///< see Row::weights
  Expert,   ///< the number of the slot's expert
  Bin,      ///< a float that truncates to it, but for the last expert, which may be one more
  Index,    ///< the position in `axes`, times `number` (see Row::axes)
  Ratio,    ///< the position in `axes`, divided by `number`, as a float
  Sign,     ///< 0 or 1, the sign of a Ratio
  Counts,   ///< of slots of each expert
  Ends,     ///< where each expert's slots end in a sorted list
  Zero,
  Apply,  ///< `node` on rows
  Linear, ///< a product with a matrix
  Choice, ///< operand e for expert e
  Partial ///< a sum over some experts; `operands` by expert, null where absent
};

struct Row {
  RowKind kind;
  /// Tokens, Constant, Param: the value. Gate: the weights [T, k], null for one. Apply: null.
  mlir::Value value = {};
  /// Apply, Linear: the operation to clone. Its number of the result.
  mlir::Operation *node = nullptr;
  unsigned result = 0;
  llvm::SmallVector<Row *, 3> operands = {};
  /// Index, Ratio: the factor; Counts, Ends, Linear (whether transposed): a number.
  int64_t number = 0;
  /// Index: one axis, or one for each component of a tuple.
  llvm::SmallVector<Axis, 1> axes = {};
  /// Gate: weights[t, s] where the slot's expert is `expert` (kAny: no condition; kAxis: the expert
  /// axis), else 0; `summed` over the slots.
  int64_t expert = kAny;
  bool summed = false;
  /// Gate, Partial: Sweep::limits[limit - 1] leaves out some slots; 0: none does.
  unsigned limit = 0;
  /// Has a parameter, or a choice, in it; depends on the token.
  bool perExpert = false, onToken = false;
  /// The size of the feature axis; 0 without one.
  int64_t width = 0;
  mlir::Type elementType = {};
  /// A value with one row for each token and this content, if there is one.
  mlir::Value origin = {};
  /// Partial: what else has been added.
  llvm::SmallVector<mlir::Value, 1> others = {};

  static constexpr int64_t kAny = -1, kAxis = -2;
};

/// Whether this is something that nodes compute on: no number of an expert, index or list.
bool isRow(const Row *row);

/// Whether an axis is a feature axis of a known size.
bool isFeature(const Axis &axis);

/// A value's axes and content. Without content nothing is known.
struct Form {
  llvm::SmallVector<Axis, 4> axes;
  Row *content = nullptr;
  explicit operator bool() const { return content != nullptr; }
};

/// The sizes that name coordinates, and expressions over them.
struct Sizes {
  SymContext &symbols;
  SymExpr tokens;
  int64_t k, numExperts;

  Factor factor(Coordinate kind, SymExpr size, unsigned id = 0) {
    return {kind, id, size, symbols.constant(1)};
  }
  Factor token() { return factor(Coordinate::Token, tokens); }
  Factor slot() { return factor(Coordinate::Slot, symbols.constant(k)); }
  Factor expert() { return factor(Coordinate::Expert, symbols.constant(numExperts)); }
};

/// Joins neighbours that a reshape had cut apart.
void normalize(Axis &axis, Sizes &sizes);
/// An axis with these coordinates; without those of size one.
Axis makeAxis(llvm::ArrayRef<Factor> factors, Sizes &sizes);

/// Cuts the coordinates at the new sizes; std::nullopt if they do not fall on the cuts.
std::optional<llvm::SmallVector<Axis, 4>> reshape(llvm::ArrayRef<Axis> axes,
                                                  llvm::ArrayRef<SymExpr> dims, Sizes &sizes);

/// The axes of an elementwise result; std::nullopt if an axis would mean two things.
std::optional<llvm::SmallVector<Axis, 4>> broadcast(llvm::ArrayRef<Form> operands);

bool has(llvm::ArrayRef<Axis> axes, Coordinate kind);
/// Whether the axes run over the tokens, each once, and then perhaps over slots and features.
bool isAll(const Axis &axis, Coordinate kind, Sizes &sizes);
/// Where a coordinate is an axis of its own.
std::optional<unsigned> findAxis(llvm::ArrayRef<Axis> axes, Coordinate kind);

/// Whether two operations compute the same of their operands; names and metadata do not count.
bool computeTheSame(mlir::Operation *a, mlir::Operation *b);

/// Makes and owns rows; equal ones are one.
class Rows {
public:
  Row *get(Row row);
  Row *gate(mlir::Value weights, int64_t expert, bool summed, unsigned limit = 0);
  Row *index(llvm::ArrayRef<Axis> axes, int64_t scale = 1);
  Row *leaf(RowKind kind) { return get(Row{kind}); }

private:
  std::deque<Row> storage;
  llvm::DenseMap<unsigned, llvm::SmallVector<Row *, 1>> byHash;
};

} // namespace moec::experts

#endif // MOEC_PASSES_RAISING_EXPERTFORMS_H
