#include "passes/Conversion/ONNXToLinalg/Epilogue.h"
#include "dialects/Kernel/KernelOps.h"
#include "dialects/MoE/MoEOps.h"
#include "moec/Kernels/Activations.h"
#include "passes/Analysis/Match.h"
#include "passes/Conversion/ONNXToLinalg/Broadcast.h"
#include "passes/Conversion/ONNXToLinalg/CodedMatrix.h"
#include "passes/Conversion/ONNXToLinalg/Matrix.h"
#include "passes/Conversion/ONNXToLinalg/Reshaping.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

using Results = FailureOr<SmallVector<Value>>;

LoweredEpilogue::LoweredEpilogue(NodeLowering &lowering, moe::EpilogueAttr attribute, bool hasBias,
                                 bool hasResidual)
    : lowering(lowering), attribute(attribute) {
  name_ = hasBias ? "bias_" : "";
  name_ +=
      moe::stringifyActivationKind(attribute ? attribute.getKind() : moe::ActivationKind::Identity);
  name_ += isGated() ? "_glu" : "";
  name_ += hasResidual ? "_residual" : "";
}

Value LoweredEpilogue::number(FloatAttr given, double otherwise) const {
  Type type = getElementType(lowering.op->getResult(0));
  return lowering.scalar(type, given ? given.getValueAsDouble() : otherwise);
}

SmallVector<Value> LoweredEpilogue::numbers() const {
  FloatAttr alpha, offset, limit;
  if (attribute) {
    alpha = attribute.getAlpha();
    offset = attribute.getOffset();
    limit = attribute.getLimit();
  }
  // These leave every number as it is, -0 included.
  return {number(alpha, 1), number(offset, -0.0),
          number(limit, std::numeric_limits<double>::infinity())};
}

Value LoweredEpilogue::emitElements(Value product, Value residual, ArrayRef<SymExpr> dims) const {
  OpBuilder &builder = lowering.builder;
  SmallVector<BroadcastOperand> operands;
  for (int64_t half = 0; half < (isGated() ? 2 : 1); ++half) {
    SmallVector<OpFoldResult> begin(dims.size(), builder.getIndexAttr(0)),
        strides(dims.size(), builder.getIndexAttr(1));
    begin.back() = builder.getIndexAttr(half * dims.back().getConstant().value_or(0));
    Value part = product;
    if (isGated())
      part = tensor::ExtractSliceOp::create(builder, lowering.loc, product, begin,
                                            lowering.sizes(dims), strides);
    operands.push_back({part, dims});
  }
  if (residual)
    operands.push_back({residual, dims});
  SmallVector<Value> scalars = numbers();
  return emitElementwise(
      lowering, operands, dims, getElementType(product),
      [&](OpBuilder &nested, Location loc, ValueRange elements) {
        Value x = elements[0];
        if (isGated())
          x = emitGLU(nested, loc, attribute.getKind(), x, elements[1], scalars[0], scalars[1],
                      scalars[2]);
        else if (attribute)
          x = emitActivation(nested, loc, attribute.getKind(), x, scalars[0]);
        return residual ? arith::AddFOp::create(nested, loc, x, elements.back()).getResult() : x;
      });
}

/// A weight that no kernel reads as it is stored.
static Value emitPlainLinear(NodeLowering &lowering, moe::LinearOp op, const Matrices &rows,
                             Value bias, Value residual, const LoweredEpilogue &epilogue,
                             ArrayRef<SymExpr> dims) {
  ArrayRef<SymExpr> weight = lowering.dims(op.getWeight());
  SymExpr one = lowering.symbols.constant(1);
  Matrices right{nullptr, one, weight[0], weight[1]};
  right.tensor = reshape(lowering, lowering.lowered(op.getWeight()), weight, right.dims());
  Value product =
      right.tensor ? emitMatrixProduct(lowering, rows, right, op.getTransposed(), one) : Value();
  if (!product)
    return {};
  SmallVector<SymExpr> all{one, rows.rows, weight[op.getTransposed() ? 0 : 1]};
  if (bias)
    product = emitElementwise(lowering, {{product, all}, {bias, lowering.dims(op.getBias())}}, all,
                              getElementType(product),
                              [](OpBuilder &nested, Location loc, ValueRange elements) -> Value {
                                return arith::AddFOp::create(nested, loc, elements[0], elements[1]);
                              });
  return product ? epilogue.emitElements(product, residual, dims) : Value();
}

