//===- FuseEpilogues.cpp - What follows a product is done by its kernel ----------------------===//
#include "passes/Analysis/Match.h"
#include "passes/Analysis/SymbolicShapes.h"
#include "passes/Optimize/KernelWeights.h"
#include "passes/Optimize/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringExtras.h"

namespace moec {
#define GEN_PASS_DEF_FUSEEPILOGUESPASS
#include "passes/Optimize/Passes.h.inc"

using namespace mlir;

namespace {

/// A product and what follows it, as far as its kernel may do that.
struct Chain {
  explicit Chain(Operation *product) : ops{product} {}

  SmallVector<Operation *, 4>
      ops; ///< each reads the result of the one before; the first is the product
  moe::EpilogueAttr epilogue;
  /// Of the last operation, an Add. (The value there may be the result of another chain.)
  std::optional<unsigned> residual;
  SmallVector<StringRef, 3> parts; ///< for the remark

  Operation *getProduct() const { return ops.front(); }
  Value getResult() const { return ops.back()->getResult(0); }
};

class Fusion {
public:
  Fusion(func::FuncOp function, bool fusesGates) : fusesGates(fusesGates), shapes(function) {}

  /// Extends the chain by what follows it; emits remarks where something might, and does not.
  void extend(Chain &chain);
  /// Why no kernel does the product with what follows; empty if one does.
  static std::string refuse(const Chain &chain);
  static void fuse(const Chain &chain);

private:
  bool extendByActivation(Chain &chain);
  bool extendByGate(Chain &chain);
  void extendByResidual(Chain &chain);
  /// Remarks at `op`, which would have followed the product.
  static void remarkApart(Operation *op, const Twine &reason) {
    op->emitRemark() << "stays apart from the product before it: " << reason;
  }

