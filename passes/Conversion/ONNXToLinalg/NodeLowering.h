//===- NodeLowering.h - Lowering one ONNX node to tensors --------------------------------*- C++
//-*-===//
//
// What a handler sees of the node it lowers, and the table of handlers.
//
// A handler emits linalg, tensor, arith, math, scf and kernel operations on tensors in place of one
// node. All shapes are dynamic where the model says so; sizes are SymExprs, turned into SSA values
// on demand, so that equal sizes are the same value and `equal` is decided, not guessed.
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_NODELOWERING_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_NODELOWERING_H

#include "dialects/ONNX/ONNXOps.h"
#include "moec/Kernels/Kernels.h"
#include "passes/Analysis/SymbolicShapes.h"
#include "passes/Conversion/ONNXToLinalg/WeightPlan.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringMap.h"
#include <functional>

namespace moec {

/// Lowered forms of the values of a function, and the sizes that have been computed so far.
class LoweringState {
public:
  /// Sizes are computed at the end of `home`, the block that nodes are lowered into: wherever a
  /// handler asks, the value dominates everything that is emitted later.
  LoweringState(SymbolicShapes &shapes, mlir::Block *home, WeightPlan &weights,
                const KernelOptions &kernels)
      : shapes(shapes), weights(weights), kernels(kernels),
        home(mlir::OpBuilder::atBlockEnd(home)) {}

  SymbolicShapes &shapes;
  WeightPlan &weights;
  const KernelOptions kernels;

  /// Sets what is called for a value that `lookup` does not know: it may `map` it.
  void setDeferred(std::function<void(mlir::Value)> lower) { lowerDeferred = std::move(lower); }

  /// Records what `original` became.
  void map(mlir::Value original, mlir::Value lowered) { lowered_[original] = lowered; }
  /// What `original` became, materialised from its elements if it was only ever an expression; null
  /// if it has not been lowered.
  mlir::Value lookup(mlir::Location loc, mlir::Value original);

  /// The expression as a value of type index, computed once.
  mlir::Value getIndex(SymExpr expr);
  /// Says that the atom `expr` has the value `index`.
  void bind(SymExpr expr, mlir::Value index);

private:
  mlir::Value emitAtom(mlir::Location loc, const SymNode *atom);
  mlir::Value emitDivision(mlir::Location loc, SymExpr a, SymExpr b, bool remainder);

  mlir::OpBuilder home;
  std::function<void(mlir::Value)> lowerDeferred;
  llvm::DenseMap<mlir::Value, mlir::Value> lowered_;
  llvm::DenseMap<SymExpr, mlir::Value> indices;
  llvm::DenseMap<const SymNode *, mlir::Value> atoms;
};

/// Constant matrices packed in panels (kernel.panels): `tensor` is [count, panels, depth, panel].
struct PackedMatrices {
  mlir::Value tensor;
  int64_t count, depth, columns, panel;
};

/// What the results of a node became; a failure after an error.
using Results = llvm::FailureOr<llvm::SmallVector<mlir::Value>>;
/// … of a node of one result; a failure if it is null.
Results single(mlir::Value value);

/// One node and a builder positioned where its lowering goes.
class NodeLowering {
public:
  NodeLowering(LoweringState &state, mlir::OpBuilder &builder, mlir::Operation *op)
      : builder(builder), loc(op->getLoc()), op(op), node(llvm::dyn_cast<onnx::NodeOp>(op)),
        symbols(state.shapes.getSymbols()), state(state) {}

  mlir::OpBuilder &builder;
  mlir::Location loc;
  mlir::Operation *op;
  onnx::NodeOp node; ///< null if the operation is one of the moe dialect
  SymContext &symbols;

  //===- Operands
  //-------------------------------------------------------------------------------------===//

