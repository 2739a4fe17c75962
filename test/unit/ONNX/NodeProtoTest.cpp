//===- NodeProtoTest.cpp - Nodes to and from messages
//----------------------------------------------===//
#include "dialects/ONNX/NodeProto.h"
#include "dialects/ONNX/NodeSchema.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "onnx/onnx_pb.h"
#include "gtest/gtest.h"

using namespace mlir;

namespace {

class NodeProtoTest : public testing::Test {
protected:
  NodeProtoTest() { context.loadDialect<moec::onnx::ONNXDialect, func::FuncDialect>(); }

  /// The first node of a function given as text.
  moec::onnx::NodeOp parse(StringRef source) {
    module = parseSourceString<ModuleOp>(source, &context);
    moec::onnx::NodeOp first;
    module->walk<WalkOrder::PreOrder>([&](moec::onnx::NodeOp node) {
      if (!first)
        first = node;
    });
    return first;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

TEST_F(NodeProtoTest, ExportsOperandsResultsAndAttributes) {
  moec::onnx::NodeOp node = parse(R"(func.func @f(%x: tensor<2xf32>) {
    %none = onnx.none
    %0:2 = onnx.node "my::Op"(%x, %none, %x) version 3 {
      a = 7 : i64, b = 1.5 : f32, c = "text", d = array<i64: 1, -2>, e = array<f32: 0.5>,
      f = ["x", "y"], g = dense<[1, 2]> : tensor<2xi64>, h = tensor<?x3xf16>
    } : (tensor<2xf32>, none, tensor<2xf32>) -> (none, tensor<2xf32>) loc("name")
    return
  })");
  llvm::Expected<::onnx::NodeProto> proto = moec::onnx::exportNode(node);
  ASSERT_TRUE(bool(proto)) << llvm::toString(proto.takeError());
  EXPECT_EQ(proto->op_type(), "Op");
  EXPECT_EQ(proto->domain(), "my");
  EXPECT_EQ(proto->name(), "name");
  EXPECT_EQ(std::vector<std::string>(proto->input().begin(), proto->input().end()),
            (std::vector<std::string>{"i0", "", "i2"}));
  EXPECT_EQ(std::vector<std::string>(proto->output().begin(), proto->output().end()),
            (std::vector<std::string>{"", "o1"}));
  // And back: the same attributes.
  ASSERT_EQ(proto->attribute_size(), 8);
  for (const ::onnx::AttributeProto &attribute : proto->attribute()) {
    llvm::Expected<NamedAttribute> back = moec::onnx::importAttribute(&context, attribute);
    ASSERT_TRUE(bool(back)) << llvm::toString(back.takeError());
    EXPECT_EQ(back->getValue(), node.getOnnxAttr(attribute.name())) << attribute.name();
  }
}

TEST_F(NodeProtoTest, ImportsSubgraphsWithTheNamesAround) {
  ::onnx::NodeProto node;
  node.set_op_type("If");
  node.add_input("c");
  node.add_output("y");
  for (const char *name : {"then_branch", "else_branch"}) {
    auto *attribute = node.add_attribute();
    attribute->set_name(name);
    attribute->set_type(::onnx::AttributeProto::GRAPH);
    auto *inner = attribute->mutable_g()->add_node();
    inner->set_op_type("Neg");
    inner->add_input("x");
    inner->add_output("inner");
    attribute->mutable_g()->add_output()->set_name("inner");
  }
  module = parseSourceString<ModuleOp>("func.func @f(%c: tensor<i1>, %x: tensor<2xf32>) { return }",
                                       &context);
  func::FuncOp function = *module->getOps<func::FuncOp>().begin();
  OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
  llvm::StringMap<int64_t> opsets;
  opsets[""] = 21;
  moec::onnx::NodeImporter importer(builder, opsets);
  importer.define("c", function.getArgument(0));
  importer.define("x", function.getArgument(1));
  llvm::Error error = importer.importNode(node, builder.getUnknownLoc());
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  EXPECT_TRUE(succeeded(verify(*module)));
  auto imported = importer.lookup("y", builder.getUnknownLoc()).getDefiningOp<moec::onnx::NodeOp>();
  ASSERT_TRUE(imported);
  EXPECT_EQ(imported.getVersion(), 21u);
  EXPECT_EQ(imported.getBodies().size(), 2u);
  EXPECT_FALSE(importer.lookup("inner", builder.getUnknownLoc())) << "a name of the subgraph";
}

TEST_F(NodeProtoTest, RefusesUndefinedNamesAndDomains) {
  module = parseSourceString<ModuleOp>("func.func @f() { return }", &context);
  func::FuncOp function = *module->getOps<func::FuncOp>().begin();
  OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
  llvm::StringMap<int64_t> opsets;
  opsets[""] = 21;
  moec::onnx::NodeImporter importer(builder, opsets);
  ::onnx::NodeProto node;
  node.set_name("n");
  node.set_op_type("Neg");
  node.add_input("x");
  EXPECT_EQ(llvm::toString(importer.importNode(node, builder.getUnknownLoc())),
            "node 'n' of type Neg has the undefined operand 'x'");
  node.set_domain("other");
  EXPECT_EQ(llvm::toString(importer.importNode(node, builder.getUnknownLoc())),
            "node 'n' is of domain 'other', of which no operator set is imported");
}

TEST_F(NodeProtoTest, InfersInTheTermsOfTheIR) {
  moec::onnx::NodeOp node = parse(R"(func.func @f(%x: tensor<?x4xf32>) {
    %0:2 = onnx.node "LayerNormalization"(%x, %x) version 17
        : (tensor<?x4xf32>, tensor<?x4xf32>) -> (tensor<*x!onnx.unknown>, none)
    return
  })");
  EXPECT_TRUE(moec::onnx::hasSchema(node));
  EXPECT_TRUE(moec::onnx::hasFunctionBody(node));
  auto type = cast<TensorType>(node.getInputs()[0].getType());
  auto types = moec::onnx::inferResultTypes(node, {{type, {}, {}}, {type, {}, {}}});
  ASSERT_TRUE(bool(types)) << llvm::toString(types.takeError());
  EXPECT_EQ((*types)[0], type);
  EXPECT_FALSE((*types)[1]) << "an absent result";
}

} // namespace
