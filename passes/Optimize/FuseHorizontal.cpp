//===- FuseHorizontal.cpp - Linear layers of one input become one ----------------------------===//
#include "passes/Analysis/Match.h"
#include "passes/Analysis/WeightViews.h"
#include "passes/Optimize/KernelWeights.h"
#include "passes/Optimize/Passes.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

namespace moec {
#define GEN_PASS_DEF_FUSEHORIZONTALPASS
#include "passes/Optimize/Passes.h.inc"

using namespace mlir;

namespace {

/// A moe.linear or moe.grouped_linear.
class Product {
public:
  explicit Product(Operation *op) : op(op) {}

  /// Not one of blocks: side by side they would not be block-diagonal.
  static bool isOne(Operation *op) {
    auto grouped = dyn_cast<moe::GroupedLinearOp>(op);
    auto linear = dyn_cast<moe::LinearOp>(op);
    return (linear && linear.isPlain()) ||
           (grouped && grouped.getBlocks() == 1 && !grouped.getEpilogue());
  }

  Operation *op;

  bool isGrouped() const { return isa<moe::GroupedLinearOp>(op); }
  /// The values that products which may be fused share.
  std::pair<Value, Value> getRows() const {
    auto grouped = dyn_cast<moe::GroupedLinearOp>(op);
    return {op->getOperand(0), grouped ? Value(grouped.getOffsets()) : Value()};
  }
  SmallVector<Value> getWeights() const {
    if (auto grouped = dyn_cast<moe::GroupedLinearOp>(op))
      return llvm::to_vector(grouped.getWeights());
    return {cast<moe::LinearOp>(op).getWeight()};
  }
  Value getBias() const {
    if (auto grouped = dyn_cast<moe::GroupedLinearOp>(op))
      return grouped.getBias();
    return cast<moe::LinearOp>(op).getBias();
  }
  bool isTransposed() const {
    if (auto grouped = dyn_cast<moe::GroupedLinearOp>(op))
      return grouped.getTransposed();
    return cast<moe::LinearOp>(op).getTransposed();
  }
  RankedTensorType getResultType() const {
    return cast<RankedTensorType>(op->getResult(0).getType());
  }
  int64_t getWidth() const { return getResultType().getShape().back(); }
  int64_t getDepth() const {
    return cast<RankedTensorType>(op->getOperand(0).getType()).getShape().back();
  }
  /// The axis of the weights that has the columns.
  int64_t getColumnAxis() const { return isGrouped() + !isTransposed(); }
};

/// Whether only this operation reads what is stored, and no other has the whole or a part of it.
bool isOnlyUse(Value value) {
  for (;;) {
    if (!value.hasOneUse())
      return false;
    Operation *definition = value.getDefiningOp();
    if (!isa_and_nonnull<onnx::NodeOp>(definition))
      return true;
    if (definition->getNumResults() > 1)
      return false;
    value = definition->getOperand(0);
  }
}

/// Whether what goes with codes is stored in one way, so that it can be packed side by side.
bool areAlike(Value a, Value b) {
  if (!a || !b)
    return !a && !b;
  auto aType = cast<RankedTensorType>(a.getType()), bType = cast<RankedTensorType>(b.getType());
  bool isConstant = a.getDefiningOp<onnx::ConstantOp>() != nullptr;
  return aType.getElementType() == bType.getElementType() && aType.getRank() == bType.getRank() &&
         isConstant == (b.getDefiningOp<onnx::ConstantOp>() != nullptr);
}

/// Whether kernels can read the codes of both side by side: they have one grid.
bool haveOneGrid(moe::DequantizeOp a, moe::DequantizeOp b) {
  if (!a || !b)
    return !a && !b;
  Value aZeros = a.getZeroPoints(), bZeros = b.getZeroPoints();
  return getElementType(a.getCodes()) == getElementType(b.getCodes()) &&
         a.getAxis() == b.getAxis() && a.getBlock() == b.getBlock() && a.getZero() == b.getZero() &&
         areAlike(a.getScales(), b.getScales()) && areAlike(aZeros, bZeros) &&
         (!aZeros || getSplat(aZeros) == getSplat(bZeros));
}

/// The only operation that uses the value, if it is an `Op`; else null.
template <typename Op>
Op getOnlyUserOf(Value value) {
  return value.hasOneUse() ? dyn_cast<Op>(*value.getUsers().begin()) : Op();
}

/// Whether the products are the gate and what it lets through, in this order, and nothing else: one
/// product's kernel does all of it (moe-fuse-epilogues).
bool areGateAndUp(const Product &gate, const Product &up) {
  auto glu = getOnlyUserOf<moe::GLUOp>(gate.op->getResult(0));
  return glu && glu == getOnlyUserOf<moe::GLUOp>(up.op->getResult(0)) &&
         glu.getGate() == gate.op->getResult(0) && glu.getUp() == up.op->getResult(0) &&
         gate.getWidth() == up.getWidth();
}

/// Whether somebody reads the value as whole rows side by side, so that a part of wider rows would
/// have to be copied for it. Elementwise operators, norms and moves of axes read it where it is.
bool isReadWhole(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    auto node = dyn_cast<onnx::NodeOp>(user);
    if (node && llvm::is_contained({"Reshape", "Squeeze", "Unsqueeze", "Identity", "Flatten"},
                                   node.getQualifiedName()))
      return isReadWhole(node->getResult(0));
    if (node)
      return llvm::is_contained({"MatMul", "Gemm", "TopK"}, node.getQualifiedName());
    return !isa<moe::ActivationOp, moe::GLUOp, moe::NormOp, moe::RotaryOp>(user);
  });
}