  /// Operand i as a ranked tensor with elements of the storage type (Codes.h); null if absent.
  mlir::Value operand(unsigned i);
  bool hasOperand(unsigned i) { return bool(getOriginal(i)); }
  /// The element type of operand i as in the model: tells signed (`i8`) from unsigned (`ui8`)
  /// integers.
  mlir::Type modelElementType(unsigned i);
  /// The sizes of operand i.
  llvm::ArrayRef<SymExpr> dims(unsigned i);
  /// The lowered form of a value that comes before the node, an operand or not; its sizes.
  mlir::Value lowered(mlir::Value original) { return state.lookup(loc, original); }
  llvm::ArrayRef<SymExpr> dims(mlir::Value original) { return state.shapes.get(original).dims; }
  SymbolicShapes &shapes() { return state.shapes; }
  /// The elements of operand i, if it is a small integer tensor (see SymbolicValue::elements).
  std::optional<llvm::ArrayRef<SymExpr>> elements(unsigned i);
  /// … if all are constants.
  std::optional<llvm::SmallVector<int64_t>> constants(unsigned i);
  /// Operand i as constant matrices in the layout that the matrix kernels stream, if it is (a view
  /// of) a weight of rank 2 or more; its last two dimensions are swapped first if `transposed`.
  std::optional<PackedMatrices> packedOperand(unsigned i, bool transposed);
  /// Values that are stacks of matrices of the same sizes, one after the other in one stack, if all
  /// are (views of) weights, or such side by side. With `halved` the left halves of all of them
  /// come first, then the right ones, as matrices of half as many columns.
  std::optional<PackedMatrices> packedStack(mlir::ValueRange values, bool transposed,
                                            bool halved = false);
  /// Matrices of weights, one stack, packed in panels: [count, panels, depth, panel]. They agree in
  /// everything but where they lie and how many they are; there is at least one. The columns of
  /// each `beside` are side by side, and may be of different numbers.
  mlir::Value packWeights(llvm::ArrayRef<moe::WeightOp> weights,
                          llvm::ArrayRef<kernel::PanelsAttr> layouts, mlir::Type elementType,
                          int64_t beside = 1);
  /// … of different sizes: panels one after the other, `size` elements together, [size].
  mlir::Value packPanels(llvm::ArrayRef<moe::WeightOp> weights,
                         llvm::ArrayRef<kernel::PanelsAttr> layouts, int64_t size,
                         mlir::Type elementType);
  const KernelOptions &kernels() { return state.kernels; }
  /// The only element of operand i, a tensor with one element, as a scalar of its signless type.
  mlir::Value scalarOperand(unsigned i);
  /// An axis counted from the front; refuses the node (and returns std::nullopt) if it lies outside
  /// of [-rank, rank).
  std::optional<int64_t> normalizeAxis(int64_t axis, int64_t rank);
  /// The same of an axis that may be known at run time only, where it is checked.
  std::optional<SymExpr> normalizeAxis(SymExpr axis, int64_t rank);

  //===- Results
  //--------------------------------------------------------------------------------------===//

  unsigned getNumResults() { return op->getNumResults(); }
  /// Whether result i exists (has a name in the model).
  bool hasResult(unsigned i);
  /// The type of result i: elements of the storage type, static where a size is a constant.
  mlir::RankedTensorType resultType(unsigned i);
  llvm::ArrayRef<SymExpr> resultDims(unsigned i);
  /// The sizes of result i, so that `index` may be asked for them while the node is lowered. Where
  /// the analysis does not know one, it is `computed` (null: not known to the handler either), and
  /// checked to be a size at run time. Refuses the node where a size is not known.
  llvm::FailureOr<llvm::ArrayRef<SymExpr>> resolveResultDims(unsigned i,
                                                             llvm::ArrayRef<SymExpr> computed);
  /// An expression for size d of result i, which depends on data and was computed as `index`.
  SymExpr bindResultDim(unsigned i, unsigned d, mlir::Value index);

  //===- Emitting
  //-------------------------------------------------------------------------------------===//

