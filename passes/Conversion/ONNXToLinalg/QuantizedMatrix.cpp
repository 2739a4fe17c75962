//===- QuantizedMatrix.cpp - Products of quantised matrices
//-----------------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Codes.h"
#include "passes/Conversion/ONNXToLinalg/Matrix.h"
#include "passes/Conversion/ONNXToLinalg/Quantization.h"
#include "passes/Conversion/ONNXToLinalg/Reshaping.h"
#include "passes/Conversion/ONNXToLinalg/Slicing.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

using SymVector = SmallVector<SymExpr>;
//===- Products of integers
//-------------------------------------------------------------------------===//

/// The sizes with which operand i, one number a row (or column) of the matrices of operand
/// `matrix`, broadcasts to them: vectors lie along the rows or columns, others have them already.
static SymVector alignToMatrix(NodeLowering &lowering, unsigned i, bool alongRows) {
  SymVector sizes(lowering.dims(i));
  if (sizes.size() == 1 && alongRows)
    sizes.push_back(lowering.symbols.constant(1));
  return sizes;
}

/// Operand `matrix` minus its zero points, in i16, where they are: operands of 8 bits.
static BroadcastOperand centre(NodeLowering &lowering, unsigned matrix, unsigned zeroPoint,
                               bool alongRows) {
  ArrayRef<SymExpr> dims = lowering.dims(matrix);
  Type modelType = lowering.modelElementType(matrix), i16 = lowering.builder.getI16Type();
  SmallVector<BroadcastOperand> operands{{lowering.operand(matrix), dims}};
  SymVector sizes;
  if (lowering.hasOperand(zeroPoint)) {
    // A vector is taken as a row.
    sizes = alignToMatrix(lowering, zeroPoint, alongRows && dims.size() > 1);
    Value value = reshape(lowering, lowering.operand(zeroPoint), lowering.dims(zeroPoint), sizes);
    if (!value)
      return {};
    operands.push_back({value, sizes});
  }
  Value centred = emitElementwise(
      lowering, operands, dims, i16, [&](OpBuilder &builder, Location loc, ValueRange x) -> Value {
        Value code = emitCentred(builder, loc, x[0], x.size() > 1 ? x[1] : Value(), modelType);
        return arith::TruncIOp::create(builder, loc, i16, code);
      });
  return {centred, dims};
}

/// Sums of products in i32. The loop over columns is the innermost, for vectors.
static Value emitIntegerProduct(NodeLowering &lowering, const MatrixOperands &operands) {
  OpBuilder &builder = lowering.builder;
  Type i32 = builder.getI32Type();
  Value init = lowering.filled(operands.resultDims(), lowering.scalarInt(i32, 0));
  AffineExpr i, m, k, n, first = builder.getAffineConstantExpr(0);
  bindDims(builder.getContext(), i, m, k, n);
  auto getMap = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(4, 0, exprs, builder.getContext());
  };
  auto stack = [&](const Matrices &matrices) { return matrices.count.isConstant(1) ? first : i; };
  SmallVector<AffineMap> maps{getMap({stack(operands.left), m, k}),
                              getMap({stack(operands.right), k, n}), getMap({i, m, n})};
  using utils::IteratorType;
  IteratorType iterators[] = {IteratorType::parallel, IteratorType::parallel,
                              IteratorType::reduction, IteratorType::parallel};
  return linalg::GenericOp::create(builder, lowering.loc, init.getType(),
                                   ValueRange{operands.left.tensor, operands.right.tensor}, init,
                                   maps, iterators,
                                   [&](OpBuilder &b, Location loc, ValueRange args) {
                                     Value x = arith::ExtSIOp::create(b, loc, i32, args[0]);
                                     Value y = arith::ExtSIOp::create(b, loc, i32, args[1]);
                                     Value product = arith::MulIOp::create(b, loc, x, y);
                                     Value sum = arith::AddIOp::create(b, loc, args[2], product);
                                     linalg::YieldOp::create(b, loc, sum);
                                   })
      .getResult(0);
}

/// The product of two operands, of the sizes of result 0; null after an error.
static Value emitCentredProduct(NodeLowering &lowering, unsigned a, unsigned aZeroPoint, unsigned b,
                                unsigned bZeroPoint) {
  if (failed(checkDepths(lowering, lowering.dims(a), lowering.dims(b))))
    return {};
  BroadcastOperand left = centre(lowering, a, aZeroPoint, /*alongRows=*/true);
  BroadcastOperand right = centre(lowering, b, bZeroPoint, /*alongRows=*/false);
  if (!left.tensor || !right.tensor)
    return {};
  std::optional<MatrixOperands> operands = stackMatrices(lowering, left, right);
  if (!operands)
    return {};
  return reshape(lowering, emitIntegerProduct(lowering, *operands), operands->resultDims(),
                 lowering.resultDims(0));
}

