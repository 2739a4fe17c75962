#include "passes/Analysis/Layers.h"
#include "passes/Analysis/Match.h"
#include "passes/Compression/DecisionLog.h"
#include "passes/Compression/LayerPattern.h"
#include "passes/Compression/Passes.h"
#include "passes/Compression/TensorCoder.h"
#include "passes/Compression/WeightReaders.h"
#include "passes/Raising/EraseUnused.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

namespace moec {
#define GEN_PASS_DEF_QUANTIZEWEIGHTSPASS
#include "passes/Compression/Passes.h.inc"

using namespace mlir;

namespace {

constexpr StringLiteral kPass = "quantize-weights";
constexpr StringLiteral kEmbedding = "embedding";

} // namespace

static Value createDequantize(OpBuilder &builder, Location loc, Type type,
                              const CodedTensor &coded) {
  return moe::DequantizeOp::create(
      builder, loc, type, coded.codes, coded.scales, coded.zeroPoints, /*codebook=*/Value(),
      builder.getI64IntegerAttr(coded.axis), builder.getI64IntegerAttr(coded.block),
      builder.getI64IntegerAttr(coded.packed), builder.getI64IntegerAttr(coded.zero));
}

namespace {

class QuantizeWeights : public impl::QuantizeWeightsPassBase<QuantizeWeights> {
public:
  using QuantizeWeightsPassBase::QuantizeWeightsPassBase;

  void runOnOperation() override {
    if (failed(readOptions()))
      return signalPassFailure();
    llvm::Expected<LayerPattern> pattern = LayerPattern::create(layers);
    if (!pattern)
      return (void)fail("'layers': " + llvm::toString(pattern.takeError()));
    FailureOr<WeightEditor> editor = WeightEditor::open(getOperation());
    if (failed(editor))
      return signalPassFailure();
    TensorCoder coder(*editor);
    fixLayerNames(getOperation());
    std::vector<MoELayer> experts = getMoELayers(getOperation());
    std::vector<LinearLayer> linears = getLinearLayers(getOperation());
    std::vector<LookupTable> tables = getLookupTables(getOperation());
    // The parameters of experts are one layer; their linear layers go with it.
    llvm::erase_if(linears, [](LinearLayer &layer) { return layer.experts != nullptr; });
    auto keepWanted = [&](auto &all, auto getKind) {
      llvm::erase_if(all, [&](auto &layer) {
        bool isNamed = pattern->match(layer.name);
        return !isNamed || (!kinds.empty() && !llvm::is_contained(kinds, getKind(layer)));
      });
    };
    keepWanted(tables, [](LookupTable &) { return kEmbedding; });
    keepWanted(linears, [](LinearLayer &layer) { return stringifyLinearKind(layer.kind); });
    keepWanted(experts, [](MoELayer &) { return stringifyLinearKind(LinearKind::Experts); });
    if (!pattern->checkAllMatched([&](const Twine &message) { (void)fail(message); }))
      return;
    WeightReaders readers(getOperation());
    for (LookupTable &table : tables)
      quantizeTable(coder, table);
    for (LinearLayer &layer : linears)
      if (layer.kind != LinearKind::Router)
        quantizeLinear(coder, layer);
    for (MoELayer &layer : experts)
      quantizeExperts(*editor, coder, layer);
    readers.forEachDivided(getOperation(), [](Operation *op, StringRef weight) {
      op->emitRemark() << kPass << ": '" << weight
                       << "' is stored as it was and as codes: it is read here, and by others that "
                          "have codes now";
    });
    decisions.attachTo(getOperation());
  }

private:
  LogicalResult fail(const Twine &message) {
    emitError(UnknownLoc::get(&getContext())) << kPass << ": " << message;
    signalPassFailure();
    return failure();
  }