  mlir::Value index(SymExpr expr) { return state.getIndex(expr); }
  mlir::Value index(int64_t constant) { return index(symbols.constant(constant)); }
  /// The sizes as attributes where constant, else as index values.
  llvm::SmallVector<mlir::OpFoldResult> sizes(llvm::ArrayRef<SymExpr> dims);
  /// The type of a tensor of these sizes, static where they are constants.
  mlir::RankedTensorType tensorType(llvm::ArrayRef<SymExpr> dims, mlir::Type elementType);
  /// An uninitialised tensor of these sizes.
  mlir::Value empty(llvm::ArrayRef<SymExpr> dims, mlir::Type elementType);
  /// A tensor of these sizes whose elements are all `value` (a scalar).
  mlir::Value filled(llvm::ArrayRef<SymExpr> dims, mlir::Value value);
  /// A tensor of the same type family with other static sizes in its type: tensor.cast where
  /// needed.
  mlir::Value castTo(mlir::Value tensor, mlir::RankedTensorType type);
  /// A scalar constant of a signless integer, index or float type.
  mlir::Value scalar(mlir::Type type, double value);
  mlir::Value scalarInt(mlir::Type type, int64_t value);
  /// Ends the call with an error that names the node, unless `condition` (i1) holds.
  void check(mlir::Value condition, llvm::StringRef message);

  /// Ends the call with an error unless the sizes are equal. Emits nothing where that is proven;
  /// refuses the node where it can never hold.
  llvm::LogicalResult checkEqual(SymExpr a, SymExpr b, llvm::StringRef message);
  /// Ends the call with an error unless every expression is a size, in [0, kMaxSize]. Emits nothing
  /// where that is proven; refuses the node where it can never hold.
  llvm::LogicalResult checkSizes(llvm::ArrayRef<SymExpr> dims);
  /// Ends the call with an error unless a <= b; otherwise like checkEqual.
  llvm::LogicalResult checkLessEqual(SymExpr a, SymExpr b, llvm::StringRef message);

  /// Refuses the node: emits an error at it. Returns failure.
  llvm::LogicalResult refuse(const llvm::Twine &reason);

private:
  mlir::Value getOriginal(unsigned i);

  LoweringState &state;
};

/// Lowers a node. The results, one a result of the node (null for results of type none), have the
/// types `resultType(i)` up to static sizes. A handler that fails has emitted an error
/// (NodeLowering::refuse).
///
/// Nodes whose results are all small integer tensors with known elements are never handed to a
/// handler: their elements are expressions already.
using NodeHandlerFn = Results (*)(NodeLowering &);

/// Handlers by operator and version.
class NodeHandlerTable {
public:
  /// `handler` lowers `name` ("Add", "com.microsoft::MoE") for schema versions `minVersion` and
  /// later, up to the next registered one.
  void add(llvm::StringRef name, int64_t minVersion, NodeHandlerFn handler);
  /// The handler for a node, or nullptr.
  NodeHandlerFn lookup(onnx::NodeOp node) const;

private:
  llvm::StringMap<llvm::SmallVector<std::pair<int64_t, NodeHandlerFn>, 2>> handlers;
};

const NodeHandlerTable &getNodeHandlers();

/// Handlers of operations of the moe dialect, by name ("moe.dispatch").
using OperationHandlerTable = llvm::StringMap<NodeHandlerFn>;
const OperationHandlerTable &getOperationHandlers();
void addEpilogueHandlers(OperationHandlerTable &table);
void addExpertHandlers(OperationHandlerTable &table);

// One a family, each in its own file.
void addElementwiseHandlers(NodeHandlerTable &table);
void addReductionHandlers(NodeHandlerTable &table);
void addMatrixHandlers(NodeHandlerTable &table);
void addNormalizationHandlers(NodeHandlerTable &table);
void addQuantizationHandlers(NodeHandlerTable &table);
void addMovementHandlers(NodeHandlerTable &table);
void addIndexingHandlers(NodeHandlerTable &table);
void addSortingHandlers(NodeHandlerTable &table);
void addGeneratorHandlers(NodeHandlerTable &table);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_NODELOWERING_H
