//===- IntroduceState.cpp - Caches become the session's
//------------------------------------------===//
#include "dialects/MoE/MoEOps.h"
#include "moec/Support/CacheNames.h"
#include "passes/Analysis/SymbolicShapes.h"
#include "passes/Transforms/Passes.h"

#include "llvm/ADT/StringSet.h"

namespace moec {
#define GEN_PASS_DEF_INTRODUCESTATEPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

/// An input, the output that goes with it, and the node that makes the one from the other.
struct Pair {
  unsigned input, output;
  onnx::NodeOp concat;
  int64_t axis = 0;
  SymExpr rows = {};               ///< how many are added
  SmallVector<SymExpr> added = {}; ///< the sizes of what is added
  // Of the input, as far as known without it; without a name: "".
  SmallVector<int64_t> shape = {};
  SmallVector<StringRef> names = {};
};

class StateFinder {
public:
  explicit StateFinder(func::FuncOp function)
      : function(function), shapes(function),
        terminator(function.getBody().front().getTerminator()) {}

  std::optional<unsigned> findInput(StringRef name) {
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (inputName(i) == name)
        return i;
    return std::nullopt;
  }

  std::optional<unsigned> findOutput(StringRef name) {
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (auto known = function.getResultAttrOfType<StringAttr>(i, onnx::kNameAttr);
          known && known.getValue() == name)
        return i;
    return std::nullopt;
  }

  StringRef inputName(unsigned i) {
    auto name = function.getArgAttrOfType<StringAttr>(i, onnx::kNameAttr);
    return name ? name.getValue() : StringRef();
  }

  /// Completes the pair; else says why it is none.
  LogicalResult prove(Pair &pair, std::string &reason) {
    auto no = [&](const Twine &why) {
      reason = why.str();
      return failure();
    };
    BlockArgument past = function.getArgument(pair.input);
    Value present = terminator->getOperand(pair.output);
    auto type = dyn_cast<RankedTensorType>(past.getType());
    pair.concat = present.getDefiningOp<onnx::NodeOp>();
    if (!type || !isa<RankedTensorType>(present.getType()))
      return no("its rank is not known");
    if (!pair.concat || pair.concat.getQualifiedName() != "Concat" ||
        pair.concat->getNumOperands() != 2 || pair.concat.getOptionalOperand(0) != past)
      return no("the output is not Concat of the input and what is new");
    int64_t axis = pair.concat.getInt("axis", 0), rank = type.getRank();
    pair.axis = axis < 0 ? axis + rank : axis;
    if (pair.axis < 0 || pair.axis >= rank || !type.isDynamicDim(pair.axis))
      return no("it does not grow along an axis of unknown size");
    for (OpOperand &use : present.getUses())
      if (use.getOwner() == terminator && use.getOperandNumber() != pair.output)
        return no("it is another output of the model as well");
    Value rows = pair.concat.getOptionalOperand(1);
    const SymbolicValue &known = shapes.get(rows);
    if (!known.isRanked || known.getRank() != rank)
      return no("the sizes of what is new are not known");
    pair.rows = known.dims[pair.axis];
    pair.added = known.dims;
    if (!dependsOnInputsOnly(pair.rows))
      return no("how many rows are new does not follow from the sizes of inputs");
    return success();
  }

  /// Finds the sizes of the pair's input, but for the one it grows along, without that input: what
  /// is added has them too, so that they are fixed or sizes of inputs that are no state, by these
  /// `names`.
  bool findSizes(Pair &pair, const llvm::StringSet<> &names) {
    auto type = cast<RankedTensorType>(function.getArgument(pair.input).getType());
    pair.shape = llvm::to_vector(type.getShape());
    pair.names.assign(type.getRank(), StringRef());
    for (int64_t i = 0; i < type.getRank(); ++i) {
      StringRef own = nameOfSize(pair.input, i);
      std::optional<int64_t> fixed = pair.added[i].getConstant();
      if (i == pair.axis) {
        pair.names[i] = own;
      } else if (fixed) {
        if (!type.isDynamicDim(i) && type.getDimSize(i) != *fixed)
          return false;
        pair.shape[i] = *fixed;
      } else if (type.isDynamicDim(i)) {
        StringRef name = nameOfSize(pair.added[i]);
        pair.names[i] = names.contains(name) ? name : own;
        if (pair.names[i].empty() || !names.contains(pair.names[i]))
          return false;
      }
    }
    return true;
  }

