//===- Matrix.cpp - Matrix products
//-------------------------------------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Matrix.h"
#include "dialects/Kernel/KernelOps.h"
#include "passes/Conversion/ONNXToLinalg/Broadcast.h"
#include "passes/Conversion/ONNXToLinalg/CodedMatrix.h"
#include "passes/Conversion/ONNXToLinalg/MatrixSource.h"
#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"
#include "passes/Conversion/ONNXToLinalg/Reshaping.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

using SymVector = SmallVector<SymExpr>;
namespace {

Value emitScalarProduct(OpBuilder &builder, Location loc, Value x, Value y, Value sum) {
  if (isa<FloatType>(sum.getType())) {
    auto widen = [&](Value value) -> Value {
      if (value.getType() == sum.getType())
        return value;
      return arith::ExtFOp::create(builder, loc, sum.getType(), value);
    };
    // The order of the sum is fixed when the model is compiled (see Numerics.md).
    Value product = arith::MulFOp::create(builder, loc, widen(x), widen(y));
    return arith::AddFOp::create(builder, loc, sum, product, arith::FastMathFlags::reassoc);
  }
  return arith::AddIOp::create(builder, loc, sum, arith::MulIOp::create(builder, loc, x, y));
}

/// The product of element types without a kernel, as a loop nest: f16 and bf16 add up in f32.
Value emitStructuredProduct(NodeLowering &lowering, const Matrices &a, const Matrices &b,
                            bool transposeB, ArrayRef<SymExpr> resultDims) {
  OpBuilder &builder = lowering.builder;
  Type elementType = cast<RankedTensorType>(a.tensor.getType()).getElementType();
  bool isHalf = elementType.isF16() || elementType.isBF16();
  Type sumType = isHalf ? builder.getF32Type() : elementType;
  Value zero = arith::ConstantOp::create(builder, lowering.loc, builder.getZeroAttr(sumType));
  Value init = lowering.filled(resultDims, zero);
  AffineExpr i, m, n, k, first = builder.getAffineConstantExpr(0);
  bindDims(builder.getContext(), i, m, n, k);
  auto stack = [&](const Matrices &matrices) { return matrices.count.isConstant(1) ? first : i; };
  SmallVector<AffineMap> maps = {AffineMap::get(4, 0, {stack(a), m, k}, builder.getContext()),
                                 AffineMap::get(4, 0,
                                                transposeB ? ArrayRef<AffineExpr>{stack(b), n, k}
                                                           : ArrayRef<AffineExpr>{stack(b), k, n},
                                                builder.getContext()),
                                 AffineMap::get(4, 0, {i, m, n}, builder.getContext())};
  SmallVector<utils::IteratorType> iterators(3, utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  Value result =
      linalg::GenericOp::create(builder, lowering.loc, init.getType(),
                                ValueRange{a.tensor, b.tensor}, ValueRange{init}, maps, iterators,
                                [&](OpBuilder &nested, Location loc, ValueRange arguments) {
                                  Value sum = emitScalarProduct(nested, loc, arguments[0],
                                                                arguments[1], arguments[2]);
                                  linalg::YieldOp::create(nested, loc, sum);
                                })
          .getResult(0);
  if (!isHalf)
    return result;
  Value narrow = lowering.empty(resultDims, elementType);
  AffineMap identity = builder.getMultiDimIdentityMap(3);
  return linalg::GenericOp::create(
             builder, lowering.loc, narrow.getType(), result, narrow,
             ArrayRef<AffineMap>{identity, identity},
             SmallVector<utils::IteratorType>(3, utils::IteratorType::parallel),
             [&](OpBuilder &nested, Location loc, ValueRange arguments) {
               Value value = arith::TruncFOp::create(nested, loc, elementType, arguments[0]);
               linalg::YieldOp::create(nested, loc, value);
             })
      .getResult(0);
}

} // namespace

static bool isSingle(ArrayRef<SymExpr> batch) {
  return llvm::all_of(batch, [](SymExpr size) { return size.isConstant(1); });
}

LogicalResult moec::checkDepths(NodeLowering &lowering, ArrayRef<SymExpr> aDims,
                                ArrayRef<SymExpr> bDims) {
  if (aDims.empty() || bDims.empty())
    return lowering.refuse("an operand is a scalar, expected at least one dimension");
  return lowering.checkEqual(aDims.back(), bDims.size() == 1 ? bDims[0] : bDims[bDims.size() - 2],
                             "the columns of the first matrix and the rows of the second differ");
}

std::optional<MatrixOperands> moec::stackMatrices(NodeLowering &lowering, BroadcastOperand a,
                                                  BroadcastOperand b) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> aDims = a.dims, bDims = b.dims;
  SymExpr one = symbols.constant(1);
  // Vectors are matrices of one row (the first operand) or one column (the second).
  bool aIsVector = aDims.size() == 1, bIsVector = bDims.size() == 1;
  SymExpr rows = aIsVector ? one : aDims[aDims.size() - 2], depth = aDims.back();
  SymExpr columns = bIsVector ? one : bDims.back();
  SymVector aBatch(aDims.drop_back(aIsVector ? 1 : 2)), bBatch(bDims.drop_back(bIsVector ? 1 : 2));
  auto stack = [&](Value tensor, ArrayRef<SymExpr> dims, SymExpr count, SymExpr rows,
                   SymExpr columns) {
    Matrices matrices{nullptr, count, rows, columns};
    if (tensor)
      matrices.tensor = reshape(lowering, tensor, dims, matrices.dims());
    return matrices;
  };
  MatrixOperands result;
  if (isSingle(bBatch)) {
    // One second matrix: all first matrices are one tall one.
    result.count = one;
    result.left = stack(a.tensor, aDims, one, symbols.mul(symbols.product(aBatch), rows), depth);
    result.right = stack(b.tensor, bDims, one, depth, columns);
    bool isComplete = result.left.tensor && (result.right.tensor || !b.tensor);
    return isComplete ? std::optional(result) : std::nullopt;
  }
  size_t rank = std::max(aBatch.size(), bBatch.size());
  SymVector batch(lowering.resultDims(0).take_front(rank));
  result.count = symbols.product(batch);
  auto expand = [&](Value tensor, SymVector dims, ArrayRef<SymExpr> own, SymExpr rows,
                    SymExpr columns) -> Matrices {
    if (isSingle(own))
      return stack(tensor, dims, one, rows, columns);
    if (symbols.product(own) != result.count || own.size() != rank || own != ArrayRef(batch)) {
      SymVector full(batch);
      full.append({rows, columns});
      SymVector from(own);
      from.append({rows, columns});
      tensor = reshape(lowering, tensor, dims, from);
      tensor = tensor ? broadcastTo(lowering, tensor, from, full) : Value();
      dims = full;
    }
    return tensor ? stack(tensor, dims, result.count, rows, columns) : Matrices{};
  };
  result.left = expand(a.tensor, SymVector(aDims), aBatch, rows, depth);
  result.right = expand(b.tensor, SymVector(bDims), bBatch, depth, columns);
  return result.left.tensor && result.right.tensor ? std::optional(result) : std::nullopt;
}

