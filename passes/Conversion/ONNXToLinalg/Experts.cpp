//===- Experts.cpp - Rows in order by expert ---------------------------------------------===//
#include "dialects/MoE/MoEOps.h"
#include "moec/Kernels/KernelLibrary.h"
#include "moec/Kernels/Kernels.h"
#include "passes/Analysis/Match.h"
#include "passes/Conversion/ONNXToLinalg/Broadcast.h"
#include "passes/Conversion/ONNXToLinalg/CodedMatrix.h"
#include "passes/Conversion/ONNXToLinalg/Epilogue.h"
#include "passes/Conversion/ONNXToLinalg/MatrixSource.h"
#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"
#include "passes/Conversion/ONNXToLinalg/RaggedStack.h"
#include "passes/Conversion/ONNXToLinalg/Reshaping.h"
#include "passes/Conversion/ONNXToLinalg/ScalarEmitter.h"

#include "dialects/Kernel/KernelOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

/// The elements in another float type.
static Value castFloats(NodeLowering &lowering, Value tensor, ArrayRef<SymExpr> dims, Type type) {
  if (getElementType(tensor) == type)
    return tensor;
  bool widens = getElementType(tensor).getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth();
  return emitElementwise(lowering, {{tensor, dims}}, dims, type,
                         [&](OpBuilder &nested, Location loc, ValueRange elements) {
                           return (widens ? widen : narrow)(nested, loc, elements[0], type);
                         });
}

/// What is added up in: f32 for narrower floats.
static Type getSumType(NodeLowering &lowering, Type type) {
  return type.getIntOrFloatBitWidth() < 32 ? lowering.builder.getF32Type() : type;
}

/// Numbers of experts, slots or rows: 64 bits. A number of 32 bits is below no expert's or one.
static Value asLong(NodeLowering &lowering, Value tensor, ArrayRef<SymExpr> dims) {
  Type i64 = lowering.builder.getI64Type();
  if (getElementType(tensor) == i64)
    return tensor;
  return emitElementwise(lowering, {{tensor, dims}}, dims, i64,
                         [&](OpBuilder &nested, Location loc, ValueRange elements) -> Value {
                           return arith::ExtSIOp::create(nested, loc, i64, elements[0]);
                         });
}

static Results lowerDispatch(NodeLowering &lowering) {
  auto op = cast<moe::DispatchOp>(lowering.op);
  Type i64 = lowering.builder.getI64Type();
  if (getElementType(op.getOrder()) != i64 || getElementType(op.getOffsets()) != i64)
    return lowering.refuse("its orders are not of 64 bits");
  Type elementType = getElementType(op.getTokens());
  SmallVector<Value> outputs{lowering.empty(lowering.resultDims(0), elementType),
                             lowering.empty(lowering.resultDims(1), i64),
                             lowering.empty(lowering.resultDims(2), i64)};
  SmallVector<Value> inputs{lowering.operand(0),
                            asLong(lowering, lowering.operand(1), lowering.dims(1))};
  return SmallVector<Value>(
      kernel::CallOp::create(lowering.builder, lowering.loc, ValueRange(outputs).getTypes(),
                             getLibraryKernelName("dispatch", elementType), inputs, outputs)
          .getResults());
}

namespace {
/// A stack of matrices in memory, [n, K, N], or [n, N, K] if transposed; null after an error.
struct StackedMatrices {
  Value tensor;
  SmallVector<SymExpr> dims;
  bool transposed;
};
} // namespace

/// The matrices of a segment where they come from: those that are swapped are not copied for that.
static StackedMatrices getMatrices(NodeLowering &lowering, Value segment) {
  SmallVector<SymExpr> dims(lowering.dims(segment));
  MatrixSource source = traceMatrices(segment, lowering.shapes());
  if (!source.scales.empty() || !source.repeat.isConstant(1))
    return {lowering.lowered(segment), dims, false};
  if (source.transposed)
    std::swap(dims[1], dims[2]);
  return {reshape(lowering, lowering.lowered(source.value), lowering.dims(source.value), dims),
          dims, source.transposed};
}