  LogicalResult readOptions() {
    for (auto [name, value] : {std::pair("format", &codes), std::pair("outer", &outer)})
      if (*value != "int8" && *value != "int4")
        return fail("'" + Twine(name) + "' is '" + *value + "', expected int8 or int4");
    if (group < -1 || (group > 0 && (group < 16 || !llvm::isPowerOf2_64(group))))
      return fail("'group' is " + Twine(group) + ", expected 0 or a power of two of at least 16");
    if (scales != "f16" && scales != "f32")
      return fail("'scales' is '" + scales + "', expected f16 or f32");
    for (StringRef kind : kinds)
      if (!llvm::is_contained({"experts", "attention", "ffn", "head", "embedding"}, kind))
        return fail("'kinds' names '" + kind +
                    "', expected experts, attention, ffn, head or embedding");
    unsigned bits = codes == "int4" ? 4 : 8;
    int64_t neighbours = group >= 0 ? group : bits == 4 ? 32 : 0;
    format = outerFormat = CodeFormat{bits, neighbours, !asymmetric, scales == "f16", clip};
    if (bits == 4 && outer == "int8") {
      outerFormat.bits = 8;
      outerFormat.group = 0;
    }
    return success();
  }

  void quantizeTable(TensorCoder &coder, LookupTable &table);
  void quantizeLinear(TensorCoder &coder, LinearLayer &layer);
  void quantizeExperts(WeightEditor &editor, TensorCoder &coder, MoELayer &layer);
  void log(Operation *op, StringRef name, StringRef kind, LayerCost before, LayerCost after,
           const RoundingError &rounding);

  const CodeFormat &getFormat(StringRef kind) const {
    return kind == kEmbedding || kind == stringifyLinearKind(LinearKind::Head) ? outerFormat
                                                                               : format;
  }