  bool fusesGates;
  SymbolicShapes shapes;
  llvm::SmallPtrSet<Operation *, 8> taken; ///< additions that another product's chain has
};

FloatAttr getUnless(FloatAttr value, double usual) {
  return value && value.getValueAsDouble() != usual ? value : FloatAttr();
}

/// Whether zeros of rows that no expert has stay zero.
bool mayFollow(const Chain &chain, moe::EpilogueAttr epilogue) {
  return !isa<moe::GroupedLinearOp>(chain.getProduct()) || epilogue.keepsZero();
}

bool Fusion::extendByActivation(Chain &chain) {
  for (Operation *user : chain.getResult().getUsers()) {
    auto activation = dyn_cast<moe::ActivationOp>(user);
    if (!activation)
      continue;
    auto epilogue =
        moe::EpilogueAttr::get(activation.getContext(), activation.getKind(),
                               /*gated=*/false, getUnless(activation.getAlphaAttr(), 1), {}, {});
    if (!chain.getResult().hasOneUse())
      remarkApart(user, "others read that, too");
    else if (!mayFollow(chain, epilogue))
      remarkApart(user, "it makes another number of the zeros in rows of no expert");
    else {
      chain.epilogue = epilogue;
      chain.ops.push_back(activation);
      chain.parts.push_back("activation");
      return true;
    }
    return false;
  }
  return false;
}

bool Fusion::extendByGate(Chain &chain) {
  for (Operation *user : chain.getResult().getUsers()) {
    onnx::NodeOp split = dyn_cast<onnx::NodeOp>(user);
    if (!split || split.getQualifiedName() != "Split" || split->getNumResults() != 2 ||
        !isAlongLastAxis(split, 0))
      continue;
    Value gate = split->getResult(0), up = split->getResult(1);
    auto glu = gate.hasOneUse() ? dyn_cast<moe::GLUOp>(*gate.getUsers().begin()) : moe::GLUOp();
    if (!glu || glu.getGate() != gate || glu.getUp() != up)
      continue;
    auto epilogue = moe::EpilogueAttr::get(glu.getContext(), glu.getKind(), /*gated=*/true,
                                           getUnless(glu.getAlphaAttr(), 1),
                                           getUnless(glu.getOffsetAttr(), 0), glu.getLimitAttr());
    std::optional<int64_t> width = getLastSize(chain.getResult());
    auto grouped = dyn_cast<moe::GroupedLinearOp>(chain.getProduct());
    if (!chain.getResult().hasOneUse() || !up.hasOneUse())
      remarkApart(glu, "others read that, too");
    else if (!width || *width % 2 != 0 || getLastSize(gate) != *width / 2)
      remarkApart(glu, "its gate is not half of that");
    else if (grouped && grouped.getBlocks() > 1)
      remarkApart(glu, "that is one of blocks, whose halves are no part of each");
    else if (!mayFollow(chain, epilogue))
      remarkApart(glu, "it makes another number of the zeros in rows of no expert");
    else if (!fusesGates)
      remarkApart(glu, "for few rows, to read gate and up in turns costs more than not to write "
                       "them and read them again");
    else {
      chain.epilogue = epilogue;
      chain.ops.append({split, glu});
      chain.parts.push_back("gate");
      return true;
    }
    return false;
  }
  return false;
}

/// Whether the operation reads rows in loops that additions before it share
/// (convert-linalg-to-par).
bool isNorm(Operation *op) {
  auto node = dyn_cast<onnx::NodeOp>(op);
  return isa<moe::NormOp>(op) || (node && node.getOpType().ends_with("Normalization"));
}

void Fusion::extendByResidual(Chain &chain) {
  if (!isa<moe::LinearOp>(chain.getProduct()))
    return;
  for (Operation *user : chain.getResult().getUsers()) {
    onnx::NodeOp add = dyn_cast<onnx::NodeOp>(user);
    if (!add || add.getQualifiedName() != "Add" || taken.contains(add))
      continue;
    Value own = chain.getResult();
    unsigned number = add->getOperand(0) == own ? 1 : 0;
    Value other = add->getOperand(number);
    // Biases that are computed, scalars: loops over elements do these.
    if (getShape(other) && getShape(own) && getShape(other)->size() < getShape(own)->size())
      return;
    if (other == own || !own.hasOneUse())
      return remarkApart(add, "others read that, too");
    if (llvm::any_of(add->getResult(0).getUsers(), isNorm))
      return remarkApart(add, "the norm behind it adds the residual as it reads its rows");
    const SymbolicValue &a = shapes.get(own), &b = shapes.get(other);
    bool agree = a.isRanked && b.isRanked && a.dims == b.dims && own.getType() == other.getType() &&
                 own.getType() == add->getResult(0).getType();
    if (!agree)
      return remarkApart(add, "what is added is not known to have the same shape");
    taken.insert(add);
    chain.residual = number;
    chain.ops.push_back(add);
    chain.parts.push_back("residual");
    return;
  }
}

void Fusion::extend(Chain &chain) {
  if (!extendByActivation(chain))
    extendByGate(chain);
  extendByResidual(chain);
}

std::string Fusion::refuse(const Chain &chain) {
  Type type = getElementType(chain.getProduct()->getResult(0));
  if (!type.isF32() && !type.isF64())
    return "no kernel has its type";
  if (auto linear = dyn_cast<moe::LinearOp>(chain.getProduct()))
    return refuseWeight(linear.getWeight(), linear.getTransposed());
  auto grouped = cast<moe::GroupedLinearOp>(chain.getProduct());
  if (grouped.isRagged())
    return "its experts differ in size";
  for (Value weight : grouped.getWeights())
    if (std::string reason = refuseWeight(weight, grouped.getTransposed()); !reason.empty())
      return reason;
  return "";
}

void Fusion::fuse(const Chain &chain) {
  Operation *last = chain.ops.back();
  OpBuilder builder(last);
  Location loc = builder.getFusedLoc({chain.getProduct()->getLoc(), last->getLoc()});
  Value residual = chain.residual ? last->getOperand(*chain.residual) : Value();
  Type type = chain.getResult().getType();
  Value result;
  if (auto linear = dyn_cast<moe::LinearOp>(chain.getProduct())) {
    auto identity = moe::EpilogueAttr::get(builder.getContext(), moe::ActivationKind::Identity,
                                           false, {}, {}, {});
    result = moe::LinearOp::create(builder, loc, type, linear.getInput(), linear.getWeight(),
                                   linear.getBias(), residual, linear.getTransposed(),
                                   chain.epilogue ? chain.epilogue : identity);
  } else {
    auto grouped = cast<moe::GroupedLinearOp>(chain.getProduct());
    result = moe::GroupedLinearOp::create(
        builder, loc, type, grouped.getInput(), grouped.getOffsets(), grouped.getWeights(),
        grouped.getBias(), grouped.getTransposed(), grouped.getBlocks(), chain.epilogue);
  }
  Value product = chain.getProduct()->getResult(0);
  std::optional<int64_t> width = getLastSize(product);
  InFlightDiagnostic remark = result.getDefiningOp()->emitRemark();
  remark << "the product's kernel does " << llvm::join(chain.parts, " and ") << ": ";
  if (width)
    remark << *width * getElementType(product).getIntOrFloatBitWidth() / 8
           << " bytes of each row are not written and read again, ";
  remark << "and no loop over them is started";
  last->getResult(0).replaceAllUsesWith(result);
  for (Operation *op : llvm::reverse(chain.ops))
    op->erase();
}

struct FuseEpilogues : impl::FuseEpiloguesPassBase<FuseEpilogues> {
  using FuseEpiloguesPassBase::FuseEpiloguesPassBase;

  void runOnOperation() override {
    Fusion fusion(getOperation(), gates);
    SmallVector<Operation *> products;
    for (Operation &op : getOperation().getOps()) {
      auto linear = dyn_cast<moe::LinearOp>(op);
      auto grouped = dyn_cast<moe::GroupedLinearOp>(op);
      if ((linear && linear.isPlain()) || (grouped && !grouped.getEpilogue()))
        products.push_back(&op);
    }
    SmallVector<Chain> chains;
    for (Operation *product : products) {
      Chain chain(product);
      auto linear = dyn_cast<moe::LinearOp>(product);
      if (linear && linear.getBias())
        chain.parts.push_back("bias");
      fusion.extend(chain);
      if (chain.parts.empty())
        continue;
      if (std::string reason = Fusion::refuse(chain); !reason.empty())
        chain.ops.back()->emitRemark() << "stays apart from the product before it: " << reason;
      else
        chains.push_back(chain);
    }
    for (const Chain &chain : chains)
      Fusion::fuse(chain);
    numFused += chains.size();
  }
};

} // namespace
} // namespace moec
