#include "moec/Kernels/Activations.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace moec;

namespace {

/// Arithmetic on floats, or on vectors of them.
class Emitter {
public:
  Emitter(OpBuilder &builder, Location loc, Type type) : builder(builder), loc(loc), type(type) {}

  template <typename OpTy, typename... Args>
  Value create(Args &&...args) const {
    return OpTy::create(builder, loc, std::forward<Args>(args)...);
  }
  Value constant(double value) const {
    TypedAttr element = builder.getFloatAttr(getElementTypeOrSelf(type), value);
    if (auto vector = dyn_cast<VectorType>(type))
      element = DenseElementsAttr::get(vector, Attribute(element));
    return create<arith::ConstantOp>(element);
  }
  Value add(Value a, Value b) const { return create<arith::AddFOp>(a, b); }
  Value mul(Value a, Value b) const { return create<arith::MulFOp>(a, b); }
  /// False if one is NaN.
  Value less(Value a, Value b) const {
    return create<arith::CmpFOp>(arith::CmpFPredicate::OLT, a, b);
  }
  Value select(Value condition, Value a, Value b) const {
    return create<arith::SelectOp>(condition, a, b);
  }

  /// max(x, 0) that keeps NaN.
  Value relu(Value x) const {
    Value zero = constant(0);
    return select(less(x, zero), zero, x);
  }
  /// 1 / (1 + exp(-x)): where exp overflows, 0.
  Value logistic(Value x) const {
    Value one = constant(1);
    Value power = create<math::ExpOp>(create<arith::NegFOp>(x));
    return create<arith::DivFOp>(one, add(one, power));
  }
  Value gelu(Value x) const {
    Value erf = create<math::ErfOp>(mul(x, constant(0.70710678118654752440)));
    return mul(mul(constant(0.5), x), add(constant(1), erf));
  }
  /// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
  Value geluTanh(Value x) const {
    Value cubic = mul(constant(0.044715), mul(mul(x, x), x));
    Value inner = mul(constant(0.79788456080286535588), add(x, cubic));
    Value tanh = create<math::TanhOp>(inner);
    return mul(mul(constant(0.5), x), add(constant(1), tanh));
  }

private:
  OpBuilder &builder;
  Location loc;
  Type type;
};

} // namespace

Value moec::emitActivation(OpBuilder &builder, Location loc, moe::ActivationKind kind, Value x,
                           Value alpha) {
  Emitter s(builder, loc, x.getType());
  switch (kind) {
  case moe::ActivationKind::Identity:
    return x;
  case moe::ActivationKind::ReLU:
    return s.relu(x);
  case moe::ActivationKind::ReLUSquared: {
    Value relu = s.relu(x);
    return s.mul(relu, relu);
  }
  case moe::ActivationKind::SiLU:
    return s.mul(x, s.logistic(alpha ? s.mul(alpha, x) : x));
  case moe::ActivationKind::GELU:
    return s.gelu(x);
  case moe::ActivationKind::GELUTanh:
    return s.geluTanh(x);
  case moe::ActivationKind::Sigmoid:
    return s.logistic(x);
  case moe::ActivationKind::Tanh:
    return s.create<math::TanhOp>(x);
  }
  llvm_unreachable("a kind of activation");
}

Value moec::emitGLU(OpBuilder &builder, Location loc, moe::ActivationKind kind, Value gate,
                    Value up, Value alpha, Value offset, Value limit) {
  Emitter s(builder, loc, gate.getType());
  if (limit) {
    Value low = s.create<arith::NegFOp>(limit);
    gate = s.select(s.less(limit, gate), limit, gate);
    up = s.select(s.less(up, low), low, up);
    up = s.select(s.less(limit, up), limit, up);
  }
  if (offset)
    up = s.add(up, offset);
  return s.mul(emitActivation(builder, loc, kind, gate, alpha), up);
}