/// Columns of the widest panel that kernels multiply by at a time: 4 registers of 16 f32.
constexpr int64_t kPanelColumns = 64;

/// Fuses the products of one input in a block.
class Fusion {
public:
  explicit Fusion(const llvm::StringMap<unsigned> &uses) : uses(uses) {}

  /// Why the product is none that can be fused; empty if it can.
  std::string refuse(const Product &product) const;
  std::string refuse(Value weight) const;
  /// Whether both can be parts of one.
  static bool agree(const Product &a, const Product &b);
  void fuse(ArrayRef<Product> products);

private:
  static void hoist(Value value, Operation *before);
  static Value concat(OpBuilder &builder, Location loc, ValueRange parts, int64_t axis);

  const llvm::StringMap<unsigned> &uses; ///< of the weights, by key
};

std::string Fusion::refuse(const Product &product) const {
  if (ShapedType::isDynamic(product.getWidth()) || ShapedType::isDynamic(product.getDepth()))
    return "its width is known at run time only";
  if (auto grouped = dyn_cast<moe::GroupedLinearOp>(product.op); grouped && grouped.isRagged())
    return "its experts differ in size";
  for (Value weight : product.getWeights()) {
    std::string reason = refuseWeight(weight, product.isTransposed());
    if (reason.empty())
      reason = refuse(weight);
    if (!reason.empty())
      return reason;
  }
  // Computed ones may depend on another of the layers.
  if (Value bias = product.getBias()) {
    auto type = cast<RankedTensorType>(bias.getType());
    if (!isStored(bias) || type.getRank() < 1 || !type.hasStaticShape() ||
        type.getShape().back() != product.getWidth())
      return "its bias is not stored in the model, one for each output";
  }
  if (getOnlyUserOf<moe::ActivationOp>(product.op->getResult(0)))
    return "its kernel does the activation behind it";
  // Written and read once more, against the input read once less.
  if (int64_t width = product.getWidth(), depth = product.getDepth();
      2 * width > depth && isReadWhole(product.op->getResult(0)))
    return "its result of " + std::to_string(width) +
           " columns would have to be copied, which costs more than to read its " +
           std::to_string(depth) + " inputs";
  return "";
}

