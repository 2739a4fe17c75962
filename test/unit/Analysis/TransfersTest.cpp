//===- TransfersTest.cpp - Transfer functions, one node at a time
//---------------------------------===//
#include "ShapesFixture.h"

#include "mlir/AsmParser/AsmParser.h"

using namespace mlir;
using namespace moec;

namespace {

/// A node `body`, whose result 0 is looked at, in a function with `arguments` %x, %y, %z. In the
/// expected text, x.1 is size 1 of %x, x[1] its element 1, and ? an atom of something else.
struct TransferCase {
  const char *name;
  const char *arguments;
  const char *body;
  const char *dims;
  const char *elements = nullptr; ///< "" where they are not followed; nullptr: not looked at
};

void PrintTo(const TransferCase &test, std::ostream *os) { *os << test.name; }

class TransfersTest : public ShapesFixture, public testing::WithParamInterface<TransferCase> {
protected:
  std::string toText(ArrayRef<SymExpr> exprs) {
    std::string text;
    llvm::raw_string_ostream os(text);
    llvm::interleaveComma(exprs, os);
    // Atoms of arguments by name, the others by "?".
    std::string result;
    for (StringRef rest = text; !rest.empty();) {
      auto take = [&](StringRef prefix, SymKind kind) {
        if (!rest.consume_front(prefix))
          return false;
        unsigned id;
        rest.consumeInteger(10, id);
        result += getAtomName(kind, id);
        return true;
      };
      if (take("dim#", SymKind::Dim) || take("element#", SymKind::Element))
        continue;
      result.push_back(rest.front());
      rest = rest.drop_front();
    }
    return result;
  }