static Results lowerMatMulInteger(NodeLowering &lowering) {
  Value product = emitCentredProduct(lowering, 0, 2, 1, 3);
  if (!product)
    return failure();
  return SmallVector<Value>{product};
}

/// The codes of product * (scale of a * scale of b / scale of y), as ONNX Runtime computes it.
static Results lowerQLinearMatMul(NodeLowering &lowering) {
  enum : unsigned { A, AScale, AZeroPoint, B, BScale, BZeroPoint, YScale, YZeroPoint };
  Value product = emitCentredProduct(lowering, A, AZeroPoint, B, BZeroPoint);
  if (!product)
    return failure();
  SmallVector<BroadcastOperand> operands{{product, lowering.resultDims(0)}};
  constexpr unsigned quantisers[] = {AScale, BScale, YScale, YZeroPoint};
  SymVector sizes[std::size(quantisers)];
  for (auto [i, to] : llvm::zip(quantisers, sizes)) {
    to = alignToMatrix(lowering, i, i == AScale && lowering.dims(A).size() > 1);
    Value value = reshape(lowering, lowering.operand(i), lowering.dims(i), to);
    if (!value)
      return failure();
    operands.push_back({value, to});
  }
  Type to = cast<TensorType>(lowering.node->getResult(0).getType()).getElementType();
  Value result = emitElementwise(lowering, operands, lowering.resultDims(0), getStorageType(to),
                                 [&](OpBuilder &builder, Location loc, ValueRange x) {
                                   ScalarEmitter s(builder, loc, builder.getF32Type());
                                   Value scales[3];
                                   for (auto [scale, element] : llvm::zip(scales, x.drop_front()))
                                     scale = widen(builder, loc, element, s.type);
                                   Value factor = s.div(s.mul(scales[0], scales[1]), scales[2]);
                                   Value number =
                                       s.mul(s.create<arith::SIToFPOp>(s.type, x[0]), factor);
                                   return emitRoundedCode(builder, loc, number, x[4], to);
                                 });
  if (!result)
    return failure();
  return SmallVector<Value>{result};
}

//===- MatMulNBits
//----------------------------------------------------------------------------------===//

namespace {

/// com.microsoft MatMulNBits: Y = A B^T + bias, B [N, K] in blocks of `block` codes of `bits` bits
/// along K with a scale and a zero point each (ONNX Runtime's docs/ContribOperators.md).
class PackedMatMul {
public:
  enum : unsigned { A, B, Scales, ZeroPoints, Groups, Bias };

  explicit PackedMatMul(NodeLowering &lowering)
      : lowering(lowering), builder(lowering.builder), columns(lowering.node.getInt("N", 0)),
        depth(lowering.node.getInt("K", 0)), bits(lowering.node.getInt("bits", 4)),
        block(lowering.node.getInt("block_size", 0)) {}

  Results run() {
    if (failed(verify()))
      return failure();
    Value matrix = emitMatrix();
    if (!matrix)
      return failure();
    SymContext &symbols = lowering.symbols;
    SymExpr one = symbols.constant(1), n = symbols.constant(columns), k = symbols.constant(depth);
    ArrayRef<SymExpr> aDims = lowering.dims(A);
    Matrices left{nullptr, one, symbols.product(aDims.drop_back()), k};
    left.tensor = reshape(lowering, lowering.operand(A), aDims, left.dims());
    if (!left.tensor)
      return failure();
    Value product =
        emitMatrixProduct(lowering, left, {matrix, one, n, k}, /*transposeB=*/true, one);
    Value result = reshape(lowering, product, {one, left.rows, n}, lowering.resultDims(0));
    if (result && lowering.hasOperand(Bias))
      result = addBias(result);
    if (!result)
      return failure();
    return SmallVector<Value>{result};
  }

private:
  LogicalResult verify() {
    if (bits != 2 && bits != 4 && bits != 8)
      return lowering.refuse("'bits' is " + Twine(bits) + ", expected 2, 4 or 8");
    if (block < 16 || block > kMaxSize || !llvm::isPowerOf2_64(block))
      return lowering.refuse("'block_size' is " + Twine(block) +
                             ", expected a power of two of at least 16");
    if (columns < 1 || depth < 1 || columns > kMaxSize || depth > kMaxSize)
      return lowering.refuse("'N' is " + Twine(columns) + " and 'K' is " + Twine(depth) +
                             ", expected positive sizes");
    if (int64_t prepacked = lowering.node.getInt("weight_prepacked", 0))
      return lowering.refuse("'weight_prepacked' is " + Twine(prepacked) +
                             ", a layout for one kind of GPU; expected 0");
    if (lowering.hasOperand(Groups))
      return lowering.refuse("'g_idx' (reordered groups) is not supported; export without it");
    if (lowering.dims(A).empty())
      return lowering.refuse("A is a scalar");
    blocks = llvm::divideCeil(depth, block);
    return lowering.checkEqual(lowering.dims(A).back(), lowering.symbols.constant(depth),
                               "the columns of A are not 'K'");
  }