Value moec::emitMatrixProduct(NodeLowering &lowering, const Matrices &a, const Matrices &b,
                              bool transposeB, SymExpr count) {
  SymVector dims{count, a.rows, transposeB ? b.rows : b.columns};
  Type elementType = cast<RankedTensorType>(a.tensor.getType()).getElementType();
  if (!elementType.isF32() && !elementType.isF64())
    return emitStructuredProduct(lowering, a, b, transposeB, dims);
  std::string kernel = transposeB ? "matmul_nt_" : "matmul_";
  kernel += elementType.isF32() ? "f32" : "f64";
  Value init = lowering.empty(dims, elementType);
  return kernel::CallOp::create(lowering.builder, lowering.loc, init.getType(), kernel,
                                ValueRange{a.tensor, b.tensor}, ValueRange{init})
      .getResult(0);
}

namespace {

/// The product of a stack of matrices and packed constant ones.
Value emitPackedProduct(NodeLowering &lowering, const Matrices &a, const PackedMatrices &b,
                        SymExpr count) {
  SymVector dims{count, a.rows, lowering.symbols.constant(b.columns)};
  Type elementType = cast<RankedTensorType>(a.tensor.getType()).getElementType();
  std::string kernel =
      "matmul_packed_" + std::to_string(b.panel) + (elementType.isF32() ? "_f32" : "_f64");
  Value init = lowering.empty(dims, elementType);
  return kernel::CallOp::create(lowering.builder, lowering.loc, init.getType(), kernel,
                                ValueRange{a.tensor, b.tensor}, ValueRange{init})
      .getResult(0);
}

/// … and constant ones that stay codes.
Value emitCodedProduct(NodeLowering &lowering, const Matrices &a, const CodedMatrices &b,
                       SymExpr count) {
  SymVector dims{count, a.rows, lowering.symbols.constant(b.columns)};
  Value init = lowering.empty(dims, lowering.builder.getF32Type());
  SmallVector<Value> inputs{a.tensor};
  llvm::append_range(inputs, b.operands());
  return kernel::CallOp::create(lowering.builder, lowering.loc, init.getType(),
                                "matmul_coded_" + b.format, inputs, ValueRange{init})
      .getResult(0);
}

/// One constant second matrix in the layout that a kernel wants: in panels, or as codes in panels.
class ConstantMatrix {
public:
  ConstantMatrix(NodeLowering &lowering, unsigned i, bool transposed) : lowering(lowering) {
    packed = lowering.packedOperand(i, transposed);
    if (!packed && cast<TensorType>(lowering.resultType(0)).getElementType().isF32())
      coded = getCodedStack(lowering, lowering.op->getOperand(i), transposed);
  }