  CodeFormat format, outerFormat; ///< of heads and embeddings
  DecisionLog decisions{kPass};
};

} // namespace

/// The axis of a parameter [E, …, …] that the body's linear layers sum over; std::nullopt if it is
/// no matrix of such layers alone.
static std::optional<int64_t> getDepthAxis(moe::ExpertsOp experts, int64_t p) {
  BlockArgument argument = experts.getBodyParameter(p);
  std::optional<int64_t> axis;
  for (OpOperand &use : argument.getUses()) {
    auto linear = dyn_cast<moe::LinearOp>(use.getOwner());
    if (!linear || linear.getWeight() != argument || linear.getInput() == argument)
      return std::nullopt;
    int64_t own = linear.getTransposed() ? 2 : 1;
    if (axis && axis != own)
      return std::nullopt;
    axis = own;
  }
  return axis;
}

void QuantizeWeights::log(Operation *op, StringRef name, StringRef kind, LayerCost before,
                          LayerCost after, const RoundingError &rounding) {
  Builder builder(&getContext());
  Decision decision;
  decision.layer = name.str();
  decision.options.set("kinds", builder.getStrArrayAttr({kind}));
  const CodeFormat &own = getFormat(kind);
  Attribute codesAttr = builder.getStringAttr("int" + Twine(own.bits));
  decision.options.set("format", codesAttr);
  decision.options.set("outer", codesAttr);
  decision.options.set("group", builder.getI64IntegerAttr(own.group));
  decision.options.set("asymmetric", builder.getBoolAttr(asymmetric));
  decision.options.set("scales", builder.getStringAttr(scales));
  decision.options.set("clip", builder.getBoolAttr(clip));
  decision.before = before;
  decision.after = after;
  decision.relativeError = rounding.get();
  decision.reason =
      llvm::formatv("weights of '{0}' in {1} bits by {2}, {3} bytes instead of {4}, relative error "
                    "{5:F4}",
                    name, own.bits, own.group ? "groups of " + std::to_string(own.group) : "row",
                    after.bytes, before.bytes, rounding.get());
  decisions.add(op, decision);
}

void QuantizeWeights::quantizeLinear(TensorCoder &coder, LinearLayer &layer) {
  moe::LinearOp linear = layer.linear;
  Value given = linear.getWeight(), weight = given;
  bool transposed = linear.getTransposed();
  // Codes are those of the weight as it is stored: others that read it, such as an embedding that
  // is the head too, have the same.
  if (onnx::NodeOp transpose = getNode(weight, "Transpose")) {
    weight = transpose.getInputs()[0];
    transposed = !transposed;
  }
  OpBuilder builder(linear);
  RoundingError rounding;
  llvm::Expected<CodedTensor> coded =
      coder.encode(builder, linear.getLoc(), weight, transposed ? 1 : 0,
                   getFormat(stringifyLinearKind(layer.kind)), /*inBytes=*/false, rounding);
  if (!coded)
    return decisions.refuse(linear, layer.name, llvm::toString(coded.takeError()));
  LayerCost before = getCost(linear);
  linear.getWeightMutable().assign(
      createDequantize(builder, linear.getLoc(), weight.getType(), *coded));
  linear.setTransposed(transposed);
  log(linear, layer.name, stringifyLinearKind(layer.kind), before, getCost(linear), rounding);
  if (Operation *definition = given.getDefiningOp())
    eraseUnused(definition);
}

void QuantizeWeights::quantizeExperts(WeightEditor &editor, TensorCoder &coder, MoELayer &layer) {
  moe::ExpertsOp experts = layer.experts;
  LayerCost before = getCost(experts);
  RoundingError rounding;
  OpBuilder builder(experts);
  bool isChanged = false;
  for (int64_t p = 0, begin = 0; p < experts.getNumParameters(); ++p) {
    int64_t first = begin, count = experts.getSegments()[p];
    begin += count;
    std::optional<int64_t> axis = getDepthAxis(experts, p);
    if (!axis)
      continue;
    // All of them or none, so that the experts of a parameter are stored in one way.
    editor.setStoresSmall(count > 1);
    SmallVector<CodedTensor> all;
    RoundingError own;
    for (int64_t i = first; i < first + count; ++i) {
      llvm::Expected<CodedTensor> coded =
          coder.encode(builder, experts.getLoc(), experts.getParameters()[i], *axis, format,
                       /*inBytes=*/false, own);
      if (!coded) {
        decisions.refuse(experts, layer.name,
                         "parameter " + Twine(p) + ": " + llvm::toString(coded.takeError()));
        break;
      }
      all.push_back(*coded);
    }
    if (static_cast<int64_t>(all.size()) < count)
      continue;
    for (auto [i, coded] : llvm::enumerate(all)) {
      Value weight = experts.getParameters()[first + i];
      experts.getParametersMutable()[first + i].assign(
          createDequantize(builder, experts.getLoc(), weight.getType(), coded));
      if (Operation *definition = weight.getDefiningOp())
        eraseUnused(definition);
    }
    rounding.add(own);
    isChanged = true;
  }
  editor.setStoresSmall(false);
  if (isChanged)
    log(experts, layer.name, stringifyLinearKind(LinearKind::Experts), before, getCost(experts),
        rounding);
}

/// Codes and scales are gathered, and what was gathered is dequantised.
void QuantizeWeights::quantizeTable(TensorCoder &coder, LookupTable &lookup) {
  onnx::NodeOp node = lookup.gather;
  StringRef name = lookup.name;
  if (!lookup.otherUse.empty())
    return decisions.refuse(node, name,
                            "what is found in it is no hidden state, as far as is known: " +
                                lookup.otherUse);
  Value table = node.getInputs()[0], indices = node.getInputs()[1], result = node->getResult(0);
  OpBuilder builder(node);
  RoundingError rounding;
  llvm::Expected<CodedTensor> coded =
      coder.encode(builder, node.getLoc(), table, 1, outerFormat, /*inBytes=*/true, rounding);
  if (!coded)
    return decisions.refuse(node, name, llvm::toString(coded.takeError()));
  auto bytesOf = [](Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    return type.getNumElements() * type.getElementTypeBitWidth() / 8;
  };
  LayerCost before{cast<RankedTensorType>(table.getType()).getNumElements(), bytesOf(table), 0};
  LayerCost after{before.parameters, 0, 0};
  auto gather = [&](Value from) -> Value {
    after.bytes += bytesOf(from);
    SmallVector<int64_t> shape(*getShape(result));
    shape.back() = cast<RankedTensorType>(from.getType()).getDimSize(1);
    auto type = RankedTensorType::get(shape, getElementType(from));
    return onnx::NodeOp::create(builder, node.getLoc(), type, "", "Gather", 13,
                                ValueRange{from, indices},
                                builder.getNamedAttr("axis", builder.getI64IntegerAttr(0)))
        ->getResult(0);
  };
  coded->codes = gather(coded->codes);
  coded->scales = gather(coded->scales);
  if (coded->zeroPoints)
    coded->zeroPoints = gather(coded->zeroPoints);
  coded->axis = -1;
  result.replaceAllUsesWith(createDequantize(builder, node.getLoc(), result.getType(), *coded));
  log(node, name, kEmbedding, before, after, rounding);
  eraseUnused(node);
}

} // namespace moec
