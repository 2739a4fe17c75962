#include "passes/Analysis/SymbolicExpr.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <limits>
#include <map>

using namespace moec;
using llvm::ArrayRef;
using llvm::SmallVector;

namespace {

/// Keys for interning. Pointers appear in them only for equality; order comes from ids.
using TermKey = std::pair<int64_t, std::vector<unsigned>>;
using SumKey = std::vector<TermKey>;
struct AtomKey {
  SymKind kind;
  void *value;
  int64_t index;
  std::vector<unsigned> args;
  auto tie() const { return std::tie(kind, value, index, args); }
  bool operator<(const AtomKey &other) const { return tie() < other.tie(); }
};

bool atomsLess(ArrayRef<const SymNode *> a, ArrayRef<const SymNode *> b) {
  if (a.size() != b.size())
    return a.size() < b.size();
  for (auto [x, y] : llvm::zip(a, b))
    if (x->id != y->id)
      return x->id < y->id;
  return false;
}

bool atomsEqual(ArrayRef<const SymNode *> a, ArrayRef<const SymNode *> b) { return a == b; }

int64_t saturate(__int128 value) {
  constexpr int64_t low = std::numeric_limits<int64_t>::min();
  constexpr int64_t high = std::numeric_limits<int64_t>::max();
  return value < low ? low : value > high ? high : static_cast<int64_t>(value);
}

} // namespace

static SymRange atomRange(SymContext &context, const SymNode *atom);

struct SymContext::Impl {
  std::vector<std::unique_ptr<SymNode>> nodes;
  std::map<SumKey, const SymNode *> sums;
  std::map<AtomKey, const SymNode *> atoms;

  SymNode *make(SymKind kind) {
    nodes.push_back(std::make_unique<SymNode>());
    nodes.back()->kind = kind;
    nodes.back()->id = nodes.size() - 1;
    return nodes.back().get();
  }
};

SymContext::SymContext() : impl(std::make_unique<Impl>()) {}
SymContext::~SymContext() = default;

//===- SymExpr
//----------------------------------------------------------------------------------------===//

std::optional<int64_t> SymExpr::getConstant() const {
  if (!node)
    return std::nullopt;
  if (node->terms.empty())
    return 0;
  if (node->terms.size() == 1 && node->terms[0].atoms.empty())
    return node->terms[0].coefficient;
  return std::nullopt;
}

bool SymExpr::isConstant(int64_t value) const {
  std::optional<int64_t> constant = getConstant();
  return constant && *constant == value;
}

bool SymExpr::isOfSizes() const {
  return node && llvm::all_of(node->terms, [](const SymTerm &term) {
           return llvm::all_of(term.atoms, [](const SymNode *atom) { return atom->ofSizes; });
         });
}

static void printAtom(llvm::raw_ostream &os, const SymNode *atom) {
  static constexpr const char *names[] = {"",    "dim", "element", "div", "rem", "mod",
                                          "min", "max", "select",  "eq",  "lt"};
  os << names[static_cast<unsigned>(atom->kind)];
  if (atom->kind == SymKind::Dim || atom->kind == SymKind::Element) {
    os << '#' << atom->id;
    return;
  }
  os << '(';
  llvm::interleaveComma(atom->args, os);
  os << ')';
}

void SymExpr::print(llvm::raw_ostream &os) const {
  if (!node) {
    os << '?';
    return;
  }
  if (node->terms.empty()) {
    os << 0;
    return;
  }
  llvm::interleave(
      node->terms, os,
      [&](const SymTerm &term) {
        bool one = term.coefficient == 1 && !term.atoms.empty();
        if (!one)
          os << term.coefficient;
        llvm::interleave(
            term.atoms, os,
            [&, first = true](const SymNode *atom) mutable {
              if (first && !one)
                os << '*';
              first = false;
              printAtom(os, atom);
            },
            "*");
      },
      " + ");
}

//===- Making expressions
//-----------------------------------------------------------------------------===//

SymExpr SymContext::fromTerms(SmallVector<SymTerm, 2> terms) {
  llvm::sort(terms, [](const SymTerm &a, const SymTerm &b) { return atomsLess(a.atoms, b.atoms); });
  SmallVector<SymTerm, 2> merged;
  for (SymTerm &term : terms) {
    if (!merged.empty() && atomsEqual(merged.back().atoms, term.atoms)) {
      if (llvm::AddOverflow(merged.back().coefficient, term.coefficient, merged.back().coefficient))
        return {};
    } else {
      merged.push_back(std::move(term));
    }
  }
  llvm::erase_if(merged, [](const SymTerm &term) { return term.coefficient == 0; });
  if (merged.size() > kMaxTerms)
    return {};
  SumKey key;
  for (const SymTerm &term : merged) {
    std::vector<unsigned> ids;
    for (const SymNode *atom : term.atoms)
      ids.push_back(atom->id);
    key.emplace_back(term.coefficient, std::move(ids));
  }
  auto [it, isNew] = impl->sums.try_emplace(std::move(key), nullptr);
  if (isNew) {
    SymNode *node = impl->make(SymKind::Sum);
    node->terms = std::move(merged);
    it->second = node;
  }
  return SymExpr(it->second);
}

