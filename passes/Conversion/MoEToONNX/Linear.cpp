//===- Linear.cpp - Spellings of linear layers and of what stands between them
//-----------------------===//
#include "passes/Conversion/MoEToONNX/Spelling.h"

using namespace mlir;
using namespace moec;

namespace {

using Results = FailureOr<SmallVector<Value>>;

Results spellLinear(moe::LinearOp op, Spelling &s) {
  // The product, then what is done to it: operations that are spelled next.
  if (!op.isPlain()) {
    RankedTensorType type = op.getResult().getType();
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = op.getOutWidth();
    Value y =
        moe::LinearOp::create(s.builder, s.loc, RankedTensorType::get(shape, type.getElementType()),
                              op.getInput(), op.getWeight(), op.getBias(), op.getTransposed());
    if (op.getEpilogue())
      y = applyEpilogue(*op.getEpilogue(), y, type, s);
    if (op.getResidual())
      y = s.node("Add", 14, {y, op.getResidual()}, type);
    return SmallVector<Value>{y};
  }
  Value weight = op.getTransposed() ? s.transpose(op.getWeight(), {1, 0}) : op.getWeight();
  Type result = op.getResult().getType();
  if (!op.getBias())
    return SmallVector<Value>{s.node("MatMul", 13, {op.getInput(), weight}, result)};
  return SmallVector<Value>{
      s.node("Add", 14, {s.matmul(op.getInput(), weight), op.getBias()}, result)};
}

Results spellBlockLinear(moe::BlockLinearOp op, Spelling &s) {
  // [rows, b, 1, K] × [b, K, N] = [rows, b, 1, N].
  ArrayRef<int64_t> weight = op.getWeight().getType().getShape();
  Value rows = s.reshape(op.getInput(), {-1, weight[0], 1, weight[1]});
  Value y = s.reshape(s.matmul(rows, op.getWeight()), {-1, weight[0] * weight[2]});
  if (std::optional<ArrayRef<int64_t>> shuffle = op.getShuffle())
    y = s.gather(y, s.ints(*shuffle), 1);
  if (op.getBias())
    y = s.add(y, op.getBias());
  int64_t rank = op.getInput().getType().getRank();
  Value leading = s.node("Shape", 21, op.getInput(), s.tensorOf(s.builder.getI64Type()),
                         {s.attribute("end", rank - 1), s.attribute("start", int64_t(0))});
  Value shape = s.concat({leading, s.ints({weight[0] * weight[2]})}, 0);
  return SmallVector<Value>{s.node("Reshape", 21, {y, shape}, op.getResult().getType())};
}

/// Both norms have an operator, whose scale is a vector of the input's type. In the wider of the
/// input's and the result's: what is rounded is the result.
Results spellNorm(moe::NormOp op, Spelling &s) {
  RankedTensorType resultType = op.getResult().getType();
  Type elementType = resultType.getElementType();
  if (Type given = op.getInput().getType().getElementType();
      given.getIntOrFloatBitWidth() > elementType.getIntOrFloatBitWidth())
    elementType = given;
  RankedTensorType type = resultType.clone(elementType);
  Value x = s.cast(op.getInput(), elementType), scale = op.getScale();
  bool isPlain = scale && cast<RankedTensorType>(scale.getType()).getRank() == 1 &&
                 cast<RankedTensorType>(scale.getType()).getElementType() == elementType;
  Value vector = scale;
  if (!isPlain) {
    auto vectorType = RankedTensorType::get(resultType.getShape().back(), elementType);
    Attribute one = s.builder.getFloatAttr(elementType, 1);
    vector = onnx::ConstantOp::create(s.builder, s.loc, DenseElementsAttr::get(vectorType, one));
  }
  bool isLayer = op.getKind() == moe::NormKind::Layer;
  NamedAttribute attributes[] = {s.attribute("axis", int64_t(-1)),
                                 s.attribute("epsilon", op.getEpsilon().convertToFloat())};
  Value y = s.node(isLayer ? "LayerNormalization" : "RMSNormalization", isLayer ? 17 : 23,
                   {x, vector}, type, attributes);
  auto apply = [&](StringRef opType, Value other) {
    y = s.node(opType, 14, {y, s.cast(other, elementType)}, type);
  };
  if (scale && !isPlain)
    apply("Mul", scale);
  if (op.getBias())
    apply("Add", op.getBias());
  y = s.cast(y, resultType.getElementType());
  y.setType(resultType);
  return SmallVector<Value>{y};
}

Value spellKind(moe::ActivationKind kind, float alpha, Value x, Spelling &s) {
  Type type = x.getType();
  switch (kind) {
  case moe::ActivationKind::Identity:
    return x;
  case moe::ActivationKind::ReLU:
    return s.node("Relu", 14, x, type);
  case moe::ActivationKind::ReLUSquared: {
    Value relu = s.node("Relu", 14, x, type);
    return s.node("Mul", 14, {relu, relu}, type);
  }
  case moe::ActivationKind::SiLU:
    return s.node("Swish", 24, x, type, s.attribute("alpha", alpha));
  case moe::ActivationKind::GELU:
    return s.node("Gelu", 20, x, type);
  case moe::ActivationKind::GELUTanh:
    return s.node("Gelu", 20, x, type,
                  s.builder.getNamedAttr("approximate", s.builder.getStringAttr("tanh")));
  case moe::ActivationKind::Sigmoid:
    return s.node("Sigmoid", 13, x, type);
  case moe::ActivationKind::Tanh:
    return s.node("Tanh", 13, x, type);
  }
  llvm_unreachable("a kind of activation");
}

Results spellActivation(moe::ActivationOp op, Spelling &s) {
  return SmallVector<Value>{
      spellKind(op.getKind(), op.getAlpha().convertToFloat(), op.getInput(), s)};
}

Results spellGLU(moe::GLUOp op, Spelling &s) {
  RankedTensorType type = op.getResult().getType();
  Type elementType = type.getElementType();
  Value gate = op.getGate(), up = op.getUp();
  if (std::optional<APFloat> limit = op.getLimit()) {
    Value high = s.scalar(elementType, limit->convertToDouble());
    Value low = s.scalar(elementType, -limit->convertToDouble());
    gate = s.node("Clip", 13, {gate, s.optional(nullptr), high}, type);
    up = s.node("Clip", 13, {up, low, high}, type);
  }
  if (double offset = op.getOffset().convertToDouble(); offset != 0)
    up = s.node("Add", 14, {up, s.scalar(elementType, offset)}, type);
  gate = spellKind(op.getKind(), op.getAlpha().convertToFloat(), gate, s);
  return SmallVector<Value>{s.node("Mul", 14, {gate, up}, type)};
}

} // namespace

