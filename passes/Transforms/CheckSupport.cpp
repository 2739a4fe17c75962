#include "passes/Analysis/SymbolicShapes.h"
#include "passes/Transforms/NodeSupport.h"
#include "passes/Transforms/Passes.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include <map>

namespace moec {
#define GEN_PASS_DEF_CHECKSUPPORTPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

/// Names of nodes that an entry of the list shows.
constexpr unsigned kMaxShown = 3;

struct Entry {
  onnx::NodeOp first;
  int64_t count = 0;
  SmallVector<std::string, kMaxShown> shown;

  void add(onnx::NodeOp node) {
    if (count++ == 0)
      first = node;
    if (shown.size() < kMaxShown)
      shown.push_back(node.getNodeName().empty() ? "(no name)"
                                                 : "'" + node.getNodeName().str() + "'");
  }
  std::string getNames() const {
    return llvm::join(shown, ", ") + (count > static_cast<int64_t>(shown.size()) ? ", …" : "");
  }
};

std::string toString(TypeRange types) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(types, os);
  return text;
}

const char *plural(int64_t count) { return count == 1 ? "" : "s"; }

struct CheckSupport : impl::CheckSupportPassBase<CheckSupport> {
  CheckSupport() = default;
  explicit CheckSupport(NodePredicate isSupported) : isSupported(std::move(isSupported)) {}

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    SymbolicShapes shapes(getOperation());
    using Key = std::pair<std::string, int64_t>;
    llvm::MapVector<Key, Entry, std::map<Key, unsigned>> operators;
    Entry noElementType, noRank;
    int64_t numNodes = 0;
    getOperation().walk([&](onnx::NodeOp node) {
      // What is only sizes is never lowered as a node.
      if (shapes.isExpression(node))
        return;
      if (!isSupported(node)) {
        operators[{node.getQualifiedName(), node.getVersion()}].add(node);
        ++numNodes;
        return;
      }
      for (Value result : node->getResults()) {
        auto type = dyn_cast<TensorType>(result.getType());
        if (type && isa<onnx::UnknownType>(type.getElementType()))
          return noElementType.add(node);
        if (type && !shapes.get(result).isRanked)
          return noRank.add(node);
      }
    });
    if (operators.empty() && noElementType.count == 0 && noRank.count == 0)
      return;
    InFlightDiagnostic error = emitError(getOperation().getLoc());
    if (operators.empty())
      error << "types of results are not known";
    else
      error << operators.size() << " operator" << plural(operators.size()) << " (" << numNodes
            << " node" << plural(numNodes) << ") " << (operators.size() == 1 ? "is" : "are")
            << " not supported";
    for (const auto &[key, entry] : operators)
      error.attachNote(entry.first->getLoc())
          << "'" << key.first << "' version " << key.second << ": " << entry.count << " node"
          << plural(entry.count) << " (" << entry.getNames() << "), the first with operands ("
          << toString(onnx::NodeOp(entry.first).getInputs().getTypes()) << ")";
    if (noElementType.count)
      error.attachNote(noElementType.first->getLoc())
          << "the element type of a result is not known: " << noElementType.count << " node"
          << plural(noElementType.count) << " (" << noElementType.getNames() << ")";
    if (noRank.count)
      error.attachNote(noRank.first->getLoc())
          << "the rank of a result is not known: " << noRank.count << " node"
          << plural(noRank.count) << " (" << noRank.getNames() << ")";
    signalPassFailure();
  }

private:
  NodePredicate isSupported = hasNodeHandler;
};

} // namespace

std::unique_ptr<Pass> createCheckSupportPass(NodePredicate isSupported) {
  return std::make_unique<CheckSupport>(std::move(isSupported));
}

} // namespace moec