/// A moe.linear with something behind it.
static Results lowerLinear(NodeLowering &lowering) {
  auto op = cast<moe::LinearOp>(lowering.op);
  ArrayRef<SymExpr> inputDims = lowering.dims(op.getInput()), result = lowering.resultDims(0);
  ArrayRef<SymExpr> weightDims = lowering.dims(op.getWeight());
  if (failed(lowering.checkEqual(inputDims.back(), weightDims[op.getTransposed() ? 1 : 0],
                                 "the input's features and the weight's rows differ")))
    return failure();
  SymContext &symbols = lowering.symbols;
  SymExpr one = symbols.constant(1);
  Type elementType = getElementType(op.getResult());
  LoweredEpilogue epilogue(lowering, op.getEpilogueAttr(), bool(op.getBias()),
                           bool(op.getResidual()));
  Matrices rows{nullptr, one, symbols.product(inputDims.drop_back()), inputDims.back()};
  rows.tensor = reshape(lowering, lowering.lowered(op.getInput()), inputDims, rows.dims());
  SmallVector<SymExpr> dims{one, rows.rows, result.back()};
  Value bias = op.getBias() ? lowering.lowered(op.getBias()) : Value(), residual;
  if (op.getResidual()) {
    ArrayRef<SymExpr> own = lowering.dims(op.getResidual());
    for (auto [size, expected] : llvm::zip(own, result))
      if (failed(lowering.checkEqual(size, expected, "the residual is of another shape")))
        return failure();
    residual = reshape(lowering, lowering.lowered(op.getResidual()), result, dims);
  }
  if (!rows.tensor || (op.getResidual() && !residual))
    return failure();

  std::optional<PackedMatrices> packed =
      lowering.packedStack(op.getWeight(), op.getTransposed(), epilogue.isGated());
  std::optional<CodedMatrices> coded;
  if (!packed && elementType.isF32())
    coded = getCodedStack(lowering, op.getWeight(), op.getTransposed(), epilogue.isGated());
  Value value;
  if (packed || coded) {
    std::string type = elementType.isF32() ? "f32" : "f64", kernel = "matmul_";
    SmallVector<Value> inputs{rows.tensor};
    if (packed) {
      kernel += "packed_" + std::to_string(packed->panel);
      inputs.push_back(packed->tensor);
    } else {
      kernel += "coded_" + coded->format.substr(0, coded->format.rfind('_'));
      llvm::append_range(inputs, coded->operands());
    }
    kernel += "_" + epilogue.name() + "_" + type;
    SymExpr none = symbols.constant(0), columns = weightDims[op.getTransposed() ? 0 : 1];
    if (bias) {
      bias = broadcastTo(lowering, bias, lowering.dims(op.getBias()), {columns});
      bias = bias ? reshape(lowering, bias, {columns}, {one, columns}) : Value();
      if (!bias)
        return failure();
    }
    inputs.push_back(bias ? bias : lowering.empty({none, columns}, elementType));
    inputs.push_back(residual ? residual
                              : lowering.empty({none, rows.rows, result.back()}, elementType));
    llvm::append_range(inputs, epilogue.numbers());
    Value init = lowering.empty(dims, elementType);
    value = kernel::CallOp::create(lowering.builder, lowering.loc, init.getType(), kernel, inputs,
                                   ValueRange{init})
                .getResult(0);
  } else {
    value = emitPlainLinear(lowering, op, rows, bias, residual, epilogue, dims);
  }
  value = value ? reshape(lowering, value, dims, result) : Value();
  if (!value)
    return failure();
  return SmallVector<Value>{value};
}

void moec::addEpilogueHandlers(OperationHandlerTable &table) {
  table[moe::LinearOp::getOperationName()] = lowerLinear;
}
