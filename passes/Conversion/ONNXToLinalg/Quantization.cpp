//===- Quantization.cpp - QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear
//-----------------===//
#include "passes/Conversion/ONNXToLinalg/Quantization.h"
#include "dialects/ONNX/TensorProto.h"
#include "passes/Conversion/ONNXToLinalg/Codes.h"
#include "passes/Conversion/ONNXToLinalg/Reduction.h"
#include "passes/Conversion/ONNXToLinalg/Reshaping.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace moec;

//===- Elements
//-------------------------------------------------------------------------------------===//

static bool isUnsignedCode(Type modelType) {
  return modelType.isUnsignedInteger() || modelType.isInteger(1);
}

static Value extend(OpBuilder &builder, Location loc, Value code, Type modelType, Type to) {
  if (code.getType() == to)
    return code;
  return isUnsignedCode(modelType) ? Value(arith::ExtUIOp::create(builder, loc, to, code))
                                   : Value(arith::ExtSIOp::create(builder, loc, to, code));
}

Value moec::emitToF32(OpBuilder &builder, Location loc, Value element, Type modelType) {
  Type f32 = builder.getF32Type();
  if (isFloatCode(modelType))
    return emitDecodedFloat(builder, loc, element, cast<FloatType>(modelType));
  if (isa<FloatType>(modelType))
    return modelType.isF64() ? narrow(builder, loc, element, f32)
                             : widen(builder, loc, element, f32);
  return isUnsignedCode(modelType) ? Value(arith::UIToFPOp::create(builder, loc, f32, element))
                                   : Value(arith::SIToFPOp::create(builder, loc, f32, element));
}

Value moec::emitCentred(OpBuilder &builder, Location loc, Value code, Value zeroPoint,
                        Type modelType) {
  Type i32 = builder.getI32Type();
  Value wide = extend(builder, loc, code, modelType, i32);
  if (!zeroPoint)
    return wide;
  return arith::SubIOp::create(builder, loc, wide, extend(builder, loc, zeroPoint, modelType, i32));
}

Value moec::emitRoundedCode(OpBuilder &builder, Location loc, Value number, Value zeroPoint,
                            Type modelType) {
  ScalarEmitter s(builder, loc, builder.getF32Type());
  bool isUnsigned = isUnsignedCode(modelType);
  unsigned bits = modelType.getIntOrFloatBitWidth();
  Value low = s.constant(isUnsigned ? 0 : -std::ldexp(1.0, bits - 1));
  Value high = s.constant(std::ldexp(1.0, isUnsigned ? bits : bits - 1) - 1);
  Value rounded = s.create<math::RoundEvenOp>(number);
  if (zeroPoint)
    rounded = s.add(rounded, emitToF32(builder, loc, zeroPoint, modelType));
  rounded = s.select(s.less(low, rounded), rounded, low);
  rounded = s.select(s.less(rounded, high), rounded, high);
  Value code = s.create<arith::FPToSIOp>(builder.getI32Type(), rounded);
  return s.create<arith::TruncIOp>(getStorageType(modelType), code);
}

//===- Scales and zero points
//-----------------------------------------------------------------------===//

namespace {

/// Operands of a node, one element an element of operand 0 or for several of them.
class GranularOperands {
public:
  explicit GranularOperands(NodeLowering &lowering) : lowering(lowering), dims(lowering.dims(0)) {
    add(lowering.operand(0), lowering.builder.getMultiDimIdentityMap(dims.size()));
  }

