#include "passes/Analysis/Match.h"
#include "passes/Transforms/Passes.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

namespace moec {
#define GEN_PASS_DEF_DIAGNOSEEXPORTSPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

/// How far values are followed back.
constexpr int kMaxSteps = 64;

onnx::NodeOp getNode(Value value) {
  auto node = value ? value.getDefiningOp<onnx::NodeOp>() : onnx::NodeOp();
  return node && node.getDomain().empty() ? node : onnx::NodeOp();
}

/// Operators that hand on elements of their first operand.
bool isMovement(StringRef opType) {
  return llvm::is_contained({"Cast", "Expand", "Flatten", "Gather", "GatherElements", "GatherND",
                             "Identity", "Reshape", "Slice", "Split", "Squeeze", "Tile",
                             "Transpose", "Unsqueeze"},
                            opType);
}

/// The first node that is no movement, from a value backwards.
onnx::NodeOp getSource(Value value) {
  onnx::NodeOp node = getNode(value);
  for (int steps = 0; node && isMovement(node.getOpType()) && steps < kMaxSteps; ++steps)
    node = getNode(node.getInputs()[0]);
  return node;
}

/// Whether rows are taken in an order that was sorted when the model runs: a Gather on the way back
/// whose indices come from a TopK (perhaps divided by the number of slots).
bool isSorted(Value value) {
  onnx::NodeOp node = getNode(value);
  for (int steps = 0; node && steps < kMaxSteps; ++steps) {
    StringRef opType = node.getOpType();
    if (opType == "Gather" || opType == "GatherND" || opType == "GatherElements") {
      onnx::NodeOp source = getSource(node.getInputs()[1]);
      for (int inner = 0; source && inner < kMaxSteps && source.getOpType() != "TopK"; ++inner)
        source = llvm::is_contained({"Div", "Floor", "Sub", "Mod"}, source.getOpType())
                     ? getSource(source.getInputs()[0])
                     : onnx::NodeOp();
      if (source)
        return true;
    }
    if (!isMovement(opType))
      return false;
    node = getNode(node.getInputs()[0]);
  }
  return false;
}

struct DiagnoseExports : impl::DiagnoseExportsPassBase<DiagnoseExports> {
  void runOnOperation() override {
    masks.clear();
    getOperation().walk([&](onnx::NodeOp node) {
      if (!node.getDomain().empty())
        return;
      StringRef opType = node.getOpType();
      if (opType == "Split")
        checkSplit(node);
      else if (opType == "ScatterElements" || opType == "ScatterND")
        checkScatter(node);
      else if (opType == "RotaryEmbedding")
        checkRotary(node);
      else if (opType == "Gather")
        collectExpert(node);
    });
    for (auto &[mask, experts] : masks)
      checkExperts(cast<onnx::NodeOp>(mask), experts.getArrayRef());
  }

private:
  /// Numbers of a traced run as sizes of parts whose sum depends on the data.
  void checkSplit(onnx::NodeOp node) {
    auto type = dyn_cast<RankedTensorType>(node.getInputs()[0].getType());
    std::optional<SmallVector<int64_t>> sizes = getIntegers(node.getOptionalOperand(1));
    if (!type || !sizes || sizes->size() < 2)
      return;
    int64_t axis = node.getInt("axis", 0);
    axis += axis < 0 ? type.getRank() : 0;
    if (axis < 0 || axis >= type.getRank() || !type.isDynamicDim(axis))
      return;
    onnx::NodeOp source = getSource(node.getInputs()[0]);
    if (source && source.getOpType() == "NonZero")
      node.emitWarning()
          << "the number of experts that were chosen while the model was traced, " << sizes->size()
          << ", is fixed in this Split: the model is wrong or fails when another number is chosen; "
             "export with a loop over all experts, or with batched experts";
    else if (isSorted(node.getInputs()[0]))
      node.emitWarning()
          << "the numbers of tokens of each expert while the model was traced are fixed in this "
             "Split ("
          << llvm::join(llvm::map_range(*sizes, [](int64_t n) { return std::to_string(n); }), ", ")
          << "): the model fails for other inputs; export with batched experts, or with sizes that "
             "are "
             "computed";
  }

  /// Sums made by a scatter that keeps one of several updates.
  void checkScatter(onnx::NodeOp node) {
    auto type = dyn_cast<TensorType>(node.getInputs()[2].getType());
    if (!type || !isa<FloatType>(type.getElementType()) ||
        node.getString("reduction", "none") != "none")
      return;
    Value index = node.getInputs()[1];
    onnx::NodeOp source = getSource(index);
    bool repeats = false;
    if (source && source.getOpType() == "Range") {
      // Token numbers, each once for every slot.
      for (onnx::NodeOp step = getNode(index); step && step != source;
           step = getNode(step.getInputs()[0]))
        if (step.getOpType() == "Reshape" && isRepeated(step.getInputs()[0]))
          repeats = true;
    } else if (source && source.getOpType() == "Div") {
      repeats = isSlotNumber(source);
    } else if (source && source.getOpType() == "NonZero") {
      repeats = mayRepeat(source);
    }
    if (repeats)
      node.emitWarning() << "this " << node.getOpType()
                         << " keeps one contribution of a token and drops the others: its indices "
                            "may repeat, and it has "
                            "no reduction; export with opset 18 or later and index_add as "
                            "reduction 'add', or with "
                            "another expert implementation";
  }

