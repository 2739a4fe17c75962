//===- NodeInferenceTest.cpp - One node at a time
//--------------------------------------------------===//
#include "moec/OnnxLibrary/NodeInference.h"

#include "onnx/onnx_pb.h"
#include "gtest/gtest.h"

using namespace moec;

namespace {

::onnx::NodeProto makeNode(const std::string &opType, int numOperands, int numResults = 1) {
  ::onnx::NodeProto node;
  node.set_op_type(opType);
  for (int i = 0; i < numOperands; ++i)
    node.add_input("i" + std::to_string(i));
  for (int i = 0; i < numResults; ++i)
    node.add_output("o" + std::to_string(i));
  return node;
}

NodeOperandInfo makeOperand(int32_t dataType, llvm::ArrayRef<int64_t> dims) {
  NodeOperandInfo info;
  info.isPresent = true;
  info.type.dataType = dataType;
  info.type.isRanked = true;
  info.type.dims.assign(dims.begin(), dims.end());
  return info;
}

std::string takeMessage(llvm::Error error) { return llvm::toString(std::move(error)); }

constexpr int32_t kFloat = ::onnx::TensorProto::FLOAT, kInt64 = ::onnx::TensorProto::INT64;

TEST(NodeInferenceTest, FindsTheSchemaOfAnOperatorSet) {
  EXPECT_EQ(findSchemaVersion("", "Add", 20), 14);
  EXPECT_EQ(findSchemaVersion("ai.onnx", "Add", 13), 13);
  EXPECT_EQ(findSchemaVersion("", "Gelu", 19), std::nullopt);
  EXPECT_EQ(findSchemaVersion("com.microsoft", "MoE", 1), std::nullopt);
  EXPECT_EQ(findSchemaVersion("", "Upsample", 20), std::nullopt) << "deprecated";
}

TEST(NodeInferenceTest, InfersTypesAndPartialShapes) {
  auto types = inferNodeTypes(makeNode("MatMul", 2), 13,
                              {makeOperand(kFloat, {-1, 3, 8}), makeOperand(kFloat, {8, -1})});
  ASSERT_TRUE(bool(types)) << takeMessage(types.takeError());
  ASSERT_EQ(types->size(), 1u);
  EXPECT_EQ(types->front().dataType, kFloat);
  EXPECT_EQ(types->front().dims, (llvm::SmallVector<int64_t, 4>{-1, 3, -1}));
}

TEST(NodeInferenceTest, UsesContentsAndElements) {
  ::onnx::TensorProto shape;
  shape.set_data_type(kInt64);
  shape.add_dims(2);
  shape.add_int64_data(-1);
  shape.add_int64_data(4);
  NodeOperandInfo contents = makeOperand(kInt64, {2});
  contents.contents = &shape;
  auto types = inferNodeTypes(makeNode("Reshape", 2), 14, {makeOperand(kFloat, {6, 2}), contents});
  ASSERT_TRUE(bool(types)) << takeMessage(types.takeError());
  EXPECT_EQ(types->front().dims, (llvm::SmallVector<int64_t, 4>{3, 4}));

  NodeOperandInfo elements = makeOperand(kInt64, {2});
  elements.elements = {{std::nullopt, 4}};
  types = inferNodeTypes(makeNode("Expand", 2), 13, {makeOperand(kFloat, {1, 1}), elements});
  ASSERT_TRUE(bool(types)) << takeMessage(types.takeError());
  EXPECT_EQ(types->front().dims, (llvm::SmallVector<int64_t, 4>{-1, 4}));
}

TEST(NodeInferenceTest, ReportsWhatTheLibrarySays) {
  auto types = inferNodeTypes(makeNode("MatMul", 2), 13,
                              {makeOperand(kFloat, {2, 3}), makeOperand(kFloat, {4, 5})});
  ASSERT_FALSE(bool(types));
  EXPECT_NE(takeMessage(types.takeError()).find("ShapeInferenceError"), std::string::npos);

  types = inferNodeTypes(makeNode("Add", 1), 14, {makeOperand(kFloat, {2})});
  ASSERT_FALSE(bool(types));
  EXPECT_EQ(takeMessage(types.takeError()), "it has 1 operands, expected at least 2");

  types = inferNodeTypes(makeNode("NoSuchThing", 1), 1, {makeOperand(kFloat, {2})});
  ASSERT_FALSE(bool(types));
  EXPECT_EQ(takeMessage(types.takeError()),
            "the ONNX library has no operator 'NoSuchThing' version 1 in domain ''");
}

TEST(NodeInferenceTest, AbsentOperandsAreAbsent) {
  ::onnx::NodeProto node = makeNode("Clip", 3);
  node.set_input(1, "");
  auto types = inferNodeTypes(
      node, 13, {makeOperand(kFloat, {-1}), NodeOperandInfo(), makeOperand(kFloat, {})});
  ASSERT_TRUE(bool(types)) << takeMessage(types.takeError());
  EXPECT_EQ(types->front().dims, (llvm::SmallVector<int64_t, 4>{-1}));
}

TEST(NodeInferenceTest, BuildsBodiesWithAttributesAndDefaults) {
  EXPECT_TRUE(hasFunctionBody("", "MeanVarianceNormalization", 13));
  EXPECT_TRUE(hasFunctionBody("", "Clip", 13));
  EXPECT_FALSE(hasFunctionBody("", "MatMul", 13));
  EXPECT_FALSE(hasFunctionBody("com.microsoft", "MoE", 1));

  ::onnx::NodeProto node = makeNode("Selu", 1);
  auto *alpha = node.add_attribute();
  alpha->set_name("alpha");
  alpha->set_type(::onnx::AttributeProto::FLOAT);
  alpha->set_f(2.5f);
  auto body = buildFunctionBody(node, 6, {makeOperand(kFloat, {4})});
  ASSERT_TRUE(bool(body)) << takeMessage(body.takeError());
  std::vector<float> constants;
  for (const ::onnx::NodeProto &inner : (*body)->node())
    for (const ::onnx::AttributeProto &attribute : inner.attribute()) {
      EXPECT_EQ(attribute.ref_attr_name(), "");
      if (attribute.type() == ::onnx::AttributeProto::FLOAT)
        constants.push_back(attribute.f());
    }
  // alpha of the node, gamma of the schema.
  EXPECT_NE(std::find(constants.begin(), constants.end(), 2.5f), constants.end());
  EXPECT_NE(std::find_if(constants.begin(), constants.end(),
                         [](float value) { return std::abs(value - 1.0507f) < 1e-4f; }),
            constants.end());
}

TEST(NodeInferenceTest, BuildsBodiesThatDependOnTypes) {
  auto body = buildFunctionBody(
      makeNode("Clip", 3), 13,
      {makeOperand(kFloat, {4}), makeOperand(kFloat, {}), makeOperand(kFloat, {})});
  ASSERT_TRUE(bool(body)) << takeMessage(body.takeError());
  EXPECT_GT((*body)->node_size(), 1);
  // Without types there is none.
  NodeOperandInfo unknown;
  unknown.isPresent = true;
  auto none = buildFunctionBody(makeNode("CastLike", 2), 15, {unknown, unknown});
  ASSERT_FALSE(bool(none));
  EXPECT_EQ(takeMessage(none.takeError()),
            "it is not defined by other operators for these operand types");
}

} // namespace
