//===- SymbolicExprTest.cpp - Expressions against their values
//------------------------------------===//
#include "passes/Analysis/SymbolicExpr.h"

#include "mlir/IR/Block.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"
#include <random>

using namespace mlir;
using namespace moec;

namespace {

/// A few sizes and elements to compute with, and values for them.
class SymbolicExprTest : public testing::Test {
protected:
  SymbolicExprTest() : builder(&context) {
    Location loc = builder.getUnknownLoc();
    auto argument = [&](Type elementType) {
      return block.addArgument(RankedTensorType::get({4}, elementType), loc);
    };
    sizes = argument(builder.getF32Type());
    numbers = argument(builder.getI64Type());
    flags = argument(builder.getI1Type());
    bytes = argument(builder.getIntegerType(8, /*isSigned=*/false));
    for (int64_t i = 0; i < 3; ++i) {
      atoms.push_back(symbols.dim(sizes, i));
      atoms.push_back(symbols.element(numbers, i));
    }
    atoms.push_back(symbols.element(flags, 0));
    atoms.push_back(symbols.element(bytes, 0));
  }

  /// The value of an expression under `values` (by atom); std::nullopt where it has none (division
  /// by zero).
  std::optional<__int128> evaluate(SymExpr expr) {
    __int128 sum = 0;
    for (const SymTerm &term : expr.getNode()->terms) {
      __int128 product = term.coefficient;
      for (const SymNode *atom : term.atoms) {
        std::optional<__int128> value = evaluateAtom(atom);
        if (!value)
          return std::nullopt;
        product *= *value;
      }
      sum += product;
    }
    return sum;
  }

  std::optional<__int128> evaluateAtom(const SymNode *atom) {
    if (atom->kind == SymKind::Dim || atom->kind == SymKind::Element)
      return values.lookup(atom);
    SmallVector<std::optional<__int128>> args;
    for (SymExpr arg : atom->args)
      args.push_back(evaluate(arg));
    if (atom->kind == SymKind::Select)
      return !args[0] ? args[0] : *args[0] ? args[1] : args[2];
    if (!args[0] || !args[1])
      return std::nullopt;
    return apply(atom->kind, *args[0], *args[1]);
  }

  static std::optional<__int128> apply(SymKind kind, __int128 a, __int128 b) {
    switch (kind) {
    case SymKind::Div:
      return b == 0 ? std::nullopt : std::optional(a / b);
    case SymKind::Rem:
      return b == 0 ? std::nullopt : std::optional(a % b);
    case SymKind::Mod:
      return b == 0 ? std::nullopt : std::optional((a % b + b) % b);
    case SymKind::Min:
      return std::min(a, b);
    case SymKind::Max:
      return std::max(a, b);
    case SymKind::Eq:
      return a == b;
    case SymKind::Lt:
      return a < b;
    default:
      return std::nullopt;
    }
  }

  void assignRandomValues(std::mt19937 &random) {
    auto draw = [&](int64_t low, int64_t high) {
      return std::uniform_int_distribution<int64_t>(low, high)(random);
    };
    for (SymExpr expr : atoms) {
      const SymNode *atom = expr.getNode()->terms[0].atoms[0];
      if (atom->kind == SymKind::Dim)
        values[atom] = draw(0, 6);
      else if (atom->value == numbers)
        values[atom] = draw(-6, 6);
      else
        values[atom] = draw(0, atom->value == flags ? 1 : 255);
    }
  }