SymExpr SymContext::fromAtom(const SymNode *atom) { return fromTerms({SymTerm{1, {atom}}}); }

SymExpr SymContext::atom(SymKind kind, mlir::Value value, int64_t index, ArrayRef<SymExpr> args) {
  AtomKey key{kind, value.getAsOpaquePointer(), index, {}};
  for (SymExpr arg : args) {
    if (!arg)
      return {};
    key.args.push_back(arg.getNode()->id);
  }
  auto [it, isNew] = impl->atoms.try_emplace(std::move(key), nullptr);
  if (isNew) {
    SymNode *node = impl->make(kind);
    node->value = value;
    node->index = index;
    node->args.assign(args.begin(), args.end());
    node->range = atomRange(*this, node);
    node->ofSizes =
        kind != SymKind::Element && llvm::all_of(args, [](SymExpr arg) { return arg.isOfSizes(); });
    it->second = node;
  }
  return fromAtom(it->second);
}

SymExpr SymContext::constant(int64_t value) {
  return value == 0 ? fromTerms({}) : fromTerms({SymTerm{value, {}}});
}

SymExpr SymContext::dim(mlir::Value value, int64_t index) {
  return atom(SymKind::Dim, value, index, {});
}

SymExpr SymContext::element(mlir::Value value, int64_t index) {
  return atom(SymKind::Element, value, index, {});
}

SymExpr SymContext::add(SymExpr a, SymExpr b) {
  if (!a || !b)
    return {};
  SmallVector<SymTerm, 2> terms(a.getNode()->terms);
  llvm::append_range(terms, b.getNode()->terms);
  return fromTerms(std::move(terms));
}

SymExpr SymContext::sub(SymExpr a, SymExpr b) { return add(a, mul(b, constant(-1))); }

SymExpr SymContext::mul(SymExpr a, SymExpr b) {
  if (!a || !b || a.getNode()->terms.size() * b.getNode()->terms.size() > kMaxTerms)
    return {};
  auto isBoolean = [](const SymNode *atom) {
    return atom->range.lower == 0 && atom->range.upper == 1;
  };
  SmallVector<SymTerm, 2> terms;
  for (const SymTerm &x : a.getNode()->terms)
    for (const SymTerm &y : b.getNode()->terms) {
      SymTerm term;
      if (llvm::MulOverflow(x.coefficient, y.coefficient, term.coefficient))
        return {};
      term.atoms = x.atoms;
      llvm::append_range(term.atoms, y.atoms);
      llvm::sort(term.atoms, [](const SymNode *p, const SymNode *q) { return p->id < q->id; });
      // b * b is b where b is 0 or 1.
      term.atoms.erase(
          std::unique(term.atoms.begin(), term.atoms.end(),
                      [&](const SymNode *p, const SymNode *q) { return p == q && isBoolean(p); }),
          term.atoms.end());
      terms.push_back(std::move(term));
    }
  return fromTerms(std::move(terms));
}

SymExpr SymContext::product(ArrayRef<SymExpr> factors) {
  SymExpr result = constant(1);
  for (SymExpr factor : factors)
    result = mul(result, factor);
  return result;
}

SymExpr SymContext::sum(ArrayRef<SymExpr> terms) {
  SymExpr result = constant(0);
  for (SymExpr term : terms)
    result = add(result, term);
  return result;
}

SymExpr SymContext::divExactly(SymExpr a, SymExpr b) {
  // Long division by the leading term. The order of the terms is a monomial order (by degree, then
  // lexicographic), except for Booleans, whose squares are folded: the multiplication at the end
  // checks the result.
  const SymTerm &divisor = b.getNode()->terms.back();
  SmallVector<SymTerm, 2> quotient;
  for (SymExpr rest = a; !rest.isConstant(0);) {
    if (!rest || quotient.size() > kMaxTerms)
      return {};
    SymTerm term = rest.getNode()->terms.back();
    if ((divisor.coefficient == -1 && term.coefficient == std::numeric_limits<int64_t>::min()) ||
        term.coefficient % divisor.coefficient != 0)
      return {};
    term.coefficient /= divisor.coefficient;
    for (const SymNode *atom : divisor.atoms) {
      auto *it = llvm::find(term.atoms, atom);
      if (it == term.atoms.end())
        return {};
      term.atoms.erase(it);
    }
    quotient.push_back(term);
    rest = sub(rest, mul(fromTerms({term}), b));
  }
  SymExpr result = fromTerms(std::move(quotient));
  return mul(result, b) == a ? result : SymExpr();
}

