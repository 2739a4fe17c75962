#include "passes/Conversion/ONNXToLinalg/Codes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec;

//===- Types
//----------------------------------------------------------------------------------------===//

bool moec::isFloatCode(Type modelType) {
  return isa<FloatType>(modelType) && modelType.getIntOrFloatBitWidth() <= 8;
}

Type moec::getStorageType(Type modelType) {
  MLIRContext *context = modelType.getContext();
  if (isFloatCode(modelType))
    return IntegerType::get(context, 8);
  auto integer = dyn_cast<IntegerType>(modelType);
  if (!integer)
    return modelType;
  unsigned width = integer.getWidth();
  return IntegerType::get(context, width > 1 ? std::max(width, 8u) : width);
}

Type moec::getStorageTensorType(Type modelType) {
  auto tensor = dyn_cast<RankedTensorType>(modelType);
  return tensor ? tensor.clone(getStorageType(tensor.getElementType())) : modelType;
}

DenseElementsAttr moec::getStorageConstant(DenseElementsAttr constant) {
  Type from = constant.getElementType(), to = getStorageType(from);
  unsigned width = from.getIntOrFloatBitWidth();
  if (width == to.getIntOrFloatBitWidth())
    return constant.bitcast(to);
  auto widen = [&](const APInt &code) {
    return from.isSignlessInteger() ? code.sext(8) : code.zext(8);
  };
  if (auto floats = dyn_cast<DenseFPElementsAttr>(constant))
    return floats.mapValues(to, [&](const APFloat &x) { return widen(x.bitcastToAPInt()); });
  return cast<DenseIntElementsAttr>(constant).mapValues(to, widen);
}

//===- Packed codes
//---------------------------------------------------------------------------------===//

AffineExpr moec::getCodeByte(AffineExpr position, unsigned bits) {
  return position.floorDiv(8 / bits);
}

Value moec::emitCode(OpBuilder &builder, Location loc, Value byte, Value position, unsigned bits) {
  if (bits == 8)
    return byte;
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(builder, loc, builder.getI8IntegerAttr(value));
  };
  // Only the position's low bits matter.
  Value shift = arith::IndexCastOp::create(builder, loc, byte.getType(), position);
  shift = arith::AndIOp::create(builder, loc, shift, constant(8 / bits - 1));
  shift = arith::MulIOp::create(builder, loc, shift, constant(bits));
  Value code = arith::ShRUIOp::create(builder, loc, byte, shift);
  return arith::AndIOp::create(builder, loc, code, constant((1 << bits) - 1));
}

Value moec::readWeight(OpBuilder &builder, Location loc, kernel::PackedOp packed,
                       RankedTensorType type) {
  auto storage = cast<RankedTensorType>(getStorageTensorType(type));
  unsigned bits = type.getElementTypeBitWidth();
  if (bits == 1 || bits >= 8)
    return kernel::WeightOp::create(builder, loc, storage, packed.getSymName());
  Type i8 = builder.getI8Type();
  auto bytesType = RankedTensorType::get(packed.getSize(), i8);
  Value bytes = kernel::WeightOp::create(builder, loc, bytesType, packed.getSymName());
  Value init = tensor::EmptyOp::create(builder, loc, storage.getShape(), i8);
  int64_t rank = storage.getRank(), stride = 1;
  AffineExpr position = builder.getAffineConstantExpr(0);
  for (int64_t d = rank; d-- > 0; stride *= storage.getDimSize(d))
    position = position + builder.getAffineDimExpr(d) * stride;
  SmallVector<AffineMap> maps{AffineMap::get(rank, 0, getCodeByte(position, bits)),
                              builder.getMultiDimIdentityMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  bool isSigned = type.getElementType().isSignlessInteger();
  return linalg::GenericOp::create(
             builder, loc, init.getType(), bytes, init, maps, iterators,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               SmallVector<Value> indices;
               for (int64_t d = 0; d < rank; ++d)
                 indices.push_back(linalg::IndexOp::create(b, loc, d));
               Value at = arith::ConstantIndexOp::create(b, loc, 0);
               int64_t stride = 1;
               for (int64_t d = rank; d-- > 0; stride *= storage.getDimSize(d)) {
                 Value size = arith::ConstantIndexOp::create(b, loc, stride);
                 at = arith::AddIOp::create(b, loc, at,
                                            arith::MulIOp::create(b, loc, indices[d], size));
               }
               Value code = emitCode(b, loc, args[0], at, bits);
               if (isSigned) {
                 Value unused = arith::ConstantOp::create(b, loc, b.getI8IntegerAttr(8 - bits));
                 code = arith::ShLIOp::create(b, loc, code, unused);
                 code = arith::ShRSIOp::create(b, loc, code, unused);
               }
               linalg::YieldOp::create(b, loc, code);
             })
      .getResult(0);
}