  /// A matrix of numbers with a second axis along which they are the same.
  static bool isRepeated(Value value) {
    onnx::NodeOp node = getNode(value);
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return node && (node.getOpType() == "Expand" || node.getOpType() == "Tile") && type &&
           type.getRank() == 2 && type.getDimSize(1) != 1;
  }

  /// Slot numbers divided by a number of slots greater than one: tokens, each more than once.
  static bool isSlotNumber(onnx::NodeOp quotient) {
    onnx::NodeOp top = getSource(quotient.getInputs()[0]);
    std::optional<SmallVector<int64_t>> slots = getIntegers(quotient.getInputs()[1]);
    return top && top.getOpType() == "TopK" && slots && slots->size() == 1 && slots->front() > 1;
  }

  /// Whether a token may be found twice in the mask of an expert: the choices of a TopK are
  /// distinct, a single choice is, any others may be the same.
  static bool mayRepeat(onnx::NodeOp nonZero) {
    onnx::NodeOp oneHot = getSource(nonZero.getInputs()[0]);
    if (!oneHot || oneHot.getOpType() != "OneHot")
      return false;
    auto type = dyn_cast<RankedTensorType>(oneHot.getInputs()[0].getType());
    onnx::NodeOp choice = getSource(oneHot.getInputs()[0]);
    if (!type || type.getRank() < 2 || type.getShape().back() == 1 || !choice)
      return false;
    // Rounds of arg-max, as of the sparse mixer, exclude the earlier winners.
    return !llvm::is_contained({"TopK", "ArgMax", "Concat", "Where"}, choice.getOpType());
  }

  void checkRotary(onnx::NodeOp node) {
    auto input = dyn_cast<RankedTensorType>(node.getInputs()[0].getType());
    auto cache = dyn_cast<RankedTensorType>(node.getInputs()[1].getType());
    if (input && cache && cache.getRank() == 3 && cache.getDimSize(0) == 1 &&
        input.getDimSize(0) != 1)
      node.emitWarning(
          "the cosines have batch 1, the input has another: the operator asks for equal ones, "
          "and other runtimes take batch 1 only; compiled as if they were the same for each row; "
          "export them with the input's batch, or give position ids");
  }

  /// A Gather of one expert's row of a one-hot mask.
  void collectExpert(onnx::NodeOp gather) {
    std::optional<SmallVector<int64_t>> index = getIntegers(gather.getInputs()[1]);
    if (!index || index->size() != 1 || gather.getInt("axis", 0) != 0)
      return;
    onnx::NodeOp transpose = getNode(gather.getInputs()[0]);
    onnx::NodeOp oneHot = getSource(gather.getInputs()[0]);
    std::optional<ArrayRef<int64_t>> order = transpose && transpose.getOpType() == "Transpose"
                                                 ? transpose.getInts("perm")
                                                 : std::nullopt;
    if (oneHot && oneHot.getOpType() == "OneHot" && order &&
        order->front() == static_cast<int64_t>(order->size()) - 1)
      masks[oneHot].insert(index->front());
  }

  void checkExperts(onnx::NodeOp oneHot, ArrayRef<int64_t> experts) {
    std::optional<SmallVector<int64_t>> depth = getIntegers(oneHot.getInputs()[1]);
    if (!depth || depth->size() != 1 || static_cast<int64_t>(experts.size()) >= depth->front() ||
        depth->front() > 100000)
      return;
    SmallVector<std::string> missing;
    for (int64_t e = 0; e < depth->front(); ++e)
      if (!llvm::is_contained(experts, e) && !llvm::is_contained(experts, e - depth->front()))
        missing.push_back(std::to_string(e));
    if (missing.empty())
      return;
    oneHot.emitWarning()
        << "the router chooses among " << depth->front() << " experts, but the model has no expert "
        << llvm::join(missing, ", ")
        << ": no token of the traced run was routed to them, and what is routed to them now is "
           "lost; "
           "trace with more tokens, or export with a loop over all experts or with batched experts";
  }

  /// The experts whose rows of a one-hot mask are taken, in order of the masks.
  llvm::MapVector<Operation *, llvm::SmallSetVector<int64_t, 16>> masks;
};

} // namespace
} // namespace moec