  std::string getAtomName(SymKind kind, unsigned id) {
    for (BlockArgument argument : function.getArguments()) {
      char name = "xyz"[argument.getArgNumber()];
      for (int64_t i = 0; i < 16; ++i) {
        SymExpr atom =
            kind == SymKind::Dim ? symbols().dim(argument, i) : symbols().element(argument, i);
        if (atom.getNode()->terms[0].atoms[0]->id != id)
          continue;
        return kind == SymKind::Dim ? (Twine(name) + "." + Twine(i)).str()
                                    : (Twine(name) + "[" + Twine(i) + "]").str();
      }
    }
    return "?";
  }
};

TEST_P(TransfersTest, States) {
  const TransferCase &test = GetParam();
  analyze((Twine("func.func @main(") + test.arguments + ") {\n" + test.body + "\nreturn }").str());
  Operation *node = function.getBody().front().getTerminator()->getPrevNode();
  const SymbolicValue &value = shapes->get(node->getResult(0));
  EXPECT_EQ(value.isRanked ? toText(value.dims) : "unranked", test.dims);
  if (test.elements)
    EXPECT_EQ(value.elements ? toText(*value.elements) : "", test.elements);
}

#define F32 "tensor<*xf32>"
#define I64 "tensor<*xi64>"
#define CONST(name, values, type) name " = onnx.constant dense<" values "> : " type "\n"

const TransferCase elementwise[] = {
    {"AddBroadcasts", "%x: tensor<?x1x4xf32>, %y: tensor<?x?xf32>",
     R"(%r = onnx.node "Add"(%x, %y) version 14 : (tensor<?x1x4xf32>, tensor<?x?xf32>) -> )" F32,
     "x.0, y.0, 4"},
    {"AddOfUnrelatedSizesIsASelect", "%x: tensor<?xf32>, %y: tensor<?xf32>",
     R"(%r = onnx.node "Add"(%x, %y) version 14 : (tensor<?xf32>, tensor<?xf32>) -> )" F32,
     "select(eq(x.0, 1), y.0, x.0)"},
    {"AddOfUnrankedSaysNothing", "%x: tensor<?xf32>, %y: tensor<*xf32>",
     R"(%r = onnx.node "Add"(%x, %y) version 14 : (tensor<?xf32>, tensor<*xf32>) -> )" F32,
     "unranked"},
    {"AddOfElements", "%x: tensor<2xi64>, %y: tensor<1xi64>",
     R"(%r = onnx.node "Add"(%x, %y) version 14 : (tensor<2xi64>, tensor<1xi64>) -> )" I64, "2",
     "x[0] + y[0], x[1] + y[0]"},
    {"DivTruncates", "",
     CONST("%a", "[-7, 7]", "tensor<2xi64>") CONST(
         "%b", "2",
         "tensor<i64>") R"(%r = onnx.node "Div"(%a, %b) version 14 : (tensor<2xi64>, tensor<i64>) -> )" I64,
     "2", "-3, 3"},
    {"ModHasTheSignOfTheDivisor", "",
     CONST("%a", "[-7, 7]", "tensor<2xi64>") CONST(
         "%b", "[3, -3]",
         "tensor<2xi64>") R"(%r = onnx.node "Mod"(%a, %b) version 13 : (tensor<2xi64>, tensor<2xi64>) -> )" I64,
     "2", "2, -2"},
    {"FmodHasTheSignOfTheDividend", "",
     CONST("%a", "[-7, 7]", "tensor<2xi64>") CONST("%b", "[3, -3]", "tensor<2xi64>")
         R"(%r = onnx.node "Mod"(%a, %b) version 13 {fmod = 1 : i64}
        : (tensor<2xi64>, tensor<2xi64>) -> )" I64,
     "2", "-1, 1"},
    {"EqualOfSizes", "%x: tensor<?xf32>",
     CONST("%m", "-1", "tensor<1xi64>")
         R"(%s = onnx.node "Shape"(%x) version 15 : (tensor<?xf32>) -> tensor<1xi64>
        %r = onnx.node "Equal"(%s, %m) version 13
          : (tensor<1xi64>, tensor<1xi64>) -> tensor<*xi1>)",
     "1", "0"},
    {"WhereOfElements", "%x: tensor<2xi64>",
     CONST("%c", "[true, false]", "tensor<2xi1>") CONST("%m", "-1", "tensor<i64>")
         R"(%r = onnx.node "Where"(%c, %x, %m) version 16
        : (tensor<2xi1>, tensor<2xi64>, tensor<i64>) -> )" I64,
     "2", "x[0], -1"},
    {"ClipOfElements", "",
     CONST("%a", "[-5, 5, 50]", "tensor<3xi64>") CONST("%l", "0", "tensor<i64>")
         CONST("%h", "9", "tensor<i64>")
             R"(%r = onnx.node "Clip"(%a, %l, %h) version 13
        : (tensor<3xi64>, tensor<i64>, tensor<i64>) -> )" I64,
     "3", "0, 5, 9"},
    {"OrAndXorNot", "%x: tensor<1xi1>",
     CONST("%t", "true", "tensor<1xi1>")
         R"(%a = onnx.node "Or"(%x, %t) version 7 : (tensor<1xi1>, tensor<1xi1>) -> tensor<1xi1>
        %b = onnx.node "Xor"(%a, %x) version 7 : (tensor<1xi1>, tensor<1xi1>) -> tensor<1xi1>
        %r = onnx.node "Not"(%b) version 1 : (tensor<1xi1>) -> tensor<*xi1>)",
     "1", "eq(1, x[0])"},
    {"CastOfASizeTo32Bits", "%x: tensor<?xf32>",
     R"(%s = onnx.node "Shape"(%x) version 15 : (tensor<?xf32>) -> tensor<1xi64>
        %r = onnx.node "Cast"(%s) version 13 : (tensor<1xi64>) -> tensor<*xi32>)",
     "1", "x.0"},
    {"CastOfDataTo32BitsTruncates", "%x: tensor<1xi64>",
     R"(%r = onnx.node "Cast"(%x) version 13 : (tensor<1xi64>) -> tensor<*xi32>)", "1", "?"},
    {"CastWidens", "%x: tensor<1xi32>",
     R"(%r = onnx.node "Cast"(%x) version 13 : (tensor<1xi32>) -> tensor<*xi64>)", "1", "x[0]"},
    {"CastToBool", "",
     CONST(
         "%a", "[0, 7]",
         "tensor<2xi64>") R"(%r = onnx.node "Cast"(%a) version 13 : (tensor<2xi64>) -> tensor<*xi1>)",
     "2", "0, 1"},
};