  void addNames(unsigned input, llvm::StringSet<> &names) {
    if (auto dims = function.getArgAttrOfType<ArrayAttr>(input, onnx::kDimsAttr))
      for (auto name : dims.getAsRange<StringAttr>())
        if (!name.empty())
          names.insert(name.getValue());
  }

private:
  StringRef nameOfSize(unsigned input, int64_t dim) {
    auto dims = function.getArgAttrOfType<ArrayAttr>(input, onnx::kDimsAttr);
    auto name = dims && dim < static_cast<int64_t>(dims.size()) ? dyn_cast<StringAttr>(dims[dim])
                                                                : StringAttr();
    return name ? name.getValue() : StringRef();
  }

  /// … of an expression that is the size of an input; empty for others.
  StringRef nameOfSize(SymExpr expr) {
    const SymNode *node = expr.getNode();
    if (node->terms.size() != 1 || node->terms[0].coefficient != 1 ||
        node->terms[0].atoms.size() != 1)
      return {};
    const SymNode *atom = node->terms[0].atoms[0];
    auto argument =
        atom->kind == SymKind::Dim ? dyn_cast<BlockArgument>(atom->value) : BlockArgument();
    return argument ? nameOfSize(argument.getArgNumber(), atom->index) : StringRef();
  }

  bool dependsOnInputsOnly(SymExpr expr) {
    if (!expr || !expr.isOfSizes())
      return false;
    if (expr.getNode()->kind != SymKind::Sum)
      return isOfInputs(expr.getNode());
    return llvm::all_of(expr.getNode()->terms, [&](const SymTerm &term) {
      return llvm::all_of(term.atoms, [&](const SymNode *atom) { return isOfInputs(atom); });
    });
  }

  bool isOfInputs(const SymNode *atom) {
    if (atom->kind == SymKind::Dim)
      return isa<BlockArgument>(atom->value);
    return llvm::all_of(atom->args, [&](SymExpr arg) { return dependsOnInputsOnly(arg); });
  }

  func::FuncOp function;
  SymbolicShapes shapes;
  Operation *terminator;
};

struct IntroduceState : impl::IntroduceStatePassBase<IntroduceState> {
  using IntroduceStatePassBase::IntroduceStatePassBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic() && !function.isExternal() && failed(run(function)))
        return signalPassFailure();
  }

