//===- OutlineRepeats.cpp - Layers and experts become functions
//-----------------------------------===//
#include "dialects/Kernel/KernelOps.h"
#include "passes/Analysis/Repeats.h"
#include "passes/Transforms/Passes.h"
#include "passes/Transforms/RepeatOutliner.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace moec {
#define GEN_PASS_DEF_OUTLINEREPEATSPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

/// The operations of some functions, one function after the other, without leaves.
class Sequence {
public:
  Sequence(ArrayRef<func::FuncOp> functions, OperationClasses &classes) {
    for (func::FuncOp function : functions)
      for (Operation &op : function.getBody().front()) {
        if (isLeaf(&op))
          continue;
        positions[&op] = operations.size();
        operations.push_back(&op);
        symbols.push_back(canMove(&op) ? classes.get(&op) : classes.getUnique());
      }
    countCuts();
  }

  std::vector<Repeat> findRepeats(unsigned minLength) const {
    return moec::findRepeats(symbols, cuts, minLength);
  }

  ArrayRef<Operation *> getStretch(unsigned start, unsigned length) const {
    return ArrayRef(operations).slice(start, length);
  }

  llvm::hash_code getHash(const Repeat &repeat) const {
    return llvm::hash_combine_range(ArrayRef(symbols).slice(repeat.starts[0], repeat.length));
  }

private:
  /// Memory on the stack is the function's; the arena belongs to the entry.
  static bool canMove(Operation *op) {
    return !op->hasTrait<OpTrait::IsTerminator>() && !isa<kernel::ArenaOp, memref::AllocaOp>(op);
  }

  /// How many values are in use across each place.
  void countCuts() {
    std::vector<int> change(operations.size() + 2);
    for (auto [i, op] : llvm::enumerate(operations))
      for (Value result : op->getResults()) {
        unsigned last = i;
        for (Operation *user : result.getUsers())
          last = std::max(last, positions.lookup(op->getBlock()->findAncestorOpInBlock(*user)));
        ++change[i + 1];
        --change[last + 1];
      }
    int live = 0;
    for (size_t i = 0; i <= operations.size(); ++i)
      cuts.push_back(live += change[i]);
  }

  std::vector<Operation *> operations;
  std::vector<unsigned> symbols, cuts;
  DenseMap<Operation *, unsigned> positions;
};

/// Which operand of a stretch comes from which of its operations.
std::vector<std::pair<unsigned, unsigned>> getInsideUses(ArrayRef<Operation *> stretch) {
  DenseMap<Operation *, unsigned> index;
  for (auto [i, op] : llvm::enumerate(stretch))
    index[op] = i + 1;
  std::vector<std::pair<unsigned, unsigned>> uses;
  for (Operation *op : stretch)
    forEachOutsideOperand(op, [&](OpOperand &operand) {
      Operation *definer = operand.get().getDefiningOp();
      unsigned from = definer ? index.lookup(definer) : 0;
      uses.emplace_back(from, from ? cast<OpResult>(operand.get()).getResultNumber() : 0);
    });
  return uses;
}

struct OutlineRepeats : impl::OutlineRepeatsPassBase<OutlineRepeats> {
  using OutlineRepeatsPassBase::OutlineRepeatsPassBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic() && !function.isExternal() && function.getBody().hasOneBlock())
        functions.push_back(function);
    for (func::FuncOp function : functions)
      nameNodes(function);
    OperationClasses classes;
    while (outlineOne(functions, classes, symbols)) {
    }
    for (func::FuncOp function : functions)
      forgetNodes(function);
  }