const TransferCase movement[] = {
    {"Transpose", "%x: tensor<?x3x?xf32>",
     R"(%r = onnx.node "Transpose"(%x) version 13 {perm = array<i64: 2, 0, 1>}
        : (tensor<?x3x?xf32>) -> )" F32,
     "x.2, x.0, 3"},
    {"TransposeReversesWithoutPerm", "%x: tensor<?x3xi64>",
     R"(%r = onnx.node "Transpose"(%x) version 13 : (tensor<?x3xi64>) -> )" I64, "3, x.0"},
    {"TransposeWithWrongPermSaysNothing", "%x: tensor<?x3xf32>",
     R"(%r = onnx.node "Transpose"(%x) version 13 {perm = array<i64: 0, 0>}
        : (tensor<?x3xf32>) -> )" F32,
     "unranked"},
    {"SqueezeOfAxes", "%x: tensor<1x?x1xf32>",
     CONST("%a", "-1", "tensor<1xi64>")
         R"(%r = onnx.node "Squeeze"(%x, %a) version 13
        : (tensor<1x?x1xf32>, tensor<1xi64>) -> )" F32,
     "1, x.1"},
    {"SqueezeOfAllNeedsKnownSizes", "%x: tensor<1x?xf32>",
     R"(%r = onnx.node "Squeeze"(%x) version 13 : (tensor<1x?xf32>) -> )" F32, "unranked"},
    {"SqueezeOfAll", "%x: tensor<1x4x1xf32>",
     R"(%r = onnx.node "Squeeze"(%x) version 13 : (tensor<1x4x1xf32>) -> )" F32, "4"},
    {"UnsqueezeByAttribute", "%x: tensor<?xf32>",
     R"(%r = onnx.node "Unsqueeze"(%x) version 11 {axes = array<i64: 0, 2>}
        : (tensor<?xf32>) -> )" F32,
     "1, x.0, 1"},
    {"ReshapeCopiesAndInfers", "%x: tensor<?x?x256xf32>",
     CONST("%s", "[0, 0, 8, -1]", "tensor<4xi64>")
         R"(%r = onnx.node "Reshape"(%x, %s) version 14
        : (tensor<?x?x256xf32>, tensor<4xi64>) -> )" F32,
     "x.0, x.1, 8, 32"},
    {"ReshapeAllowZero", "%x: tensor<0x?xf32>",
     CONST("%s", "[3, 0]", "tensor<2xi64>")
         R"(%r = onnx.node "Reshape"(%x, %s) version 14 {allowzero = 1 : i64}
        : (tensor<0x?xf32>, tensor<2xi64>) -> )" F32,
     "3, 0"},
    {"ReshapeInfersAProduct", "%x: tensor<?x?x256xf32>",
     CONST("%s", "[-1, 256]", "tensor<2xi64>")
         R"(%r = onnx.node "Reshape"(%x, %s) version 14
        : (tensor<?x?x256xf32>, tensor<2xi64>) -> )" F32,
     "x.0*x.1, 256"},
    {"ReshapeWithComputedSizes", "%x: tensor<?x8xf32>, %y: tensor<1xi64>",
     CONST("%c", "4", "tensor<1xi64>")
         R"(%s = onnx.node "Concat"(%y, %c) version 13 {axis = 0 : i64}
          : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
        %r = onnx.node "Reshape"(%x, %s) version 14
          : (tensor<?x8xf32>, tensor<2xi64>) -> )" F32,
     "2*x.0, 4"},
    {"ReshapeToDataKnowsTheRank", "%x: tensor<?x8xf32>, %y: tensor<3xi64>",
     R"(%r = onnx.node "Reshape"(%x, %y) version 14
        : (tensor<?x8xf32>, tensor<3xi64>) -> )" F32,
     "?, ?, ?"},
    {"Flatten", "%x: tensor<?x3x?xf32>",
     R"(%r = onnx.node "Flatten"(%x) version 13 {axis = 2 : i64} : (tensor<?x3x?xf32>) -> )" F32,
     "3*x.0, x.2"},
    {"Expand", "%x: tensor<?x1xf32>",
     CONST("%s", "[2, 1, 5]", "tensor<3xi64>")
         R"(%r = onnx.node "Expand"(%x, %s) version 13
        : (tensor<?x1xf32>, tensor<3xi64>) -> )" F32,
     "2, x.0, 5"},
    {"Tile", "%x: tensor<?x2xi64>",
     CONST("%s", "[2, 3]", "tensor<2xi64>")
         R"(%r = onnx.node "Tile"(%x, %s) version 13
        : (tensor<?x2xi64>, tensor<2xi64>) -> )" I64,
     "2*x.0, 6"},
    {"TileOfElements", "%x: tensor<2xi64>",
     CONST("%s", "2", "tensor<1xi64>")
         R"(%r = onnx.node "Tile"(%x, %s) version 13
        : (tensor<2xi64>, tensor<1xi64>) -> )" I64,
     "4", "x[0], x[1], x[0], x[1]"},
    {"ConcatAddsAndTakesConstants", "%x: tensor<?x?xf32>, %y: tensor<4x?xf32>",
     R"(%r = onnx.node "Concat"(%x, %y) version 13 {axis = -1 : i64}
        : (tensor<?x?xf32>, tensor<4x?xf32>) -> )" F32,
     "4, x.1 + y.1"},
    {"SplitBySizes", "%x: tensor<3xi64>",
     CONST("%s", "[2, 1]", "tensor<2xi64>")
         R"(%r:2 = onnx.node "Split"(%x, %s) version 13
        : (tensor<3xi64>, tensor<2xi64>) -> ()" I64 ", " I64 ")",
     "2", "x[0], x[1]"},
    {"SplitEqually", "%x: tensor<?x8xf32>",
     R"(%r:2 = onnx.node "Split"(%x) version 13 {axis = 1 : i64}
        : (tensor<?x8xf32>) -> ()" F32 ", " F32 ")",
     "x.0, 4"},
    {"SplitIntoUnequalParts", "%x: tensor<7xf32>",
     R"(%r:3 = onnx.node "Split"(%x) version 18 {num_outputs = 3 : i64}
        : (tensor<7xf32>) -> ()" F32 ", " F32 ", " F32 ")",
     "3"},
    {"PadOfAxes", "%x: tensor<?x4xf32>",
     CONST("%p", "[1, 2]", "tensor<2xi64>") CONST("%a", "-1", "tensor<1xi64>")
         R"(%n = onnx.none
        %r = onnx.node "Pad"(%x, %p, %n, %a) version 18
        : (tensor<?x4xf32>, tensor<2xi64>, none, tensor<1xi64>) -> )" F32,
     "x.0, 7"},
};

