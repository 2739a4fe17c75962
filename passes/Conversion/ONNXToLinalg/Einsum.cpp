//===- Einsum.cpp - Sums of products by index letters
//------------------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Matrix.h"
#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"
#include "passes/Conversion/ONNXToLinalg/Reshaping.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace moec;

namespace {

using SymVector = SmallVector<SymExpr>;
/// The letters of operands and result. An ellipsis is spelt out with digits, aligned at its end.
struct Equation {
  SmallVector<std::string, 2> operands;
  std::string result;
};

std::optional<Equation> parseEquation(NodeLowering &lowering) {
  std::string text = lowering.node.getString("equation", "").str();
  llvm::erase(text, ' ');
  auto [left, right] = StringRef(text).split("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != lowering.node.getInputs().size())
    return std::nullopt;
  Equation equation;
  std::string ellipsis;
  for (auto [i, term] : llvm::enumerate(terms)) {
    std::string letters = term.str();
    int64_t rank = lowering.dims(i).size();
    if (size_t at = letters.find("..."); at != std::string::npos) {
      int64_t hidden = rank - (static_cast<int64_t>(letters.size()) - 3);
      if (hidden < 0 || hidden > 10)
        return std::nullopt;
      std::string spelt;
      for (int64_t digit = hidden; digit-- > 0;)
        spelt += static_cast<char>('0' + digit);
      if (spelt.size() > ellipsis.size())
        ellipsis = spelt;
      letters.replace(at, 3, spelt);
    }
    if (static_cast<int64_t>(letters.size()) != rank)
      return std::nullopt;
    equation.operands.push_back(letters);
  }
  if (text.find("->") == std::string::npos) {
    // The letters that occur once, in alphabetical order, behind the ellipsis.
    std::string all = llvm::join(equation.operands, "");
    for (char letter : all)
      if (!llvm::isDigit(letter) && llvm::count(all, letter) == 1)
        equation.result += letter;
    llvm::sort(equation.result);
    equation.result = ellipsis + equation.result;
    return equation;
  }
  equation.result = right.str();
  if (size_t at = equation.result.find("..."); at != std::string::npos)
    equation.result.replace(at, 3, ellipsis);
  return equation;
}

bool hasRepeats(StringRef letters) {
  return llvm::any_of(letters, [&](char letter) { return letters.count(letter) > 1; });
}

class EinsumLowering {
public:
  EinsumLowering(NodeLowering &lowering, Equation equation)
      : lowering(lowering), equation(std::move(equation)) {}

  Results run() {
    if (failed(collectSizes()))
      return failure();
    if (std::optional<Value> product = lowerAsMatrices())
      return *product ? Results(SmallVector<Value>{*product}) : Results(failure());
    return lowerAsLoops();
  }

private:
  LogicalResult collectSizes() {
    for (auto [i, letters] : llvm::enumerate(equation.operands))
      for (auto [letter, size] : llvm::zip(letters, lowering.dims(i))) {
        SymExpr &known = sizes[letter];
        if (!known) {
          known = size;
        } else if (failed(lowering.checkEqual(
                       known, size, "two dimensions with the same letter differ in size"))) {
          return failure();
        }
      }
    for (char letter : equation.result)
      if (!sizes.contains(letter))
        return lowering.refuse("the result of its equation has a letter that no operand has");
    return success();
  }

  SymVector sizesOf(StringRef letters) {
    SymVector result;
    for (char letter : letters)
      result.push_back(sizes[letter]);
    return result;
  }

  /// The operand with its dimensions in the order of `letters`.
  Value arrange(unsigned operand, StringRef letters) {
    SmallVector<int64_t> permutation;
    for (char letter : letters)
      permutation.push_back(equation.operands[operand].find(letter));
    return transpose(lowering, lowering.operand(operand), sizesOf(equation.operands[operand]),
                     permutation);
  }

  /// Two operands whose letters fall into batch (in both and the result), rows and columns (in one
  /// and the result) and depth (in both only). std::nullopt if they do not; a null value after an
  /// error.
  std::optional<Value> lowerAsMatrices() {
    if (equation.operands.size() != 2 || hasRepeats(equation.result) ||
        hasRepeats(equation.operands[0]) || hasRepeats(equation.operands[1]))
      return std::nullopt;
    StringRef a = equation.operands[0], b = equation.operands[1], result = equation.result;
    std::string batch, rows, columns, depth;
    for (char letter : a) {
      bool inB = b.contains(letter), inResult = result.contains(letter);
      if (!inB && !inResult)
        return std::nullopt;
      (inB ? (inResult ? batch : depth) : rows) += letter;
    }
    for (char letter : b)
      if (!a.contains(letter)) {
        if (!result.contains(letter))
          return std::nullopt;
        columns += letter;
      }
    if (depth.empty())
      return std::nullopt;
    SymContext &symbols = lowering.symbols;
    SymExpr count = symbols.product(sizesOf(batch)), m = symbols.product(sizesOf(rows)),
            n = symbols.product(sizesOf(columns)), k = symbols.product(sizesOf(depth));
    auto stack = [&](unsigned operand, std::string letters, SymExpr r, SymExpr c) {
      Matrices matrices{nullptr, count, r, c};
      matrices.tensor =
          reshape(lowering, arrange(operand, letters), sizesOf(letters), matrices.dims());
      return matrices;
    };
    Matrices left = stack(0, batch + rows + depth, m, k),
             right = stack(1, batch + depth + columns, k, n);
    if (!left.tensor || !right.tensor)
      return Value();
    Value product = emitMatrixProduct(lowering, left, right, /*transposeB=*/false, count);
    std::string order = batch + rows + columns;
    product = reshape(lowering, product, {count, m, n}, sizesOf(order));
    if (!product)
      return Value();
    SmallVector<int64_t> permutation;
    for (char letter : result)
      permutation.push_back(order.find(letter));
    return transpose(lowering, product, sizesOf(order), permutation);
  }

  Results lowerAsLoops() {
    OpBuilder &builder = lowering.builder;
    std::string loops = equation.result;
    for (const std::string &letters : equation.operands)
      for (char letter : letters)
        if (loops.find(letter) == std::string::npos)
          loops += letter;
    if (hasRepeats(equation.result))
      return lowering.refuse("a letter occurs twice in the result of its equation");
    auto mapOf = [&](StringRef letters) {
      SmallVector<AffineExpr> results;
      for (char letter : letters)
        results.push_back(builder.getAffineDimExpr(loops.find(letter)));
      return AffineMap::get(loops.size(), 0, results, builder.getContext());
    };
    SmallVector<AffineMap> maps;
    SmallVector<Value> operands;
    for (auto [i, letters] : llvm::enumerate(equation.operands)) {
      maps.push_back(mapOf(letters));
      operands.push_back(lowering.operand(i));
    }
    maps.push_back(mapOf(equation.result));
    SmallVector<utils::IteratorType> iterators(equation.result.size(),
                                               utils::IteratorType::parallel);
    iterators.resize(loops.size(), utils::IteratorType::reduction);
    Type elementType = lowering.resultType(0).getElementType();
    Value zero = arith::ConstantOp::create(builder, lowering.loc, builder.getZeroAttr(elementType));
    Value init = lowering.filled(sizesOf(equation.result), zero);
    bool isFloat = isa<FloatType>(elementType);
    auto sum = linalg::GenericOp::create(
        builder, lowering.loc, init.getType(), operands, init, maps, iterators,
        [&](OpBuilder &nested, Location loc, ValueRange arguments) {
          Value product = arguments[0];
          for (Value factor : arguments.drop_front().drop_back())
            product = isFloat ? Value(arith::MulFOp::create(nested, loc, product, factor))
                              : Value(arith::MulIOp::create(nested, loc, product, factor));
          Value total = isFloat
                            ? Value(arith::AddFOp::create(nested, loc, arguments.back(), product,
                                                          arith::FastMathFlags::reassoc))
                            : Value(arith::AddIOp::create(nested, loc, arguments.back(), product));
          linalg::YieldOp::create(nested, loc, total);
        });
    return SmallVector<Value>{sum.getResult(0)};
  }

  NodeLowering &lowering;
  Equation equation;
  llvm::DenseMap<char, SymExpr> sizes;
};

} // namespace

Results moec::lowerEinsum(NodeLowering &lowering) {
  std::optional<Equation> equation = parseEquation(lowering);
  if (!equation)
    return lowering.refuse("its equation '" + lowering.node.getString("equation", "") +
                           "' does not fit its operands");
  return EinsumLowering(lowering, std::move(*equation)).run();
}