  /// Operand i: one for all; one for each index of 'axis'; or one for each 'block_size' of them.
  LogicalResult add(unsigned i) {
    ArrayRef<SymExpr> sizes = lowering.dims(i);
    OpBuilder &builder = lowering.builder;
    SymContext &symbols = lowering.symbols;
    int64_t rank = dims.size(), block = lowering.node.getInt("block_size", 0);
    auto isOne = [](SymExpr size) { return size.isConstant(1); };
    if (block == 0 && sizes.size() <= 1 && llvm::all_of(sizes, isOne)) {
      Value scalar = reshape(lowering, lowering.operand(i), sizes, {});
      add(scalar, AffineMap::get(rank, 0, builder.getContext()));
      return success(bool(scalar));
    }
    std::optional<int64_t> axis = lowering.normalizeAxis(lowering.node.getInt("axis", 1), rank);
    if (!axis)
      return failure();
    if (block == 0) {
      if (sizes.size() != 1)
        return lowering.refuse("operand " + Twine(i) + " has rank " + Twine(sizes.size()) +
                               ", expected at most 1 without a 'block_size'");
      // Of unknown size, it may be one for all.
      Value each = broadcastTo(lowering, lowering.operand(i), sizes, dims[*axis]);
      add(each, AffineMap::get(rank, 0, builder.getAffineDimExpr(*axis)));
      return success(bool(each));
    }
    if (block < 0 || static_cast<int64_t>(sizes.size()) != rank)
      return lowering.refuse("operand " + Twine(i) + " has rank " + Twine(sizes.size()) +
                             ", expected " + Twine(rank) + " with a 'block_size' of " +
                             Twine(block));
    SmallVector<AffineExpr> exprs;
    for (int64_t d = 0; d < rank; ++d) {
      AffineExpr index = builder.getAffineDimExpr(d);
      exprs.push_back(d == *axis ? index.floorDiv(block) : index);
      SymExpr size = dims[d];
      if (d == *axis)
        size = symbols.div(symbols.add(size, symbols.constant(block - 1)), symbols.constant(block));
      if (failed(lowering.checkEqual(sizes[d], size,
                                     "the scale or zero point has not one element a block")))
        return failure();
    }
    add(lowering.operand(i), AffineMap::get(rank, 0, exprs, builder.getContext()));
    return success();
  }

  /// Result 0, of the sizes of operand 0.
  Value emit(Type elementType, llvm::function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
    OpBuilder &builder = lowering.builder;
    Value init = lowering.empty(dims, elementType);
    SmallVector<AffineMap> all(maps);
    all.push_back(builder.getMultiDimIdentityMap(dims.size()));
    SmallVector<utils::IteratorType> iterators(dims.size(), utils::IteratorType::parallel);
    return linalg::GenericOp::create(builder, lowering.loc, init.getType(), tensors, init, all,
                                     iterators,
                                     [&](OpBuilder &b, Location loc, ValueRange args) {
                                       Value element = body(b, loc, args.drop_back());
                                       linalg::YieldOp::create(b, loc, element);
                                     })
        .getResult(0);
  }

private:
  void add(Value tensor, AffineMap map) {
    tensors.push_back(tensor);
    maps.push_back(map);
  }

  NodeLowering &lowering;
  SmallVector<SymExpr> dims;
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
};

} // namespace

//===- The operators
//--------------------------------------------------------------------------------===//

/// (x - zero point) * scale, in f32, rounded to the result's type.
static Results lowerDequantizeLinear(NodeLowering &lowering) {
  Type from = lowering.modelElementType(0), scaleType = lowering.modelElementType(1);
  Type to = lowering.resultType(0).getElementType();
  // The zero point of a float is 0.
  bool hasZeroPoint = lowering.hasOperand(2) && !isa<FloatType>(from);
  GranularOperands operands(lowering);
  if (failed(operands.add(1)) || (hasZeroPoint && failed(operands.add(2))))
    return failure();
  Value result = operands.emit(to, [&](OpBuilder &builder, Location loc, ValueRange x) {
    Value number = x[0];
    if (isa<FloatType>(from)) {
      number = emitToF32(builder, loc, number, from);
    } else {
      number = emitCentred(builder, loc, number, hasZeroPoint ? x[2] : Value(), from);
      number = arith::SIToFPOp::create(builder, loc, builder.getF32Type(), number);
    }
    Value scale = emitToF32(builder, loc, x[1], scaleType);
    number = arith::MulFOp::create(builder, loc, number, scale);
    return narrow(builder, loc, number, to);
  });
  return SmallVector<Value>{result};
}