Value moec::applyEpilogue(moe::EpilogueAttr epilogue, Value product, RankedTensorType type,
                          Spelling &s) {
  FloatAttr alpha = epilogue.getAlpha();
  if (!alpha)
    alpha = s.builder.getF32FloatAttr(1);
  auto kind = moe::ActivationKindAttr::get(s.builder.getContext(), epilogue.getKind());
  if (!epilogue.getGated())
    return moe::ActivationOp::create(s.builder, s.loc, type, kind, product, alpha);
  int64_t width = type.getShape().back();
  auto halves = onnx::NodeOp::create(s.builder, s.loc, TypeRange{type, type}, "", "Split", 18,
                                     ValueRange{product, s.ints({width, width})},
                                     s.attribute("axis", int64_t(-1)));
  FloatAttr offset = epilogue.getOffset();
  return moe::GLUOp::create(s.builder, s.loc, type, kind, halves->getResult(0),
                            halves->getResult(1), alpha,
                            offset ? offset : s.builder.getF32FloatAttr(0), epilogue.getLimit());
}

void moec::addLinearSpellings(SpellingTable &table) {
  addSpelling<moe::ActivationOp, spellActivation>(table);
  addSpelling<moe::BlockLinearOp, spellBlockLinear>(table);
  addSpelling<moe::GLUOp, spellGLU>(table);
  addSpelling<moe::LinearOp, spellLinear>(table);
  addSpelling<moe::NormOp, spellNorm>(table);
}
