//===- OutlineTasks.cpp - Bodies of parallel loops become functions
//---------------------------------===//
#include "dialects/Par/ParOps.h"
#include "passes/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringExtras.h"

namespace moec {
#define GEN_PASS_DEF_OUTLINETASKSPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

constexpr auto kIgnoreLocations = OperationEquivalence::Flags::IgnoreLocations;

llvm::hash_code hashBody(func::FuncOp task) {
  llvm::hash_code hash = llvm::hash_value(task.getFunctionType().getAsOpaquePointer());
  task.getBody().walk([&](Operation *op) {
    hash = llvm::hash_combine(hash, OperationEquivalence::computeHash(
                                        op, OperationEquivalence::ignoreHashValue,
                                        OperationEquivalence::ignoreHashValue, kIgnoreLocations));
  });
  return hash;
}

/// `task_` and the node's name, as profilers will show it: of code that several nodes share, such
/// as that of repeated layers, the first one's. For code that is of no node but of a kernel, the
/// kernel's name and `_task`.
std::string getTaskName(par::ForOp loop) {
  constexpr size_t longest = 200;
  auto node = loop.getLoc()->findInstanceOf<NameLoc>();
  if (!node)
    return (loop->getParentOfType<func::FuncOp>().getSymName() + "_task").str();
  std::string name = ("task_" + node.getName().getValue().take_back(longest)).str();
  for (char &c : name)
    if (!llvm::isAlnum(c) && c != '_' && c != '.')
      c = '_';
  return name;
}

class TaskOutliner {
public:
  explicit TaskOutliner(ModuleOp module) : module(module), symbols(module) {}

  void outline(par::ForOp loop) {
    OpBuilder builder(loop);
    sinkConstants(loop);
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(loop.getBody(), captured);
    SmallVector<Type> types(2, builder.getIndexType());
    for (Value value : captured)
      types.push_back(value.getType());
    auto parent = loop->getParentOfType<func::FuncOp>();
    auto task =
        func::FuncOp::create(loop.getLoc(), getTaskName(loop), builder.getFunctionType(types, {}));
    task.setPrivate();
    Block &body = loop.getBody().front();
    IRMapping mapping;
    task.getBody().takeBody(loop.getBody());
    for (Value value : captured) {
      BlockArgument argument = body.addArgument(value.getType(), value.getLoc());
      mapping.map(value, argument);
    }
    replaceInside(task.getBody(), mapping);
    Operation *yield = body.getTerminator();
    builder.setInsertionPoint(yield);
    func::ReturnOp::create(builder, yield->getLoc());
    yield->erase();
    func::FuncOp callee = unify(task, parent);
    builder.setInsertionPoint(loop);
    par::LaunchOp::create(builder, loop.getLoc(), callee.getSymName(), loop.getCount(),
                          loop.getGrain(), captured.getArrayRef());
    loop.erase();
  }

private:
  /// Constants belong inside: the task then sees them, and takes fewer arguments.
  void sinkConstants(par::ForOp loop) {
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(loop.getBody(), captured);
    OpBuilder builder = OpBuilder::atBlockBegin(&loop.getBody().front());
    IRMapping mapping;
    for (Value value : captured) {
      auto constant = value.getDefiningOp<arith::ConstantOp>();
      if (!constant || isa<ShapedType>(constant.getType()))
        continue;
      mapping.map(value, builder.clone(*constant)->getResult(0));
    }
    replaceInside(loop.getBody(), mapping);
  }

  /// Looks at the region, not at the uses of a value: a constant of the entry has thousands.
  static void replaceInside(Region &region, const IRMapping &mapping) {
    region.walk([&](Operation *op) {
      for (OpOperand &operand : op->getOpOperands())
        operand.set(mapping.lookupOrDefault(operand.get()));
    });
  }

  /// The function that does the same if there is one already, else `task`, now in the module.
  func::FuncOp unify(func::FuncOp task, func::FuncOp parent) {
    auto &candidates = tasks[hashBody(task)];
    for (func::FuncOp candidate : candidates) {
      if (candidate.getFunctionType() == task.getFunctionType() &&
          OperationEquivalence::isRegionEquivalentTo(&candidate.getBody(), &task.getBody(),
                                                     kIgnoreLocations)) {
        task.erase();
        return candidate;
      }
    }
    symbols.insert(task, parent->getIterator());
    candidates.push_back(task);
    return task;
  }

  ModuleOp module;
  SymbolTable symbols;
  llvm::DenseMap<size_t, SmallVector<func::FuncOp, 1>> tasks;
};

struct OutlineTasks : impl::OutlineTasksPassBase<OutlineTasks> {
  void runOnOperation() override {
    SmallVector<par::ForOp> loops;
    getOperation().walk([&](par::ForOp loop) { loops.push_back(loop); }); // inner loops first
    TaskOutliner outliner(getOperation());
    for (par::ForOp loop : loops)
      outliner.outline(loop);
  }
};

} // namespace
} // namespace moec