SymExpr SymContext::div(SymExpr a, SymExpr b) {
  if (!a || !b || b.isConstant(0))
    return {};
  if (auto x = a.getConstant(), y = b.getConstant(); x && y) {
    if (*x == std::numeric_limits<int64_t>::min() && *y == -1)
      return {};
    return constant(*x / *y);
  }
  if (a == b)
    return constant(1);
  if (SymExpr quotient = divExactly(a, b))
    return quotient;
  return atom(SymKind::Div, {}, 0, {a, b});
}

SymExpr SymContext::rem(SymExpr a, SymExpr b) {
  if (!a || !b || b.isConstant(0))
    return {};
  SymExpr quotient = div(a, b);
  if (!quotient)
    return {};
  // Where the division is exact or folds, so does the remainder.
  SymExpr remainder = sub(a, mul(quotient, b));
  if (remainder && remainder.getConstant())
    return remainder;
  return atom(SymKind::Rem, {}, 0, {a, b});
}

SymExpr SymContext::mod(SymExpr a, SymExpr b) {
  if (!a || !b || b.isConstant(0))
    return {};
  if (isKnownNonNegative(a) && isKnownNonNegative(b))
    return rem(a, b);
  if (auto x = a.getConstant(), y = b.getConstant(); x && y && *y != -1)
    return constant((*x % *y + *y) % *y);
  return atom(SymKind::Mod, {}, 0, {a, b});
}

SymExpr SymContext::min(SymExpr a, SymExpr b) {
  if (!a || !b)
    return {};
  SymRange difference = range(sub(a, b));
  if (difference.upper && *difference.upper <= 0)
    return a;
  if (difference.lower && *difference.lower >= 0)
    return b;
  if (a.getNode()->id > b.getNode()->id)
    std::swap(a, b);
  return atom(SymKind::Min, {}, 0, {a, b});
}

SymExpr SymContext::max(SymExpr a, SymExpr b) {
  if (!a || !b)
    return {};
  SymRange difference = range(sub(a, b));
  if (difference.upper && *difference.upper <= 0)
    return b;
  if (difference.lower && *difference.lower >= 0)
    return a;
  if (a.getNode()->id > b.getNode()->id)
    std::swap(a, b);
  return atom(SymKind::Max, {}, 0, {a, b});
}

SymExpr SymContext::select(SymExpr condition, SymExpr a, SymExpr b) {
  if (a && a == b)
    return a;
  if (!condition)
    return {};
  if (auto constant = condition.getConstant())
    return *constant ? a : b;
  return atom(SymKind::Select, {}, 0, {condition, a, b});
}

SymExpr SymContext::eq(SymExpr a, SymExpr b) {
  if (!a || !b)
    return {};
  if (a == b)
    return constant(1);
  SymRange difference = range(sub(a, b));
  if ((difference.lower && *difference.lower > 0) || (difference.upper && *difference.upper < 0))
    return constant(0);
  if (a.getNode()->id > b.getNode()->id)
    std::swap(a, b);
  return atom(SymKind::Eq, {}, 0, {a, b});
}

SymExpr SymContext::lt(SymExpr a, SymExpr b) {
  if (!a || !b)
    return {};
  SymRange difference = range(sub(a, b));
  if (difference.upper && *difference.upper < 0)
    return constant(1);
  if (difference.lower && *difference.lower >= 0)
    return constant(0);
  return atom(SymKind::Lt, {}, 0, {a, b});
}

SymExpr SymContext::broadcast(SymExpr a, SymExpr b) {
  if (!a || !b)
    return {};
  if (a == b || b.isConstant(1))
    return a;
  if (a.isConstant(1))
    return b;
  // A constant other than 1 fixes the result; the other size is 1 or the same.
  if (a.getConstant())
    return a;
  if (b.getConstant())
    return b;
  if (a.getNode()->id > b.getNode()->id)
    std::swap(a, b);
  return select(eq(a, constant(1)), b, a);
}

//===- Bounds
//-----------------------------------------------------------------------------------------===//

/// The values of an integer type; its sign is that of the type, i1 is Boolean.
static SymRange elementRange(mlir::Type type) {
  auto integer = mlir::dyn_cast<mlir::IntegerType>(type);
  if (!integer)
    return {};
  unsigned width = integer.getWidth();
  if (integer.isUnsigned() || width == 1)
    return {0,
            width < 64 ? std::optional(static_cast<int64_t>(llvm::maxUIntN(width))) : std::nullopt};
  return {llvm::minIntN(width), llvm::maxIntN(width)};
}

bool SymContext::fits(SymRange range, mlir::Type integerType) {
  SymRange type = elementRange(integerType);
  return (!type.lower || (range.lower && *range.lower >= *type.lower)) &&
         (!type.upper || (range.upper && *range.upper <= *type.upper));
}