  /// Operand i, N lines of `length` elements however it groups them.
  Value getLines(unsigned i, int64_t length) {
    SymExpr size = lowering.symbols.constant(columns), line = lowering.symbols.constant(length);
    return reshape(lowering, lowering.operand(i), lowering.dims(i), {size, line});
  }

  /// The matrix in f32, [1, N, K].
  Value emitMatrix() {
    MLIRContext *context = builder.getContext();
    AffineExpr one, n, k;
    bindDims(context, one, n, k);
    AffineExpr group = k.floorDiv(block);
    SmallVector<Value> tensors{getLines(B, blocks * block * bits / 8), getLines(Scales, blocks)};
    SmallVector<AffineMap> maps{AffineMap::get(3, 0, {n, getCodeByte(k, bits)}, context),
                                AffineMap::get(3, 0, {n, group}, context)};
    bool hasZeroPoints = lowering.hasOperand(ZeroPoints);
    bool isPacked = hasZeroPoints && !isa<FloatType>(lowering.modelElementType(ZeroPoints));
    if (hasZeroPoints) {
      int64_t length = isPacked ? llvm::divideCeil(blocks * bits, 8) : blocks;
      tensors.push_back(getLines(ZeroPoints, length));
      maps.push_back(
          AffineMap::get(3, 0, {n, isPacked ? getCodeByte(group, bits) : group}, context));
    }
    if (llvm::is_contained(tensors, Value()))
      return {};
    if (bits == 8) {
      // A byte a code: the loop over K must not pass for one over whole blocks.
      SymExpr none = lowering.symbols.constant(0);
      tensors[0] =
          extractSlice(lowering, tensors[0], {none, none},
                       {lowering.symbols.constant(columns), lowering.symbols.constant(depth)});
    }
    maps.push_back(builder.getMultiDimIdentityMap(3));
    Value init =
        tensor::EmptyOp::create(builder, lowering.loc, {1, columns, depth}, builder.getF32Type());
    SmallVector<utils::IteratorType> iterators(3, utils::IteratorType::parallel);
    return linalg::GenericOp::create(
               builder, lowering.loc, init.getType(), tensors, init, maps, iterators,
               [&](OpBuilder &b, Location loc, ValueRange args) {
                 ScalarEmitter s(b, loc, b.getF32Type());
                 Value k = linalg::IndexOp::create(b, loc, 2);
                 auto toNumber = [&](Value byte, Value position) -> Value {
                   return s.create<arith::UIToFPOp>(s.type, emitCode(b, loc, byte, position, bits));
                 };
                 Value zeroPoint = s.constant(1 << (bits - 1));
                 if (isPacked) {
                   Value size = arith::ConstantIndexOp::create(b, loc, block);
                   Value group = arith::DivUIOp::create(b, loc, k, size);
                   zeroPoint = toNumber(args[2], group);
                 } else if (hasZeroPoints) {
                   zeroPoint = widen(b, loc, args[2], s.type);
                 }
                 Value number = s.sub(toNumber(args[0], k), zeroPoint);
                 number = s.mul(number, widen(b, loc, args[1], s.type));
                 linalg::YieldOp::create(b, loc, number);
               })
        .getResult(0);
  }

  Value addBias(Value product) {
    Type type = lowering.resultType(0).getElementType();
    ArrayRef<SymExpr> dims = lowering.resultDims(0);
    return emitElementwise(
        lowering, {{product, dims}, {lowering.operand(Bias), lowering.dims(Bias)}}, dims, type,
        [&](OpBuilder &b, Location loc, ValueRange x) {
          ScalarEmitter s(b, loc, getComputeType(type));
          Value sum = s.add(widen(b, loc, x[0], s.type), widen(b, loc, x[1], s.type));
          return narrow(b, loc, sum, type);
        });
  }

  NodeLowering &lowering;
  OpBuilder &builder;
  int64_t columns, depth, bits, block, blocks = 0;
};

} // namespace

static Results lowerMatMulNBits(NodeLowering &lowering) { return PackedMatMul(lowering).run(); }

void moec::addQuantizedMatrixHandlers(NodeHandlerTable &table) {
  table.add("MatMulInteger", 10, lowerMatMulInteger);
  table.add("QLinearMatMul", 10, lowerQLinearMatMul);
  table.add("com.microsoft::MatMulNBits", 1, lowerMatMulNBits);
}
