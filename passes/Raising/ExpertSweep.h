//===- ExpertSweep.h - From a route to the sum over its experts
//-----------------------------------===//
//
// Follows the results of one route in program order and gives each value that depends on them a
// form (ExpertForms.h); values that it meets on the way and that do not depend on the route get
// theirs on demand. Where a sum closes the layer, `onLayer` is called.
//
//===----------------------------------------------------------------------------------------------===//
#ifndef MOEC_PASSES_RAISING_EXPERTSWEEP_H
#define MOEC_PASSES_RAISING_EXPERTSWEEP_H

#include "passes/Raising/ExpertForms.h"

namespace moec::experts {

/// A sum over the experts of a route.
struct Layer {
  mlir::Operation *sum; ///< its only result is replaced
  llvm::SmallVector<Axis, 4> axes;
  /// What the experts' rows are, for expert e; each with its gate as a factor.
  llvm::SmallVector<Row *> rows;
  /// What else is added.
  llvm::SmallVector<mlir::Value, 1> others;
  /// Of tokens' or of slots' rows: without a condition on the expert in the gate.
  bool overSlots;
  /// No sum: the rows of the slots themselves.
  bool ofSlots = false;
  /// See Row::limit.
  unsigned limit = 0;
};

class Sweep {
public:
  Sweep(moe::RouteOp route, SymbolicShapes &shapes,
        const llvm::DenseSet<mlir::Operation *> &ancestors);

  /// The layers, in program order, up to the operation number `end`. `raise` replaces a layer's
  /// sum, and says whether it did.
  void run(llvm::function_ref<bool(Layer &)> raise,
           const llvm::DenseMap<mlir::Operation *, unsigned> &order, unsigned end);

  /// Null if nothing is known.
  Form demand(mlir::Value value);
  /// Whether all elements are 0: a constant, or a weight whose bytes can be read.
  bool isZero(mlir::Value value);

  moe::RouteOp route;
  SymbolicShapes &shapes;
  Sizes sizes;
  Rows rows;
  std::vector<Limit> limits;
  /// How the last thing that looked like a sum over experts fell short, and where.
  std::string reason;
  mlir::Operation *reasonAt = nullptr;
  void refuse(mlir::Operation *at, const llvm::Twine &why) {
    reason = why.str();
    reasonAt = at;
  }

private:
  friend class Transfer;
  /// Sets the forms of the results, if something is known of them.
  void transfer(mlir::Operation *op);

  const llvm::DenseSet<mlir::Operation *> &ancestors;
  llvm::DenseMap<mlir::Value, Form> forms;
  std::vector<Pick> picks;
  /// What has as many elements as these sizes say.
  llvm::SmallVector<std::pair<SymExpr, Axis>> listSizes;
  /// The list that all slots are sorted in, if there is one.
  std::optional<Factor> sorted;
  unsigned depth = 0;
  std::optional<Layer> closed;
  /// Slots' rows back in the order of the slots: a layer of its own if no sum follows.
  std::optional<Layer> unsummed;
};

/// One operation.
class Transfer {
public:
  Transfer(Sweep &sweep, mlir::Operation *op) : sweep(sweep), op(op), sizes(sweep.sizes) {
    node = mlir::dyn_cast<onnx::NodeOp>(op);
  }

  void run();

private:
  Sweep &sweep;
  mlir::Operation *op;
  onnx::NodeOp node;
  Sizes &sizes;

  Form in(unsigned i) { return sweep.demand(op->getOperand(i)); }
  Row *content(unsigned i) { return in(i).content; }
  llvm::ArrayRef<SymExpr> dims(mlir::Value value) { return sweep.shapes.get(value).dims; }
  int64_t rank(mlir::Value value) { return sweep.shapes.get(value).getRank(); }
  std::optional<llvm::SmallVector<int64_t>> integers(unsigned i);
  void set(llvm::ArrayRef<Axis> axes, Row *content, unsigned result = 0);
  /// The axes of a node that names them by attribute or operand, counted from the front.
  std::optional<llvm::SmallVector<int64_t>> getAxes(unsigned operand);

  // Movement, in ExpertMovement.cpp.
  bool move(llvm::StringRef opType);
  void reshapeTo(const Form &form);
  void transpose();
  void spread(llvm::StringRef opType);
  void cut(llvm::StringRef opType);
  void cutAxis(const Form &form, int64_t axis, int64_t begin, int64_t size, unsigned result);
  void concat();
  bool isAlongLastFeatures();
  // Indices, in ExpertIndexing.cpp.
  bool index(llvm::StringRef opType);
  void gather();
  void gatherND();
  void oneHot();
  void nonZero();
  void scatterElements();
  void scatterND();
  void sort();
  void range();
  bool indexArithmetic(llvm::StringRef opType);
  /// `data` with the axes from `first` on, which the index runs over, put in its place.
  void pick(const Form &data, unsigned first, llvm::ArrayRef<Axis> over,
            llvm::ArrayRef<Axis> indexAxes);
  // By the names of axes, in ExpertEinsum.cpp.
  void einsum();
  bool contract(const Form &x, llvm::StringRef xs, const Form &w, llvm::StringRef ws,
                llvm::StringRef out);
  bool contractPicked(const Form &x, llvm::StringRef xs, const Form &w, llvm::StringRef ws,
                      llvm::StringRef out);
  void gatherElements();
  bool stack();
  bool joinTuple();
  // Rows, in ExpertRows.cpp.
  bool limitGate();
  void elementwise();
  void rowwise();
  void dequantize();
  Form withExperts(Form form, const Form &other);
  Row *apply(llvm::ArrayRef<Row *> operands, int64_t width, unsigned result = 0);
  // Products with matrices, in ExpertProducts.cpp.
  void linear();
  void matmul();
  void combine(const Form &a, const Form &b);
  // Sums, in ExpertSums.cpp.
  void settle(llvm::ArrayRef<Axis> axes, Row *row);
  void reduce();
  void sumUp(Row *row, llvm::ArrayRef<Axis> axes, const Axis &over);
  void partial(llvm::ArrayRef<mlir::Value> operands, llvm::ArrayRef<Axis> axes);
  bool addPart(Row &sum, Row *part);
  void finish(Row *sum, llvm::ArrayRef<Axis> axes);
  void close(llvm::ArrayRef<Axis> axes, Row *row, bool overSlots);
};

/// Whether a row is w · f with a gate w; takes them apart.
bool splitGate(Row *row, Row *&gate, Row *&rest);

/// Whether a value depends on no argument of the function and no route.
bool isConstant(mlir::Value value);

} // namespace moec::experts

#endif // MOEC_PASSES_RAISING_EXPERTSWEEP_H