  explicit operator bool() const { return packed || coded; }
  Value emitProduct(const Matrices &left, SymExpr count) const {
    return packed ? emitPackedProduct(lowering, left, *packed, count)
                  : emitCodedProduct(lowering, left, *coded, count);
  }

private:
  NodeLowering &lowering;
  std::optional<PackedMatrices> packed;
  std::optional<CodedMatrices> coded;
};

/// The elements times a scalar.
Value scale(NodeLowering &lowering, Value tensor, ArrayRef<SymExpr> dims, Value factor) {
  Type elementType = cast<RankedTensorType>(tensor.getType()).getElementType();
  return emitElementwise(lowering, {{tensor, dims}}, dims, elementType,
                         [&](OpBuilder &nested, Location loc, ValueRange elements) -> Value {
                           return arith::MulFOp::create(nested, loc, elements[0], factor);
                         });
}

/// The product of operands 0 and 1, the second read where its matrices come from. First matrices
/// that meet the same second one are one tall matrix, and take its factors. Null where the second
/// is not moved about, or the first would have to be repeated; a failure after an error.
FailureOr<Value> emitTracedProduct(NodeLowering &lowering, ArrayRef<SymExpr> aDims,
                                   ArrayRef<SymExpr> bDims) {
  SymContext &symbols = lowering.symbols;
  Value stack = lowering.node.getOptionalOperand(1);
  MatrixSource source = traceMatrices(stack, lowering.shapes());
  if (source.isItself(stack) || aDims.size() < 2)
    return Value();
  SymVector dims(lowering.dims(source.value)), result(lowering.resultDims(0));
  SymExpr count = symbols.product(ArrayRef(dims).drop_back(2));
  SymExpr all = symbols.product(bDims.drop_back(2)), aCount = symbols.product(aDims.drop_back(2));
  bool isOne = all && all.isConstant(1);
  if (!count || !aCount || symbols.mul(count, source.repeat) != all ||
      (!isOne && aDims.drop_back(2) != bDims.drop_back(2)))
    return Value();
  // How many of the first matrices one second one meets.
  SymExpr rows = symbols.mul(isOne ? aCount : source.repeat, aDims[aDims.size() - 2]);
  if (!rows)
    return Value();
  Value a = lowering.operand(0);
  for (Value factor : source.scales) {
    Value tensor = lowering.lowered(factor);
    SmallVector<Value> first(cast<RankedTensorType>(tensor.getType()).getRank(), lowering.index(0));
    a = scale(lowering, a, aDims,
              tensor::ExtractOp::create(lowering.builder, lowering.loc, tensor, first));
  }
  Matrices left{nullptr, count, rows, aDims.back()};
  Matrices right{nullptr, count, dims[dims.size() - 2], dims.back()};
  left.tensor = reshape(lowering, a, aDims, left.dims());
  right.tensor = reshape(lowering, lowering.lowered(source.value), dims, right.dims());
  if (!left.tensor || !right.tensor)
    return failure();
  Value product = emitMatrixProduct(lowering, left, right, source.transposed, count);
  product = reshape(lowering, product, {count, rows, bDims.back()}, result);
  if (!product)
    return failure();
  return product;
}

Results lowerMatMul(NodeLowering &lowering) {
  ArrayRef<SymExpr> aDims = lowering.dims(0), bDims = lowering.dims(1);
  if (failed(checkDepths(lowering, aDims, bDims)))
    return failure();
  // One second matrix that is a constant is there in the layout that the kernel wants.
  std::optional<ConstantMatrix> constant;
  if (bDims.size() > 1 && isSingle(bDims.drop_back(2)))
    constant.emplace(lowering, 1, /*transposed=*/false);
  bool isConstant = constant && *constant;
  if (!isConstant && bDims.size() > 1) {
    FailureOr<Value> traced = emitTracedProduct(lowering, aDims, bDims);
    if (failed(traced))
      return failure();
    if (*traced)
      return SmallVector<Value>{*traced};
  }
  std::optional<MatrixOperands> operands = stackMatrices(
      lowering, {lowering.operand(0), aDims}, {isConstant ? Value() : lowering.operand(1), bDims});
  if (!operands)
    return failure();
  const auto &[left, right, count] = *operands;
  Value product = isConstant
                      ? constant->emitProduct(left, count)
                      : emitMatrixProduct(lowering, left, right, /*transposeB=*/false, count);
  Value value = reshape(lowering, product, operands->resultDims(), lowering.resultDims(0));
  if (!value)
    return failure();
  return SmallVector<Value>{value};
}

/// alpha · product + beta · c, by elements; c is null where there is none.
Value emitGemmEpilogue(NodeLowering &lowering, Value product, Value c, float alpha, float beta,
                       ArrayRef<SymExpr> dims) {
  if (alpha == 1.0f && !c)
    return product;
  OpBuilder &builder = lowering.builder;
  Type elementType = cast<RankedTensorType>(product.getType()).getElementType();
  Value init = lowering.empty(dims, elementType);
  SmallVector<Value> operands{product};
  if (c)
    operands.push_back(c);
  SmallVector<AffineMap> maps(operands.size() + 1, builder.getMultiDimIdentityMap(2));
  auto isFloat = isa<FloatType>(elementType);
  return linalg::GenericOp::create(
             builder, lowering.loc, init.getType(), operands, init, maps,
             SmallVector<utils::IteratorType>(2, utils::IteratorType::parallel),
             [&](OpBuilder &nested, Location loc, ValueRange arguments) {
               auto scale = [&](Value value, float factor) -> Value {
                 if (factor == 1.0f)
                   return value;
                 if (!isFloat)
                   return arith::MulIOp::create(
                       nested, loc, value,
                       arith::ConstantOp::create(
                           nested, loc,
                           nested.getIntegerAttr(elementType, static_cast<int64_t>(factor))));
                 return arith::MulFOp::create(
                     nested, loc, value,
                     arith::ConstantOp::create(nested, loc,
                                               nested.getFloatAttr(elementType, factor)));
               };
               Value result = scale(arguments[0], alpha);
               if (c) {
                 Value term = scale(arguments[1], beta);
                 result = isFloat ? Value(arith::AddFOp::create(nested, loc, result, term))
                                  : Value(arith::AddIOp::create(nested, loc, result, term));
               }
               linalg::YieldOp::create(nested, loc, result);
             })
      .getResult(0);
}

Results lowerGemm(NodeLowering &lowering) {
  onnx::NodeOp node = lowering.node;
  SymVector aDims(lowering.dims(0)), bDims(lowering.dims(1));
  if (aDims.size() != 2 || bDims.size() != 2)
    return lowering.refuse("an operand has rank " +
                           Twine(aDims.size() != 2 ? aDims.size() : bDims.size()) + ", expected 2");
  Value a = lowering.operand(0);
  if (node.getInt("transA", 0)) {
    a = transpose(lowering, a, aDims, {1, 0});
    aDims = permute(aDims, {1, 0});
  }
  bool transposeB = node.getInt("transB", 0) != 0;
  if (failed(lowering.checkEqual(aDims[1], bDims[transposeB ? 1 : 0],
                                 "the columns of A and the rows of B differ")))
    return failure();
  SymExpr one = lowering.symbols.constant(1);
  auto single = [&](Value tensor, ArrayRef<SymExpr> dims) {
    Matrices matrices{nullptr, one, dims[0], dims[1]};
    matrices.tensor = reshape(lowering, tensor, dims, matrices.dims());
    return matrices;
  };
  Matrices left = single(a, aDims);
  ConstantMatrix constant(lowering, 1, transposeB);
  Value product = constant ? constant.emitProduct(left, one)
                           : emitMatrixProduct(lowering, left, single(lowering.operand(1), bDims),
                                               transposeB, one);
  SymVector result(lowering.resultDims(0));
  product = reshape(lowering, product, {one, result[0], result[1]}, result);
  float beta = node.getFloat("beta", 1.0f);
  Value c = lowering.operand(2);
  if (c && beta != 0.0f) {
    c = broadcastTo(lowering, c, lowering.dims(2), result);
    if (!c)
      return failure();
  } else {
    c = {};
  }
  return SmallVector<Value>{
      emitGemmEpilogue(lowering, product, c, node.getFloat("alpha", 1.0f), beta, result)};
}

} // namespace

void moec::addMatrixHandlers(NodeHandlerTable &table) {
  table.add("MatMul", 1, lowerMatMul);
  table.add("Gemm", 11, lowerGemm);
  table.add("Einsum", 12, lowerEinsum);
  addQuantizedMatrixHandlers(table);
}
