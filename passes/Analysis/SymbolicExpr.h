//===- SymbolicExpr.h - Integer expressions over sizes of the model ----------------------*- C++
//-*-===//
//
// Sizes of tensors, and the elements of small integer tensors that sizes are computed from, as
// polynomials with integer coefficients over atoms. Expressions are interned in canonical form: two
// that are equal as polynomials are the same pointer, so `past + seq` equals `seq + past` and
// `heads * 32 * seq / (heads * 32)` equals `seq`.
//
// Booleans are the integers 0 and 1. A null SymExpr stands for "not known" (also where a
// coefficient would overflow, or a polynomial would have more than kMaxTerms terms); every function
// passes it on.
//
// The arithmetic is that of integers without bound: a model in which 32- or 64-bit arithmetic on
// sizes overflows has no defined meaning (ONNX leaves it open).
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_PASSES_ANALYSIS_SYMBOLICEXPR_H
#define MOEC_PASSES_ANALYSIS_SYMBOLICEXPR_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMapInfo.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>
#include <optional>

namespace moec {

class SymContext;
struct SymNode;

/// What an atom stands for.
enum class SymKind : uint8_t {
  Sum,     ///< no atom: a polynomial
  Dim,     ///< size `index` of tensor `value`; in [0, kMaxSize]
  Element, ///< element `index` (row-major) of integer tensor `value`; in the range of its type
  Div,     ///< args[0] / args[1], towards zero
  Rem,     ///< args[0] - Div * args[1]: the sign of args[0] (C's %)
  Mod,     ///< floor modulus: the sign of args[1] (ONNX Mod of integers)
  Min,     ///< of args[0], args[1]
  Max,     ///< of args[0], args[1]
  Select,  ///< args[0] != 0 ? args[1] : args[2]
  Eq,      ///< args[0] == args[1]
  Lt,      ///< args[0] < args[1]
};

/// Sizes are assumed to lie below this: more elements than any memory holds.
inline constexpr int64_t kMaxSize = int64_t(1) << 40;

/// Polynomials with more terms than this are not followed.
inline constexpr unsigned kMaxTerms = 256;

/// An expression; compares by identity, which is equality of polynomials.
class SymExpr {
public:
  SymExpr() = default;
  explicit SymExpr(const SymNode *node) : node(node) {}
  explicit operator bool() const { return node != nullptr; }
  bool operator==(SymExpr other) const { return node == other.node; }
  bool operator!=(SymExpr other) const { return node != other.node; }

  /// The value, if it is a constant.
  std::optional<int64_t> getConstant() const;
  bool isConstant(int64_t value) const;
  /// Whether it is computed from sizes and constants alone, not from elements.
  bool isOfSizes() const;

  const SymNode *getNode() const { return node; }
  void print(llvm::raw_ostream &os) const;

private:
  const SymNode *node = nullptr;
};

inline llvm::raw_ostream &operator<<(llvm::raw_ostream &os, SymExpr expr) {
  expr.print(os);
  return os;
}

/// An interval; a missing end is unbounded.
struct SymRange {
  std::optional<int64_t> lower, upper;
};

/// A product of atoms, sorted by the order of their creation, with its coefficient.
struct SymTerm {
  int64_t coefficient;
  llvm::SmallVector<const SymNode *, 2> atoms;
};

/// An interned expression: a sum of terms (kind Sum), or an atom.
struct SymNode {
  SymKind kind;
  unsigned id; ///< order of creation, deterministic
  // Sum
  llvm::SmallVector<SymTerm, 2> terms; ///< sorted; no zero coefficients, constant term first
  // Dim, Element
  mlir::Value value;
  int64_t index = 0;
  // The other kinds
  llvm::SmallVector<SymExpr, 3> args;
  SymRange range;      ///< of an atom, known when it is made
  bool ofSizes = true; ///< of an atom: no Element in it
};

/// Makes and owns expressions. Not thread-safe.
class SymContext {
public:
  SymContext();
  ~SymContext();

  SymExpr constant(int64_t value);
  SymExpr dim(mlir::Value value, int64_t index);
  SymExpr element(mlir::Value value, int64_t index);

  SymExpr add(SymExpr a, SymExpr b);
  SymExpr sub(SymExpr a, SymExpr b);
  SymExpr mul(SymExpr a, SymExpr b);
  /// Towards zero. Division by zero has no meaning, so that a quotient that divides exactly as a
  /// polynomial is that polynomial.
  SymExpr div(SymExpr a, SymExpr b);
  SymExpr rem(SymExpr a, SymExpr b);
  SymExpr mod(SymExpr a, SymExpr b);
  SymExpr min(SymExpr a, SymExpr b);
  SymExpr max(SymExpr a, SymExpr b);
  SymExpr select(SymExpr condition, SymExpr a, SymExpr b);
  SymExpr eq(SymExpr a, SymExpr b);
  SymExpr lt(SymExpr a, SymExpr b);
  SymExpr le(SymExpr a, SymExpr b) { return logicalNot(lt(b, a)); }
  SymExpr logicalNot(SymExpr a) { return sub(constant(1), a); }
  SymExpr logicalAnd(SymExpr a, SymExpr b) { return mul(a, b); }
  SymExpr logicalOr(SymExpr a, SymExpr b) { return sub(add(a, b), mul(a, b)); }

  SymExpr product(llvm::ArrayRef<SymExpr> factors);
  SymExpr sum(llvm::ArrayRef<SymExpr> terms);

  /// The size of a numpy-style broadcast of sizes a and b.
  SymExpr broadcast(SymExpr a, SymExpr b);

  /// Bounds that hold for all values of the atoms.
  SymRange range(SymExpr expr);
  bool isKnownNonNegative(SymExpr expr);
  bool isKnownPositive(SymExpr expr);

  /// Whether all values in `range` can be written in the integer type.
  static bool fits(SymRange range, mlir::Type integerType);

private:
  struct Impl;
  std::unique_ptr<Impl> impl;

  /// a / b if b divides a as a polynomial, else null.
  SymExpr divExactly(SymExpr a, SymExpr b);
  SymExpr fromTerms(llvm::SmallVector<SymTerm, 2> terms);
  SymExpr fromAtom(const SymNode *atom);
  SymExpr atom(SymKind kind, mlir::Value value, int64_t index, llvm::ArrayRef<SymExpr> args);
};

} // namespace moec

template <>
struct llvm::DenseMapInfo<moec::SymExpr> {
  using Pointer = llvm::DenseMapInfo<const moec::SymNode *>;
  static moec::SymExpr getEmptyKey() { return moec::SymExpr(Pointer::getEmptyKey()); }
  static moec::SymExpr getTombstoneKey() { return moec::SymExpr(Pointer::getTombstoneKey()); }
  static unsigned getHashValue(moec::SymExpr expr) { return Pointer::getHashValue(expr.getNode()); }
  static bool isEqual(moec::SymExpr a, moec::SymExpr b) { return a == b; }
};

#endif // MOEC_PASSES_ANALYSIS_SYMBOLICEXPR_H