#define SLICE(start, end, axis, step, type)                                                        \
  CONST("%s", start, "tensor<1xi64>")                                                              \
  CONST("%e", end, "tensor<1xi64>")                                                                \
  CONST("%a", axis, "tensor<1xi64>")                                                               \
  CONST("%t", step, "tensor<1xi64>")                                                               \
  "%r = onnx.node \"Slice\"(%x, %s, %e, %a, %t) version 13 : (" type                               \
  ", tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> "

const TransferCase slices[] = {
    {"ToTheEnd", "%x: tensor<?xf32>",
     SLICE("1", "9223372036854775807", "0", "1", "tensor<?xf32>") F32, "max(0, -1 + x.0)"},
    {"All", "%x: tensor<?xf32>", SLICE("0", "9223372036854775807", "0", "1", "tensor<?xf32>") F32,
     "x.0"},
    {"AllBackwards", "%x: tensor<?xf32>",
     SLICE("-1", "-9223372036854775808", "0", "-1", "tensor<?xf32>") F32, "x.0"},
    {"HalfOfAConstant", "%x: tensor<?x32xf32>",
     SLICE("16", "9223372036854775807", "-1", "1", "tensor<?x32xf32>") F32, "x.0, 16"},
    {"EverySecond", "%x: tensor<7xi64>",
     SLICE("0", "9223372036854775807", "0", "2", "tensor<7xi64>") I64, "4",
     "x[0], x[2], x[4], x[6]"},
    {"OfElementsBackwards", "%x: tensor<4xi64>",
     SLICE("9223372036854775807", "0", "0", "-2", "tensor<4xi64>") I64, "2", "x[3], x[1]"},
    {"LastElement", "%x: tensor<3xi64>",
     SLICE("-1", "9223372036854775807", "0", "1", "tensor<3xi64>") I64, "1", "x[2]"},
    {"PastTheEndIsEmpty", "%x: tensor<3xi64>", SLICE("5", "9", "0", "1", "tensor<3xi64>") I64, "0",
     ""},
    {"PrefixOfASum", "%x: tensor<?xf32>, %y: tensor<?xf32>",
     CONST("%z", "0", "tensor<1xi64>")
         R"(%c = onnx.node "Concat"(%x, %y) version 13 {axis = 0 : i64}
          : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
        %n = onnx.node "Shape"(%y) version 15 : (tensor<?xf32>) -> tensor<1xi64>
        %r = onnx.node "Slice"(%c, %z, %n) version 13
          : (tensor<?xf32>, tensor<1xi64>, tensor<1xi64>) -> )" F32,
     "y.0"},
    {"ByAttributes", "%x: tensor<8x?xf32>",
     R"(%r = onnx.node "Slice"(%x) version 1 {starts = array<i64: 2>, ends = array<i64: -1>}
        : (tensor<8x?xf32>) -> )" F32,
     "5, x.1"},
    {"WithUnknownAxesKnowsTheRank", "%x: tensor<8x?xf32>, %y: tensor<1xi64>",
     CONST("%s", "0", "tensor<1xi64>")
         R"(%r = onnx.node "Slice"(%x, %s, %s, %y) version 13
        : (tensor<8x?xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> )" F32,
     "?, ?"},
};