/// Weights in memory, one segment after the other. Of halves the kernel widens what it uses; other
/// narrow types are widened expert by expert, so that there is never more than one matrix in
/// another type.
/// Null after an error.
static Value emitPlainGroupedLinear(NodeLowering &lowering, moe::GroupedLinearOp op, Value bias,
                                    ArrayRef<SymExpr> dims) {
  OpBuilder &builder = lowering.builder;
  Type elementType = getElementType(op.getInput()), sumType = getSumType(lowering, elementType);
  Value offsets = lowering.lowered(op.getOffsets());
  Value rows =
      castFloats(lowering, lowering.lowered(op.getInput()), lowering.dims(op.getInput()), sumType);
  // Rows of no expert stay zero.
  Value result = lowering.filled(dims, lowering.scalar(sumType, 0));
  auto beginOf = [&](int64_t expert) -> Value {
    Value number =
        tensor::ExtractOp::create(builder, lowering.loc, offsets, lowering.index(expert));
    return arith::IndexCastOp::create(builder, lowering.loc, builder.getIndexType(), number);
  };
  bool isHalf = elementType.isF16() || elementType.isBF16();
  int64_t blocks = op.getBlocks();
  auto multiply = [&](Value matrices, int64_t columns, bool transposed, int64_t expert,
                      int64_t count) {
    int64_t panel = getPanelColumns(sumType, columns, lowering.kernels());
    Value filled =
        arith::SubIOp::create(builder, lowering.loc, beginOf(expert + count), beginOf(expert));
    std::string kernel;
    llvm::raw_string_ostream name(kernel);
    name << "matmul_grouped_" << (transposed ? "nt_" : "") << panel << "_";
    if (getElementType(matrices) != sumType)
      name << getElementType(matrices) << "_";
    name << sumType;
    result = kernel::CallOp::create(builder, lowering.loc, result.getType(), kernel,
                                    ValueRange{rows, offsets, lowering.index(expert), filled,
                                               lowering.index(blocks), matrices, bias},
                                    ValueRange{result})
                 .getResult(0);
  };
  int64_t expert = 0;
  for (Value segment : op.getWeights()) {
    int64_t count = cast<RankedTensorType>(segment.getType()).getDimSize(0) / blocks;
    auto [matrices, matrixDims, transposed] = getMatrices(lowering, segment);
    if (!matrices)
      return {};
    transposed ^= op.getTransposed();
    int64_t columns = op.getWidthOf(segment);
    columns = ShapedType::isDynamic(columns) ? INT64_MAX : columns;
    if (elementType == sumType || isHalf) {
      multiply(matrices, columns, transposed, expert, count);
      expert += count;
      continue;
    }
    matrixDims[0] = lowering.symbols.constant(blocks);
    for (int64_t i = 0; i < count; ++i) {
      SmallVector<OpFoldResult> begin(3, builder.getIndexAttr(0)),
          strides(3, builder.getIndexAttr(1));
      begin[0] = builder.getIndexAttr(i * blocks);
      Value matrix = tensor::ExtractSliceOp::create(builder, lowering.loc, matrices, begin,
                                                    lowering.sizes(matrixDims), strides);
      multiply(castFloats(lowering, matrix, matrixDims, sumType), columns, transposed, expert++, 1);
    }
  }
  return castFloats(lowering, result, dims, elementType);
}

/// Constant weights of one size in the layout that kernels stream: adds them to the inputs of the
/// kernel whose name is the result; std::nullopt of others.
static std::optional<std::string> addUniformStack(NodeLowering &lowering, moe::GroupedLinearOp op,
                                                  const LoweredEpilogue &epilogue,
                                                  SmallVectorImpl<Value> &inputs) {
  Type elementType = getElementType(op.getInput());
  if (elementType != getSumType(lowering, elementType))
    return std::nullopt;
  bool isGated = epilogue.isGated();
  std::string ending = op.getEpilogue() ? "_" + epilogue.name() : "";
  ending += elementType.isF32() ? "_f32" : "_f64";
  if (auto packed = lowering.packedStack(op.getWeights(), op.getTransposed(), isGated)) {
    inputs.push_back(packed->tensor);
    return "matmul_grouped_packed_" + std::to_string(packed->panel) + ending;
  }
  if (!elementType.isF32())
    return std::nullopt;
  auto coded = getCodedStack(lowering, op.getWeights(), op.getTransposed(), isGated);
  if (!coded)
    return std::nullopt;
  llvm::append_range(inputs, coded->operands());
  return "matmul_grouped_coded_" + StringRef(coded->format).rsplit('_').first.str() + ending;
}