/// Of a weight that kernels read.
std::string Fusion::refuse(Value weight) const {
  moe::DequantizeOp decoding = getDecoding(weight);
  Value stored = decoding ? decoding.getCodes() : weight;
  std::optional<WeightView> view = traceWeightView(stored);
  if (!view)
    return "its weight is not stored in the model as it is";
  if (!isOnlyUse(weight) || !isOnlyUse(stored) || uses.lookup(view->weight.getKey()) > 1)
    return "its weight is used elsewhere, too";
  return "";
}

bool Fusion::agree(const Product &a, const Product &b) {
  auto elementTypesOf = [](const Product &product) {
    SmallVector<Type> types{product.getResultType().getElementType()};
    for (Value weight : product.getWeights())
      types.push_back(getElementType(weight));
    if (product.getBias())
      types.push_back(getElementType(product.getBias()));
    return types;
  };
  // Weights of groups come in segments, each with as many experts.
  auto countsOf = [](const Product &product) {
    return llvm::map_to_vector(product.getWeights(), [&](Value weight) {
      return product.isGrouped() ? cast<RankedTensorType>(weight.getType()).getDimSize(0) : 1;
    });
  };
  if (elementTypesOf(a) != elementTypesOf(b) || countsOf(a) != countsOf(b))
    return false;
  for (auto [aWeight, bWeight] : llvm::zip_equal(a.getWeights(), b.getWeights()))
    if (!haveOneGrid(getDecoding(aWeight), getDecoding(bWeight)))
      return false;
  return a.getRows() == b.getRows() && a.isTransposed() == b.isTransposed() &&
         a.getResultType().getShape().drop_back() == b.getResultType().getShape().drop_back();
}

/// Moves what gives a stored value to where it is needed.
void Fusion::hoist(Value value, Operation *before) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != before->getBlock() || op->isBeforeInBlock(before))
    return;
  for (Value operand : op->getOperands())
    hoist(operand, before);
  op->moveBefore(before);
}