const TransferCase generators[] = {
    {"ShapeOfARange", "%x: tensor<?x3x?xf32>",
     R"(%r = onnx.node "Shape"(%x) version 15 {start = -2 : i64} : (tensor<?x3x?xf32>) -> )" I64,
     "2", "3, x.2"},
    {"Size", "%x: tensor<?x3x?xf32>",
     R"(%r = onnx.node "Size"(%x) version 13 : (tensor<?x3x?xf32>) -> )" I64, "", "3*x.0*x.2"},
    {"ConstantOfShape", "",
     CONST("%s", "2", "tensor<1xi64>")
         R"(%r = onnx.node "ConstantOfShape"(%s) version 9 {value = dense<-1> : tensor<1xi64>}
        : (tensor<1xi64>) -> )" I64,
     "2", "-1, -1"},
    {"Range", "%x: tensor<i64>, %y: tensor<i64>",
     CONST("%d", "1", "tensor<i64>")
         R"(%r = onnx.node "Range"(%x, %y, %d) version 11
        : (tensor<i64>, tensor<i64>, tensor<i64>) -> )" I64,
     "max(-1*x[0] + y[0], 0)"},
    {"RangeDown", "",
     CONST("%s", "7", "tensor<i64>") CONST("%l", "0", "tensor<i64>")
         CONST("%d", "-3", "tensor<i64>")
             R"(%r = onnx.node "Range"(%s, %l, %d) version 11
        : (tensor<i64>, tensor<i64>, tensor<i64>) -> )" I64,
     "3", "7, 4, 1"},
    {"OneHotOfElements", "",
     CONST("%i", "[1, -1]", "tensor<2xi64>") CONST("%d", "3", "tensor<i64>")
         CONST("%v", "[0, 9]", "tensor<2xi64>")
             R"(%r = onnx.node "OneHot"(%i, %d, %v) version 11
        : (tensor<2xi64>, tensor<i64>, tensor<2xi64>) -> )" I64,
     "2, 3", "0, 9, 0, 0, 0, 9"},
};