  MLIRContext context;
  Builder builder;
  Block block;
  Value sizes, numbers, flags, bytes;
  SymContext symbols;
  SmallVector<SymExpr> atoms;
  llvm::DenseMap<const SymNode *, int64_t> values;
};

TEST_F(SymbolicExprTest, EqualPolynomialsAreIdentical) {
  SymExpr past = atoms[0], seq = atoms[2], heads = atoms[4];
  EXPECT_EQ(symbols.add(past, seq), symbols.add(seq, past));
  SymExpr total = symbols.add(past, seq);
  EXPECT_EQ(symbols.mul(total, heads),
            symbols.add(symbols.mul(heads, seq), symbols.mul(past, heads)));
  EXPECT_EQ(symbols.sub(total, past), seq);
  EXPECT_TRUE(symbols.sub(total, total).isConstant(0));
  EXPECT_EQ(symbols.sub(total, seq).getNode(), past.getNode());
}

TEST_F(SymbolicExprTest, DividesExactly) {
  SymExpr past = atoms[0], seq = atoms[2], heads = atoms[4];
  SymExpr total = symbols.add(past, seq), c32 = symbols.constant(32);
  EXPECT_EQ(symbols.div(symbols.product({heads, c32, seq}), symbols.mul(c32, heads)), seq);
  EXPECT_EQ(symbols.div(symbols.product({total, heads, c32}), total), symbols.mul(heads, c32));
  EXPECT_EQ(symbols.div(symbols.mul(total, total), total), total);
  // Not exact: an atom, and the remainder is one too.
  SymExpr half = symbols.div(symbols.add(seq, symbols.constant(1)), symbols.constant(2));
  EXPECT_EQ(half.getNode()->terms[0].atoms[0]->kind, SymKind::Div);
  EXPECT_TRUE(symbols.rem(symbols.mul(seq, c32), symbols.constant(8)).isConstant(0));
}

TEST_F(SymbolicExprTest, DecidesByRange) {
  SymExpr past = atoms[0], seq = atoms[2], number = atoms[1];
  SymExpr total = symbols.add(past, seq), zero = symbols.constant(0);
  EXPECT_EQ(symbols.min(seq, total), seq);
  EXPECT_EQ(symbols.max(seq, zero), seq);
  EXPECT_TRUE(symbols.lt(seq, zero).isConstant(0));
  EXPECT_TRUE(symbols.eq(total, symbols.constant(-1)).isConstant(0));
  EXPECT_FALSE(symbols.lt(number, zero).getConstant());
  EXPECT_EQ(symbols.broadcast(seq, symbols.constant(1)), seq);
  EXPECT_TRUE(symbols.broadcast(seq, symbols.constant(4)).isConstant(4));
  EXPECT_EQ(symbols.broadcast(seq, past), symbols.broadcast(past, seq));
}

TEST_F(SymbolicExprTest, OverflowIsUnknown) {
  SymExpr big = symbols.constant(std::numeric_limits<int64_t>::max());
  SymExpr small = symbols.constant(std::numeric_limits<int64_t>::min());
  EXPECT_FALSE(symbols.add(big, symbols.constant(1)));
  EXPECT_FALSE(symbols.mul(big, symbols.constant(2)));
  EXPECT_FALSE(symbols.div(small, symbols.constant(-1)));
  EXPECT_FALSE(symbols.div(big, symbols.constant(0)));
  EXPECT_FALSE(symbols.add(SymExpr(), big));
}

TEST_F(SymbolicExprTest, LargePolynomialsAreNotFollowed) {
  SymExpr sum = symbols.constant(1);
  for (SymExpr atom : atoms)
    sum = symbols.add(sum, atom);
  SymExpr power = sum;
  for (int i = 0; i < 64 && power; ++i) {
    EXPECT_LE(power.getNode()->terms.size(), kMaxTerms);
    power = symbols.mul(power, sum);
  }
  EXPECT_FALSE(power);
}

TEST_F(SymbolicExprTest, RangesOfElementsAreThoseOfTheirTypes) {
  SymExpr flag = symbols.element(flags, 0), byte = symbols.element(bytes, 0);
  EXPECT_EQ(symbols.range(flag).upper, 1);
  EXPECT_EQ(symbols.range(byte).lower, 0);
  EXPECT_EQ(symbols.range(byte).upper, 255);
  EXPECT_EQ(symbols.mul(flag, flag), flag);
  EXPECT_FALSE(flag.isOfSizes());
  EXPECT_TRUE(symbols.mul(atoms[0], symbols.div(atoms[2], symbols.constant(3))).isOfSizes());
  EXPECT_TRUE(SymContext::fits(symbols.range(byte), builder.getI64Type()));
  EXPECT_FALSE(SymContext::fits(symbols.range(byte), builder.getI8Type()));
}

/// Random expressions: what the simplifications make of them has the value of the operations, and
/// lies in the stated range.
TEST_F(SymbolicExprTest, RandomExpressionsKeepTheirValues) {
  struct Operation {
    SymKind kind;
    SymExpr (SymContext::*make)(SymExpr, SymExpr);
  };
  const Operation operations[] = {
      {SymKind::Div, &SymContext::div}, {SymKind::Rem, &SymContext::rem},
      {SymKind::Mod, &SymContext::mod}, {SymKind::Min, &SymContext::min},
      {SymKind::Max, &SymContext::max}, {SymKind::Eq, &SymContext::eq},
      {SymKind::Lt, &SymContext::lt}};
  std::mt19937 random(20240501);
  unsigned compared = 0;
  for (int round = 0; round < 300; ++round) {
    SmallVector<SymExpr> pool(atoms);
    for (int64_t constant : {-3, -1, 0, 1, 2, 4})
      pool.push_back(symbols.constant(constant));
    auto pick = [&] { return pool[random() % pool.size()]; };
    for (int step = 0; step < 12; ++step) {
      SymExpr a = pick(), b = pick(), c = pick(), result;
      unsigned choice = random() % 12;
      if (choice < 7)
        result = (symbols.*operations[choice].make)(a, b);
      else if (choice == 7)
        result = symbols.select(c, a, b);
      else if (choice < 10)
        result = choice == 8 ? symbols.add(a, b) : symbols.sub(a, b);
      else
        result = symbols.mul(a, b);
      if (!result)
        continue;
      for (int sample = 0; sample < 8; ++sample) {
        assignRandomValues(random);
        std::optional<__int128> x = evaluate(a), y = evaluate(b), condition = evaluate(c);
        std::optional<__int128> actual = evaluate(result), expected;
        if (!x || !y || (choice == 7 && !condition))
          continue;
        if (choice < 7)
          expected = apply(operations[choice].kind, *x, *y);
        else if (choice == 7)
          expected = *condition ? x : y;
        else
          expected = choice == 8 ? *x + *y : choice == 9 ? *x - *y : *x * *y;
        if (!expected)
          continue;
        ++compared;
        ASSERT_TRUE(actual.has_value());
        std::string text;
        llvm::raw_string_ostream(text) << result << " from " << a << " and " << b;
        ASSERT_TRUE(*actual == *expected) << "operation " << choice << ": " << text;
        SymRange range = symbols.range(result);
        ASSERT_TRUE(!range.lower || *range.lower <= *actual) << text;
        ASSERT_TRUE(!range.upper || *range.upper >= *actual) << text;
      }
      // Keeps the expressions short enough to stay within 128 bits.
      if (result.getNode()->terms.size() < 8 && step < 8)
        pool.push_back(result);
    }
  }
  EXPECT_GT(compared, 5000u);
}

} // namespace