Value Fusion::concat(OpBuilder &builder, Location loc, ValueRange parts, int64_t axis) {
  auto type = cast<RankedTensorType>(parts[0].getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = 0;
  for (Value part : parts)
    shape[axis] += cast<RankedTensorType>(part.getType()).getDimSize(axis);
  return onnx::NodeOp::create(builder, loc, RankedTensorType::get(shape, type.getElementType()), "",
                              "Concat", 13, parts,
                              builder.getNamedAttr("axis", builder.getI64IntegerAttr(axis)))
      ->getResult(0);
}

void Fusion::fuse(ArrayRef<Product> products) {
  const Product &first = products.front();
  OpBuilder builder(first.op);
  Location loc = builder.getFusedLoc(
      llvm::map_to_vector(products, [](const Product &product) { return product.op->getLoc(); }));
  for (const Product &product : products) {
    for (Value weight : product.getWeights())
      hoist(weight, first.op);
    if (product.getBias())
      hoist(product.getBias(), first.op);
  }
  SmallVector<Value> weights;
  for (size_t i = 0; i < first.getWeights().size(); ++i)
    weights.push_back(
        concat(builder, loc,
               llvm::map_to_vector(products, [&](const Product &p) { return p.getWeights()[i]; }),
               first.getColumnAxis()));
  Value bias;
  if (first.getBias())
    bias = concat(builder, loc,
                  llvm::map_to_vector(products, [](const Product &p) { return p.getBias(); }),
                  first.isGrouped());
  SmallVector<int64_t> widths =
      llvm::map_to_vector(products, [](const Product &p) { return p.getWidth(); });
  int64_t width = 0;
  for (int64_t part : widths)
    width += part;
  SmallVector<int64_t> shape(first.getResultType().getShape());
  shape.back() = width;
  Type type = RankedTensorType::get(shape, first.getResultType().getElementType());
  auto [input, offsets] = first.getRows();
  Value fused =
      first.isGrouped()
          ? moe::GroupedLinearOp::create(builder, loc, type, input, offsets, weights, bias,
                                         first.isTransposed(), 1, nullptr)
                .getResult()
          : moe::LinearOp::create(builder, loc, type, input, weights[0], bias, first.isTransposed())
                .getResult();
  Value sizes = onnx::ConstantOp::create(builder, loc, builder.getI64TensorAttr(widths));
  SmallVector<Type> types =
      llvm::map_to_vector(products, [](const Product &p) -> Type { return p.getResultType(); });
  auto split = onnx::NodeOp::create(builder, loc, types, "", "Split", 18, ValueRange{fused, sizes},
                                    builder.getNamedAttr("axis", builder.getI64IntegerAttr(-1)));
  int64_t bytes = first.getDepth() * getElementType(input).getIntOrFloatBitWidth() / 8;
  std::string columns =
      llvm::join(llvm::map_range(widths, [](int64_t part) { return std::to_string(part); }), " + ");
  split->emitRemark() << products.size() << " linear layers of one input are one of " << columns
                      << " columns: " << bytes << " bytes of each row are read once instead of "
                      << products.size() << " times, and " << products.size() - 1
                      << " products fewer are started and waited for";
  for (auto [product, result] : llvm::zip(products, split->getResults())) {
    product.op->getResult(0).replaceAllUsesWith(result);
    product.op->erase();
  }
}

struct FuseHorizontal : impl::FuseHorizontalPassBase<FuseHorizontal> {
  using FuseHorizontalPassBase::FuseHorizontalPassBase;

  void runOnOperation() override {
    llvm::StringMap<unsigned> uses;
    llvm::MapVector<std::pair<Block *, std::pair<Value, Value>>, SmallVector<Product>> byInput;
    getOperation()->walk([&](Operation *op) {
      if (auto weight = dyn_cast<moe::WeightOp>(op))
        ++uses[weight.getKey()];
      else if (Product::isOne(op))
        byInput[{op->getBlock(), Product(op).getRows()}].push_back(Product(op));
    });
    Fusion fusion(uses);
    for (auto &[input, products] : byInput)
      if (products.size() > 1)
        fuse(fusion, products);
  }

  /// The first takes all that agree with it, then the first of those left.
  void fuse(Fusion &fusion, ArrayRef<Product> products) {
    SmallVector<Product> left;
    for (const Product &product : products) {
      std::string reason = fusion.refuse(product);
      if (reason.empty())
        left.push_back(product);
      else
        product.op->emitRemark("stays apart from the linear layers of the same input: ") << reason;
    }
    if (gates)
      fuseGates(fusion, left);
    while (!left.empty()) {
      SmallVector<Product> group, others;
      for (const Product &product : left)
        (Fusion::agree(left.front(), product) ? group : others).push_back(product);
      left = std::move(others);
      int64_t columns = 0;
      for (const Product &product : group)
        columns += product.getWidth();
      if (group.size() > 1 && columns > kPanelColumns) {
        for (const Product &product : group)
          product.op->emitRemark("stays apart from the linear layers of the same input: ")
              << "together they have " << columns << " columns, and of more than " << kPanelColumns
              << " the input is read as often as of layers apart, but each part of the wider rows "
                 "is read from among the others";
      } else if (group.size() > 1) {
        numFused += group.size();
        fusion.fuse(group);
      } else if (products.size() > 1) {
        group.front().op->emitRemark("stays apart from the linear layers of the same input: no "
                                     "other is stored in the same way, and has or lacks a bias as "
                                     "it does");
      }
    }
  }

  /// Gates with what they let through; both are taken from `left`.
  void fuseGates(Fusion &fusion, SmallVector<Product> &left) {
    for (size_t i = 0; i < left.size(); ++i) {
      auto *up = llvm::find_if(left, [&](const Product &other) {
        return areGateAndUp(left[i], other) && Fusion::agree(left[i], other);
      });
      if (up == left.end())
        continue;
      Product pair[] = {left[i], *up};
      llvm::erase_if(left,
                     [&](const Product &p) { return p.op == pair[0].op || p.op == pair[1].op; });
      numFused += 2;
      fusion.fuse(pair);
      --i;
    }
  }
};

} // namespace
} // namespace moec