const TransferCase indexing[] = {
    {"Gather", "%x: tensor<8x?xf32>, %y: tensor<?x2xi64>",
     R"(%r = onnx.node "Gather"(%x, %y) version 13 {axis = 1 : i64}
        : (tensor<8x?xf32>, tensor<?x2xi64>) -> )" F32,
     "8, y.0, 2"},
    {"GatherOfASize", "%x: tensor<?x?xf32>",
     CONST("%i", "-1", "tensor<i64>")
         R"(%s = onnx.node "Shape"(%x) version 15 : (tensor<?x?xf32>) -> tensor<2xi64>
        %r = onnx.node "Gather"(%s, %i) version 13 : (tensor<2xi64>, tensor<i64>) -> )" I64,
     "", "x.1"},
    {"GatherND", "%x: tensor<?x3x4xf32>, %y: tensor<?x5x1xi64>",
     R"(%r = onnx.node "GatherND"(%x, %y) version 13
        : (tensor<?x3x4xf32>, tensor<?x5x1xi64>) -> )" F32,
     "y.0, 5, 3, 4"},
    {"GatherNDWithBatch", "%x: tensor<?x3x4xf32>, %y: tensor<?x1xi64>",
     R"(%r = onnx.node "GatherND"(%x, %y) version 13 {batch_dims = 1 : i64}
        : (tensor<?x3x4xf32>, tensor<?x1xi64>) -> )" F32,
     "y.0, 4"},
    {"NonZero", "%x: tensor<?x3xf32>",
     R"(%r = onnx.node "NonZero"(%x) version 13 : (tensor<?x3xf32>) -> )" I64, "2, ?"},
    {"TopK", "%x: tensor<?x16xf32>",
     CONST("%k", "4", "tensor<1xi64>")
         R"(%r:2 = onnx.node "TopK"(%x, %k) version 11
        : (tensor<?x16xf32>, tensor<1xi64>) -> ()" F32 ", " I64 ")",
     "x.0, 4"},
    {"CumSum", "%x: tensor<3xi64>",
     CONST("%a", "0", "tensor<i64>")
         R"(%r = onnx.node "CumSum"(%x, %a) version 14 {exclusive = 1 : i64}
        : (tensor<3xi64>, tensor<i64>) -> )" I64,
     "3", "0, x[0], x[0] + x[1]"},
    {"ScatterElements", "%x: tensor<?x8xf32>, %y: tensor<?x2xi64>, %z: tensor<?x2xf32>",
     R"(%r = onnx.node "ScatterElements"(%x, %y, %z) version 18
        : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> )" F32,
     "x.0, 8"},
};