/// round(x / scale) + zero point, cut off at the ends of the type; floats are rounded to their
/// codes.
static Results lowerQuantizeLinear(NodeLowering &lowering) {
  Type from = lowering.modelElementType(0), scaleType = lowering.modelElementType(1);
  Type to = cast<TensorType>(lowering.node->getResult(0).getType()).getElementType();
  Type precision = lowering.builder.getF32Type();
  if (int64_t type = lowering.node.getInt("precision", 0)) {
    precision = moec::onnx::getElementType(lowering.builder.getContext(), type);
    if (!precision || !(precision.isF32() || precision.isF16() || precision.isBF16()))
      return lowering.refuse("'precision' is " + Twine(type) +
                             ", expected that of float, float16 or bfloat16");
  }
  bool isFloat = isa<FloatType>(to), saturates = lowering.node.getInt("saturate", 1) != 0;
  if (isFloat ? !isFloatCode(to) || isa<Float8E8M0FNUType>(to) : to.getIntOrFloatBitWidth() > 16)
    return lowering.refuse("there are no codes of this element type");
  bool hasZeroPoint = lowering.hasOperand(2) && !isFloat;
  GranularOperands operands(lowering);
  if (failed(operands.add(1)) || (hasZeroPoint && failed(operands.add(2))))
    return failure();
  Value result =
      operands.emit(getStorageType(to), [&](OpBuilder &builder, Location loc, ValueRange x) {
        Type f32 = builder.getF32Type();
        auto round = [&](Value number) {
          return widen(builder, loc, narrow(builder, loc, number, precision), f32);
        };
        Value number = round(emitToF32(builder, loc, x[0], from));
        Value scale = round(emitToF32(builder, loc, x[1], scaleType));
        number = round(arith::DivFOp::create(builder, loc, number, scale));
        if (isFloat)
          return emitEncodedFloat(builder, loc, number, cast<FloatType>(to), saturates);
        return emitRoundedCode(builder, loc, number, hasZeroPoint ? x[2] : Value(), to);
      });
  return SmallVector<Value>{result};
}

/// To the 256 codes that cover the numbers and 0, as ONNX Runtime chooses them: where all are 0,
/// the scale is 1.
static Results lowerDynamicQuantizeLinear(NodeLowering &lowering) {
  OpBuilder &builder = lowering.builder;
  Type f32 = builder.getF32Type(), i8 = builder.getI8Type();
  ArrayRef<SymExpr> dims = lowering.dims(0);
  BroadcastOperand x{lowering.operand(0), dims};
  AxisSet axes(dims.size(), true);
  SmallVector<SymExpr> kept = keepAxes(lowering, dims, axes);
  auto identity = [](ScalarEmitter &, ValueRange x) { return x[0]; };
  SmallVector<BroadcastOperand, 2> ends;
  for (ReductionKind kind : {ReductionKind::Min, ReductionKind::Max}) {
    Value end = emitReduction(lowering, x, dims, axes, kind, f32, false, identity);
    end = end ? reshape(lowering, end, kept, {}) : Value();
    if (!end)
      return failure();
    ends.push_back({end, {}});
  }
  // The range of the numbers and 0, of which there may be none.
  auto emitRange = [](ScalarEmitter &s, ValueRange x) {
    Value zero = s.constant(0), low = s.min(x[0], zero);
    Value range = s.sub(s.max(x[1], zero), low);
    Value scale = s.div(range, s.constant(255));
    return std::pair(low, s.select(s.equal(range, zero), s.constant(1), scale));
  };
  Value scale =
      emitElementwise(lowering, ends, {}, f32, [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarEmitter s(b, loc, f32);
        return emitRange(s, x).second;
      });
  Type ui8 = IntegerType::get(builder.getContext(), 8, IntegerType::Unsigned);
  Value zeroPoint =
      emitElementwise(lowering, ends, {}, i8, [&](OpBuilder &b, Location loc, ValueRange x) {
        ScalarEmitter s(b, loc, f32);
        auto [low, scale] = emitRange(s, x);
        Value place = s.neg(s.div(low, scale));
        return emitRoundedCode(b, loc, place, Value(), ui8);
      });
  Value codes = emitElementwise(lowering, {x, {scale, {}}, {zeroPoint, {}}}, dims, i8,
                                [&](OpBuilder &b, Location loc, ValueRange x) {
                                  return emitRoundedCode(
                                      b, loc, arith::DivFOp::create(b, loc, x[0], x[1]), x[2], ui8);
                                });
  if (!codes)
    return failure();
  return SmallVector<Value>{codes, scale, zeroPoint};
}

void moec::addQuantizationHandlers(NodeHandlerTable &table) {
  table.add("DequantizeLinear", 10, lowerDequantizeLinear);
  table.add("DynamicQuantizeLinear", 11, lowerDynamicQuantizeLinear);
  table.add("QuantizeLinear", 10, lowerQuantizeLinear);
}