private:
  LogicalResult run(func::FuncOp function) {
    refusals.clear();
    StateFinder finder(function);
    FailureOr<SmallVector<Pair>> candidates =
        pairs == "auto" ? findByNames(function, finder) : findNamed(function, finder);
    if (failed(candidates))
      return failure();
    SmallVector<Pair> proven;
    for (Pair &pair : *candidates) {
      std::string reason;
      if (succeeded(finder.prove(pair, reason)) && !proven.empty() &&
          pair.rows != proven.front().rows)
        reason = "it grows by another number of rows than the state before";
      if (reason.empty())
        proven.push_back(pair);
      else if (failed(refuse(function, finder.inputName(pair.input), reason)))
        return failure();
    }
    // What is left as inputs gives the sizes.
    llvm::StringSet<> names;
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (llvm::none_of(proven, [&](const Pair &pair) { return pair.input == i; }))
        finder.addNames(i, names);
    SmallVector<Pair> taken;
    for (Pair &pair : proven) {
      if (finder.findSizes(pair, names))
        taken.push_back(pair);
      else if (failed(refuse(
                   function, finder.inputName(pair.input),
                   "a size of it is neither fixed nor, by its name, the size of another input")))
        return failure();
    }
    introduce(function, finder, taken);
    if (taken.empty()) {
      InFlightDiagnostic warning = emitWarning(function.getLoc())
                                   << "no cache of the model is kept as state";
      for (const std::string &refusal : refusals)
        warning.attachNote() << refusal;
    }
    return success();
  }

  LogicalResult refuse(func::FuncOp function, StringRef input, StringRef reason) {
    if (pairs != "auto")
      return emitError(function.getLoc())
             << "'" << input << "' cannot be kept as state: " << reason;
    std::string text = ("'" + input + "' is not kept as state: " + reason).str();
    emitRemark(function.getLoc()) << text;
    refusals.push_back(std::move(text));
    return success();
  }

  FailureOr<SmallVector<Pair>> findByNames(func::FuncOp function, StateFinder &finder) {
    SmallVector<Pair> found;
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      StringRef name = finder.inputName(i);
      if (!isCacheName(name))
        continue;
      std::optional<unsigned> output;
      for (const std::string &present : presentNames(name))
        if (!output)
          output = finder.findOutput(present);
      if (output)
        found.push_back({i, *output, {}});
      else
        (void)refuse(function, name, "no output goes with it");
    }
    return found;
  }

  FailureOr<SmallVector<Pair>> findNamed(func::FuncOp function, StateFinder &finder) {
    SmallVector<Pair> found;
    SmallVector<StringRef> items;
    StringRef(pairs).split(items, ',');
    for (StringRef item : items) {
      // Names may hold colons themselves: the first split that names an input and an output.
      std::optional<Pair> pair;
      for (size_t at = item.find(':'); at != StringRef::npos && !pair;
           at = item.find(':', at + 1)) {
        std::optional<unsigned> input = finder.findInput(item.take_front(at));
        std::optional<unsigned> output = finder.findOutput(item.drop_front(at + 1));
        if (input && output)
          pair = Pair{*input, *output, {}};
      }
      if (!pair)
        return emitError(function.getLoc())
               << "'" << item << "' is not an input and an output of the model, "
               << "expected INPUT:OUTPUT";
      for (const Pair &other : found)
        if (other.input == pair->input || other.output == pair->output)
          return emitError(function.getLoc())
                 << "'" << item << "' names what another pair has named";
      found.push_back(*pair);
    }
    llvm::sort(found, [](const Pair &a, const Pair &b) { return a.input < b.input; });
    return found;
  }

  void introduce(func::FuncOp function, StateFinder &finder, MutableArrayRef<Pair> taken) {
    Operation *terminator = function.getBody().front().getTerminator();
    OpBuilder atStart(function);
    llvm::BitVector outputs(function.getNumResults());
    for (Pair &pair : taken) {
      BlockArgument past = function.getArgument(pair.input);
      StringRef name = finder.inputName(pair.input);
      auto elementType = cast<RankedTensorType>(past.getType()).getElementType();
      past.setType(RankedTensorType::get(pair.shape, elementType));
      function.setArgAttr(pair.input, onnx::kDimsAttr, atStart.getStrArrayAttr(pair.names));
      auto present = function.getResultAttrOfType<StringAttr>(pair.output, onnx::kNameAttr);
      moe::StateOp::create(
          atStart, past.getLoc(), atStart.getStringAttr(name), atStart.getI64IntegerAttr(pair.axis),
          atStart.getI64IntegerAttr(capacity), present, TypeAttr::get(past.getType()));
      auto symbol = FlatSymbolRefAttr::get(&getContext(), name);
      function.setArgAttr(pair.input, moe::kStateAttr, symbol);
      OpBuilder builder(pair.concat);
      Value all = moe::CacheAppendOp::create(builder, pair.concat.getLoc(),
                                             pair.concat->getResult(0).getType(),
                                             pair.concat.getOptionalOperand(1), past, symbol);
      pair.concat->getResult(0).replaceAllUsesWith(all);
      pair.concat.erase();
      outputs.set(pair.output);
      emitRemark(function.getLoc())
          << "'" << name << "' is kept as state, with '" << present.getValue() << "'";
      ++numStates;
    }
    Block &body = function.getBody().front();
    function.setType(atStart.getFunctionType(body.getArgumentTypes(), function.getResultTypes()));
    terminator->eraseOperands(outputs);
    if (failed(function.eraseResults(outputs)))
      llvm_unreachable("a function takes any type");
  }

  SmallVector<std::string> refusals;
};

} // namespace
} // namespace moec