static SymRange atomRange(SymContext &context, const SymNode *atom) {
  auto arg = [&](unsigned i) { return context.range(atom->args[i]); };
  switch (atom->kind) {
  case SymKind::Dim:
    return {0, kMaxSize};
  case SymKind::Eq:
  case SymKind::Lt:
    return {0, 1};
  case SymKind::Div: {
    SymRange a = arg(0), b = arg(1);
    if (a.lower && *a.lower >= 0 && b.lower && *b.lower >= 0)
      return {0, a.upper};
    return {};
  }
  case SymKind::Rem:
  case SymKind::Mod: {
    SymRange a = arg(0), b = arg(1);
    SymRange result;
    if (b.lower && *b.lower >= 0) {
      if (atom->kind == SymKind::Mod || (a.lower && *a.lower >= 0))
        result.lower = 0;
      if (b.upper)
        result.upper = std::max<int64_t>(*b.upper - 1, 0);
    }
    return result;
  }
  case SymKind::Min: {
    SymRange a = arg(0), b = arg(1), result;
    if (a.lower && b.lower)
      result.lower = std::min(*a.lower, *b.lower);
    if (a.upper || b.upper)
      result.upper = !a.upper ? b.upper : !b.upper ? a.upper : std::min(*a.upper, *b.upper);
    return result;
  }
  case SymKind::Max: {
    SymRange a = arg(0), b = arg(1), result;
    if (a.lower || b.lower)
      result.lower = !a.lower ? b.lower : !b.lower ? a.lower : std::max(*a.lower, *b.lower);
    if (a.upper && b.upper)
      result.upper = std::max(*a.upper, *b.upper);
    return result;
  }
  case SymKind::Select: {
    SymRange a = arg(1), b = arg(2), result;
    if (a.lower && b.lower)
      result.lower = std::min(*a.lower, *b.lower);
    if (a.upper && b.upper)
      result.upper = std::max(*a.upper, *b.upper);
    return result;
  }
  case SymKind::Element:
    return elementRange(mlir::cast<mlir::TensorType>(atom->value.getType()).getElementType());
  case SymKind::Sum:
    return {};
  }
  return {};
}

SymRange SymContext::range(SymExpr expr) {
  if (!expr)
    return {};
  // Interval arithmetic over the terms; 128 bits, then saturated (an end that saturates is
  // unbounded).
  bool hasLower = true, hasUpper = true;
  __int128 lower = 0, upper = 0;
  constexpr __int128 limit = __int128(1) << 100;
  for (const SymTerm &term : expr.getNode()->terms) {
    bool termLower = true, termUpper = true;
    __int128 low = term.coefficient, high = term.coefficient;
    for (const SymNode *atom : term.atoms) {
      SymRange bounds = atom->range;
      // Only non-negative factors multiply simply; anything else makes the term unbounded, except a
      // term that is a single atom.
      if (bounds.lower && *bounds.lower >= 0) {
        __int128 newLow, newHigh;
        if (term.coefficient >= 0) {
          newLow = low * *bounds.lower;
          newHigh = bounds.upper ? high * *bounds.upper : limit;
        } else {
          newLow = bounds.upper ? low * *bounds.upper : -limit;
          newHigh = high * *bounds.lower;
        }
        if (newHigh >= limit)
          termUpper = false, newHigh = limit >> 64;
        if (newLow <= -limit)
          termLower = false, newLow = -(limit >> 64);
        low = newLow, high = newHigh;
      } else if (term.atoms.size() == 1) {
        auto end = [&](std::optional<int64_t> bound, bool &known) -> __int128 {
          known = bound.has_value();
          return bound ? __int128(term.coefficient) * *bound : 0;
        };
        if (term.coefficient >= 0)
          low = end(bounds.lower, termLower), high = end(bounds.upper, termUpper);
        else
          low = end(bounds.upper, termLower), high = end(bounds.lower, termUpper);
      } else {
        termLower = termUpper = false;
        break;
      }
    }
    hasLower &= termLower;
    hasUpper &= termUpper;
    if (hasLower)
      lower += low;
    if (hasUpper)
      upper += high;
  }
  SymRange result;
  if (hasLower && saturate(lower) == lower)
    result.lower = static_cast<int64_t>(lower);
  if (hasUpper && saturate(upper) == upper)
    result.upper = static_cast<int64_t>(upper);
  return result;
}

bool SymContext::isKnownNonNegative(SymExpr expr) {
  SymRange bounds = range(expr);
  return bounds.lower && *bounds.lower >= 0;
}

bool SymContext::isKnownPositive(SymExpr expr) {
  SymRange bounds = range(expr);
  return bounds.lower && *bounds.lower > 0;
}