//===- Small floats
//---------------------------------------------------------------------------------===//

namespace {

/// How a type of at most 8 bits with a sign lays out its numbers.
struct Format {
  unsigned width, mantissa; ///< bits
  int bias;
  uint32_t largest;                 ///< the code of the largest finite number
  std::optional<uint32_t> infinity; ///< codes without their sign
  std::optional<uint32_t> nan;
  bool hasUnsignedZero; ///< the code of -0 is NaN, the only one

  explicit Format(FloatType type) : width(type.getWidth()) {
    const llvm::fltSemantics &semantics = type.getFloatSemantics();
    mantissa = APFloat::semanticsPrecision(semantics) - 1;
    bias = 1 - APFloat::semanticsMinExponent(semantics);
    largest = getCode(APFloat::getLargest(semantics));
    if (APFloat::semanticsHasInf(semantics))
      infinity = getCode(APFloat::getInf(semantics));
    hasUnsignedZero = isa<Float8E4M3FNUZType, Float8E5M2FNUZType>(type);
    if (APFloat::semanticsHasNaN(semantics))
      nan = hasUnsignedZero ? uint32_t(1) << (width - 1) : getCode(APFloat::getQNaN(semantics));
  }

private:
  static uint32_t getCode(const APFloat &x) { return x.bitcastToAPInt().getZExtValue(); }
};

/// Arithmetic on the bits of f32.
struct Bits {
  OpBuilder &builder;
  Location loc;
  Type i32 = builder.getI32Type(), f32 = builder.getF32Type();
  Value constant(uint32_t value) const {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getI32IntegerAttr(static_cast<int32_t>(value)));
  }
  Value number(double value) const {
    return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(value));
  }
  template <typename OpTy>
  Value create(Value a, Value b) const {
    return OpTy::create(builder, loc, a, b);
  }
  Value asFloat(Value bits) const { return arith::BitcastOp::create(builder, loc, f32, bits); }
  Value asBits(Value x) const { return arith::BitcastOp::create(builder, loc, i32, x); }
  Value compare(arith::CmpIPredicate predicate, Value a, Value b) const {
    return arith::CmpIOp::create(builder, loc, predicate, a, b);
  }
  Value select(Value condition, Value a, Value b) const {
    return arith::SelectOp::create(builder, loc, condition, a, b);
  }
};

constexpr uint32_t kNan = 0x7fc00000, kInfinity = 0x7f800000, kSign = 0x80000000;
constexpr unsigned kMantissa = 23;
constexpr int kBias = 127;

/// f8E8M0FNU: powers of two, and NaN.
Value emitDecodedPower(const Bits &b, Value code) {
  Value bits = b.create<arith::ShLIOp>(code, b.constant(kMantissa));
  bits = b.select(b.compare(arith::CmpIPredicate::eq, code, b.constant(0)), b.constant(0x00400000),
                  bits);
  bits =
      b.select(b.compare(arith::CmpIPredicate::eq, code, b.constant(255)), b.constant(kNan), bits);
  return b.asFloat(bits);
}

} // namespace