const TransferCase reductions[] = {
    {"KeepsDims", "%x: tensor<?x4xf32>",
     R"(%r = onnx.node "ReduceMean"(%x) version 13 {axes = array<i64: -1>}
        : (tensor<?x4xf32>) -> )" F32,
     "x.0, 1"},
    {"OverAnOperand", "%x: tensor<?x4xf32>",
     CONST("%a", "0", "tensor<1xi64>")
         R"(%r = onnx.node "ReduceSum"(%x, %a) version 13 {keepdims = 0 : i64}
        : (tensor<?x4xf32>, tensor<1xi64>) -> )" F32,
     "4"},
    {"OverAll", "%x: tensor<2xi64>",
     R"(%r = onnx.node "ReduceProd"(%x) version 18 {keepdims = 0 : i64}
        : (tensor<2xi64>) -> )" I64,
     "", "x[0]*x[1]"},
    {"OverNothing", "%x: tensor<2xi64>",
     R"(%r = onnx.node "ReduceSum"(%x) version 13 {noop_with_empty_axes = 1 : i64}
        : (tensor<2xi64>) -> )" I64,
     "2", "x[0], x[1]"},
    {"OverUnknownAxes", "%x: tensor<?x4xf32>, %y: tensor<1xi64>",
     R"(%r = onnx.node "ReduceSum"(%x, %y) version 13
        : (tensor<?x4xf32>, tensor<1xi64>) -> )" F32,
     "?, ?"},
    {"ArgMax", "%x: tensor<?x4xf32>",
     R"(%r = onnx.node "ArgMax"(%x) version 13 {axis = -1 : i64, keepdims = 0 : i64}
        : (tensor<?x4xf32>) -> )" I64,
     "x.0"},
};

const TransferCase matrices[] = {
    {"MatMulBroadcastsBatches", "%x: tensor<?x1x?x8xf32>, %y: tensor<6x8x3xf32>",
     R"(%r = onnx.node "MatMul"(%x, %y) version 13
        : (tensor<?x1x?x8xf32>, tensor<6x8x3xf32>) -> )" F32,
     "x.0, 6, x.2, 3"},
    {"MatMulOfAVector", "%x: tensor<8xf32>, %y: tensor<?x8x3xf32>",
     R"(%r = onnx.node "MatMul"(%x, %y) version 13
        : (tensor<8xf32>, tensor<?x8x3xf32>) -> )" F32,
     "y.0, 3"},
    {"GemmTransposed", "%x: tensor<?x8xf32>, %y: tensor<16x8xf32>",
     R"(%r = onnx.node "Gemm"(%x, %y) version 13 {transB = 1 : i64}
        : (tensor<?x8xf32>, tensor<16x8xf32>) -> )" F32,
     "x.0, 16"},
    {"Einsum", "%x: tensor<?x?x8xf32>, %y: tensor<8x16xf32>",
     R"(%r = onnx.node "Einsum"(%x, %y) version 12 {equation = "bsh, hi -> bsi"}
        : (tensor<?x?x8xf32>, tensor<8x16xf32>) -> )" F32,
     "x.0, x.1, 16"},
    {"EinsumWithoutArrow", "%x: tensor<?x8xf32>, %y: tensor<8x16xf32>",
     R"(%r = onnx.node "Einsum"(%x, %y) version 12 {equation = "ij,jk"}
        : (tensor<?x8xf32>, tensor<8x16xf32>) -> )" F32,
     "x.0, 16"},
    {"LayerNormalization", "%x: tensor<?x8xf32>, %y: tensor<8xf32>",
     R"(%r = onnx.node "LayerNormalization"(%x, %y) version 17
        : (tensor<?x8xf32>, tensor<8xf32>) -> )" F32,
     "x.0, 8"},
    {"AttentionOfHeads", "%x: tensor<?x8x?x16xf32>, %y: tensor<?x2x?x16xf32>",
     R"(%r = onnx.node "Attention"(%x, %y, %y) version 23
        : (tensor<?x8x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>) -> )" F32,
     "x.0, 8, x.2, 16"},
};

#define INSTANTIATE(group)                                                                         \
  INSTANTIATE_TEST_SUITE_P(group, TransfersTest, testing::ValuesIn(group),                         \
                           [](const auto &info) { return std::string(info.param.name); })
INSTANTIATE(elementwise);
INSTANTIATE(movement);
INSTANTIATE(slices);
INSTANTIATE(generators);
INSTANTIATE(indexing);
INSTANTIATE(reductions);
INSTANTIATE(matrices);

} // namespace
