//===- SymbolicShapesTest.cpp - The walk over a function
//------------------------------------------===//
#include "ShapesFixture.h"

using namespace mlir;
using namespace moec;

namespace {

using SymbolicShapesTest = ShapesFixture;

TEST_F(SymbolicShapesTest, NamesOfArgumentsAreShared) {
  analyze(R"(func.func @main(%a: tensor<?x4xf32> {onnx.dims = ["n", ""]},
                              %b: tensor<?x?xf32> {onnx.dims = ["n", ""]}) { return })");
  EXPECT_EQ(dim(0, 0), dim(1, 0));
  EXPECT_NE(dim(0, 0), dim(1, 1));
  EXPECT_TRUE(dim(0, 1).isConstant(4));
}

TEST_F(SymbolicShapesTest, ConstantsAreFollowedUpToTheCap) {
  analyze(R"(func.func @main() -> (tensor<2xi64>, tensor<1xui8>, tensor<1xi1>, tensor<65xi64>) {
    %0 = onnx.constant dense<[3, -1]> : tensor<2xi64>
    %1 = onnx.constant dense<200> : tensor<1xui8>
    %2 = onnx.constant dense<true> : tensor<1xi1>
    %3 = onnx.constant dense<1> : tensor<65xi64>
    return %0, %1, %2, %3 : tensor<2xi64>, tensor<1xui8>, tensor<1xi1>, tensor<65xi64>
  })");
  EXPECT_TRUE((*result(0).elements)[1].isConstant(-1));
  EXPECT_TRUE((*result(1).elements)[0].isConstant(200));
  EXPECT_TRUE((*result(2).elements)[0].isConstant(1));
  EXPECT_FALSE(result(3).elements);
}

TEST_F(SymbolicShapesTest, UnknownOperatorsHaveTheirTypes) {
  analyze(R"(func.func @main(%a: tensor<?xf32>) -> (tensor<?x7xf32>, tensor<*xf32>) {
    %0:2 = onnx.node "my::Op"(%a) version 1 : (tensor<?xf32>) -> (tensor<?x7xf32>, tensor<*xf32>)
    return %0#0, %0#1 : tensor<?x7xf32>, tensor<*xf32>
  })");
  EXPECT_EQ(result(0).dims[0].getNode()->terms[0].atoms[0]->kind, SymKind::Dim);
  EXPECT_TRUE(result(0).dims[1].isConstant(7));
  EXPECT_FALSE(result(1).isRanked);
}

TEST_F(SymbolicShapesTest, NarrowArithmeticIsFollowedOnlyWhereItCannotWrap) {
  analyze(R"(func.func @main() -> (tensor<1xui8>, tensor<1xui8>) {
    %a = onnx.constant dense<200> : tensor<1xui8>
    %b = onnx.constant dense<20> : tensor<1xui8>
    %0 = onnx.node "Add"(%a, %b) version 14 : (tensor<1xui8>, tensor<1xui8>) -> tensor<1xui8>
    %1 = onnx.node "Add"(%a, %a) version 14 : (tensor<1xui8>, tensor<1xui8>) -> tensor<1xui8>
    return %0, %1 : tensor<1xui8>, tensor<1xui8>
  })");
  EXPECT_TRUE((*result(0).elements)[0].isConstant(220));
  EXPECT_FALSE((*result(1).elements)[0].getConstant());
}

TEST_F(SymbolicShapesTest, RefinesTypesByConstantSizes) {
  analyze(R"(func.func @main(%a: tensor<?x6xf32>) -> tensor<*xf32> {
    %s = onnx.constant dense<[0, 2, -1]> : tensor<3xi64>
    %0 = onnx.node "Reshape"(%a, %s) version 14
        : (tensor<?x6xf32>, tensor<3xi64>) -> tensor<*xf32>
    return %0 : tensor<*xf32>
  })");
  Value value = function.getBody().front().getTerminator()->getOperand(0);
  EXPECT_EQ(shapes->getRefinedType(value),
            RankedTensorType::get({ShapedType::kDynamic, 2, 3}, Float32Type::get(&context)));
}

} // namespace