Value moec::emitDecodedFloat(OpBuilder &builder, Location loc, Value code, FloatType modelType) {
  Bits b{builder, loc};
  code = arith::ExtUIOp::create(builder, loc, b.i32, code);
  if (isa<Float8E8M0FNUType>(modelType))
    return emitDecodedPower(b, code);
  Format format(modelType);
  Value magnitude = b.create<arith::AndIOp>(code, b.constant((1u << (format.width - 1)) - 1));
  // Exponent and mantissa in the places of an f32's are the number but for the bias, denormal ones
  // included.
  Value bits = b.create<arith::ShLIOp>(magnitude, b.constant(kMantissa - format.mantissa));
  Value scale = b.number(std::ldexp(1.0, kBias - format.bias));
  bits = b.asBits(b.create<arith::MulFOp>(b.asFloat(bits), scale));
  if (format.infinity)
    bits = b.select(b.compare(arith::CmpIPredicate::eq, magnitude, b.constant(*format.infinity)),
                    b.constant(kInfinity), bits);
  if (format.nan && !format.hasUnsignedZero) {
    Value last = b.constant(format.infinity.value_or(format.largest));
    bits = b.select(b.compare(arith::CmpIPredicate::ugt, magnitude, last), b.constant(kNan), bits);
  }
  Value sign = b.create<arith::ShLIOp>(code, b.constant(32 - format.width));
  sign = b.create<arith::AndIOp>(sign, b.constant(kSign));
  bits = b.create<arith::OrIOp>(bits, sign);
  if (format.hasUnsignedZero)
    bits = b.select(b.compare(arith::CmpIPredicate::eq, code, b.constant(*format.nan)),
                    b.constant(kNan), bits);
  return b.asFloat(bits);
}

Value moec::emitEncodedFloat(OpBuilder &builder, Location loc, Value number, FloatType modelType,
                             bool saturates) {
  if (isa<Float8E8M0FNUType>(modelType))
    return {};
  Bits b{builder, loc};
  Format format(modelType);
  Value bits = b.asBits(number);
  Value magnitude = b.create<arith::AndIOp>(bits, b.constant(~kSign));
  // Normal numbers: half of the last place, less where the last bit is even, carries into it.
  unsigned dropped = kMantissa - format.mantissa;
  Value odd = b.create<arith::AndIOp>(b.create<arith::ShRUIOp>(magnitude, b.constant(dropped)),
                                      b.constant(1));
  Value rounded = b.create<arith::AddIOp>(magnitude, b.constant((1u << (dropped - 1)) - 1));
  rounded = b.create<arith::AddIOp>(rounded, odd);
  Value normal = b.create<arith::ShRUIOp>(rounded, b.constant(dropped));
  normal = b.create<arith::SubIOp>(
      normal, b.constant(static_cast<uint32_t>(kBias - format.bias) << format.mantissa));
  // Denormal ones: the sum with a number whose last place is the smallest denormal rounds to it.
  double smallest = std::ldexp(1.0, 1 - format.bias);
  Value magic = b.number(std::ldexp(smallest, kMantissa - format.mantissa));
  Value sum = b.create<arith::AddFOp>(b.asFloat(magnitude), magic);
  Value denormal = b.create<arith::SubIOp>(b.asBits(sum), b.asBits(magic));
  Value isDenormal = b.compare(arith::CmpIPredicate::ult, magnitude, b.asBits(b.number(smallest)));
  Value code = b.select(isDenormal, denormal, normal);
  Value largest = b.constant(format.largest);
  bool isBounded = saturates || !format.nan;
  Value beyond = isBounded ? largest : b.constant(format.infinity.value_or(*format.nan));
  // Infinity is beyond as well.
  Value isBeyond = b.compare(arith::CmpIPredicate::sgt, code, largest);
  code = b.select(isBeyond, beyond, code);
  Value sign = b.create<arith::ShRUIOp>(b.create<arith::AndIOp>(bits, b.constant(kSign)),
                                        b.constant(32 - format.width));
  if (format.hasUnsignedZero) {
    Value isZero = b.compare(arith::CmpIPredicate::eq, code, b.constant(0));
    sign = b.select(isZero, b.constant(0), sign);
  }
  code = b.create<arith::OrIOp>(code, sign);
  // A type without NaN has -0 for it.
  Value isNan = b.compare(arith::CmpIPredicate::ugt, magnitude, b.constant(kInfinity));
  code = b.select(isNan, b.constant(format.nan.value_or(1u << (format.width - 1))), code);
  if (format.hasUnsignedZero && !isBounded)
    code = b.select(isBeyond, b.constant(*format.nan), code);
  return arith::TruncIOp::create(builder, loc, builder.getI8Type(), code);
}