static Results lowerGroupedLinear(NodeLowering &lowering) {
  auto op = cast<moe::GroupedLinearOp>(lowering.op);
  if (getElementType(op.getOffsets()) != lowering.builder.getI64Type())
    return lowering.refuse("its offsets are not of 64 bits");
  Type elementType = getElementType(op.getInput()), sumType = getSumType(lowering, elementType);
  ArrayRef<SymExpr> dims = lowering.resultDims(0);
  bool hasBias = bool(op.getBias());
  LoweredEpilogue epilogue(lowering, op.getEpilogueAttr(), hasBias, /*hasResidual=*/false);
  SmallVector<SymExpr> product(dims);
  if (epilogue.isGated())
    product[1] = lowering.symbols.mul(dims[1], lowering.symbols.constant(2));
  Value bias = hasBias ? castFloats(lowering, lowering.lowered(op.getBias()),
                                    lowering.dims(op.getBias()), sumType)
                       : lowering.empty({lowering.symbols.constant(0), product[1]}, sumType);
  SmallVector<Value> inputs{lowering.operand(0), lowering.operand(1)};
  std::optional<std::string> kernel;
  if (op.isRagged()) {
    if (auto ragged = getRaggedStack(lowering, op.getWeights(), op.getTransposed(), elementType)) {
      kernel = ragged->kernel;
      llvm::append_range(inputs, ragged->operands());
    }
  } else {
    kernel = addUniformStack(lowering, op, epilogue, inputs);
  }
  if (!kernel) {
    Value plain = emitPlainGroupedLinear(lowering, op, bias, product);
    if (plain && op.getEpilogue())
      plain = epilogue.emitElements(plain, Value(), dims);
    if (!plain)
      return failure();
    return SmallVector<Value>{plain};
  }
  inputs.push_back(bias);
  if (op.getEpilogue())
    llvm::append_range(inputs, epilogue.numbers());
  Value init = lowering.empty(dims, elementType);
  ValueRange results = kernel::CallOp::create(lowering.builder, lowering.loc, init.getType(),
                                              *kernel, inputs, ValueRange{init})
                           .getResults();
  return SmallVector<Value>(results);
}

static Results lowerCombine(NodeLowering &lowering) {
  auto op = cast<moe::CombineOp>(lowering.op);
  Type i64 = lowering.builder.getI64Type();
  if (getElementType(op.getOrder()) != i64 || getElementType(op.getOffsets()) != i64)
    return lowering.refuse("its orders are not of 64 bits");
  Type elementType = getElementType(op.getRows()), sumType = getSumType(lowering, elementType);
  ArrayRef<SymExpr> dims = lowering.resultDims(0);
  SmallVector<Value> inputs{castFloats(lowering, lowering.operand(0), lowering.dims(0), sumType),
                            lowering.operand(1), lowering.operand(2),
                            castFloats(lowering, lowering.operand(3), lowering.dims(3), sumType)};
  SmallVector<Value> outputs{lowering.empty(lowering.dims(3), i64), lowering.empty(dims, sumType)};
  auto call = kernel::CallOp::create(lowering.builder, lowering.loc, ValueRange(outputs).getTypes(),
                                     getLibraryKernelName("combine", sumType), inputs, outputs);
  return SmallVector<Value>{
      castFloats(lowering, call.getResult(1), dims, getElementType(op.getResult()))};
}

void moec::addExpertHandlers(OperationHandlerTable &table) {
  table[moe::DispatchOp::getOperationName()] = lowerDispatch;
  table[moe::GroupedLinearOp::getOperationName()] = lowerGroupedLinear;
  table[moe::CombineOp::getOperationName()] = lowerCombine;
}