private:
  /// What differs in checks of different nodes becomes an operand.
  static void nameNodes(func::FuncOp function) {
    OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
    function.walk([&](kernel::CheckOp check) {
      auto name = check.getLoc()->findInstanceOf<NameLoc>();
      if (!check.getNode() && name)
        check.getNodeMutable().assign(kernel::NodeNameOp::create(
            builder, check.getLoc(), builder.getIndexType(), name.getName()));
    });
  }

  /// Where the name is known, the location says it as well.
  static void forgetNodes(func::FuncOp function) {
    SmallVector<kernel::NodeNameOp> names;
    function.walk([&](kernel::CheckOp check) {
      if (check.getNode() && check.getNode().getDefiningOp<kernel::NodeNameOp>())
        check.getNodeMutable().clear();
    });
    for (auto name : llvm::make_early_inc_range(function.getOps<kernel::NodeNameOp>()))
      if (name.use_empty())
        name.erase();
  }

  /// Leaves to the start, each once.
  static void gatherLeaves(func::FuncOp function, OperationClasses &classes) {
    Block &block = function.getBody().front();
    DenseMap<unsigned, Operation *> leaves;
    Operation *last = nullptr;
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (!isLeaf(&op))
        continue;
      Operation *&leaf = leaves[classes.get(&op)];
      if (leaf) {
        op.replaceAllUsesWith(leaf);
        classes.replace(&op, leaf);
        op.erase();
        continue;
      }
      leaf = &op;
      if (last)
        op.moveAfter(last);
      else
        op.moveBefore(&block, block.begin());
      last = &op;
    }
  }

  bool outlineOne(SmallVectorImpl<func::FuncOp> &functions, OperationClasses &classes,
                  SymbolTable &symbols) {
    for (func::FuncOp function : functions)
      gatherLeaves(function, classes);
    Sequence sequence(functions, classes);
    for (const Repeat &repeat : sequence.findRepeats(minLength)) {
      size_t hash = static_cast<size_t>(sequence.getHash(repeat)) >> 1;
      if (refused.contains(hash))
        continue;
      SmallVector<ArrayRef<Operation *>, 0> stretches = selectAlike(sequence, repeat);
      Operation *first = stretches[0][0];
      if (stretches.size() > 1) {
        RepeatedCode code(std::move(stretches), classes);
        if (code.getSaved() > 0) {
          functions.push_back(outline(code, repeat, first, symbols));
          return true;
        }
        emitRemark(first->getLoc())
            << repeat.length << " operations from here stand in " << code.getNumStretches()
            << " places and stay there: a function would take " << code.getNumArguments()
            << " arguments and return " << code.getNumResults();
      } else {
        emitRemark(first->getLoc())
            << repeat.length << " operations from here stand in " << repeat.starts.size()
            << " places and stay there: they use each other's results differently";
      }
      refused.insert(hash);
    }
    return false;
  }

  /// The largest set of places that use their operations' results alike.
  static SmallVector<ArrayRef<Operation *>, 0> selectAlike(const Sequence &sequence,
                                                           const Repeat &repeat) {
    std::map<std::vector<std::pair<unsigned, unsigned>>, SmallVector<ArrayRef<Operation *>, 0>>
        groups;
    for (unsigned start : repeat.starts) {
      ArrayRef<Operation *> stretch = sequence.getStretch(start, repeat.length);
      groups[getInsideUses(stretch)].push_back(stretch);
    }
    return std::max_element(groups.begin(), groups.end(),
                            [](auto &a, auto &b) { return a.second.size() < b.second.size(); })
        ->second;
  }

  func::FuncOp outline(RepeatedCode &code, const Repeat &repeat, Operation *first,
                       SymbolTable &symbols) {
    auto parent = first->getParentOfType<func::FuncOp>();
    func::FuncOp function = code.createFunction((parent.getSymName() + "_part").str());
    symbols.insert(function, parent->getIterator());
    function->setAttr(kernel::kOutlinedAttrName, UnitAttr::get(&getContext()));
    emitRemark(function.getLoc()) << repeat.length << " operations, which stand in "
                                  << code.getNumStretches() << " places, become '"
                                  << function.getSymName() << "' with " << code.getNumArguments()
                                  << " arguments and " << code.getNumResults() << " results";
    ++numFunctions;
    numCalls += code.getNumStretches();
    code.replaceBy(function);
    return function;
  }

  DenseSet<size_t> refused;
};

} // namespace
} // namespace moec
