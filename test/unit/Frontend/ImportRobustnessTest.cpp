// Whatever the bytes, importing gives a module that verifies or an error: never a crash.

#include "moec/Frontend/ImportOnnx.h"

#include "../Weights/TemporaryFolder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "onnx/onnx_pb.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace moec;

namespace {

void addType(::onnx::ValueInfoProto &value, const std::string &name, int32_t elementType,
             std::initializer_list<int64_t> dims) {
  value.set_name(name);
  auto *tensor = value.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(elementType);
  for (int64_t dim : dims)
    tensor->mutable_shape()->add_dim()->set_dim_value(dim);
}

::onnx::NodeProto *addNode(google::protobuf::RepeatedPtrField<::onnx::NodeProto> &nodes,
                           const std::string &type, std::initializer_list<std::string> inputs,
                           const std::string &output) {
  ::onnx::NodeProto *node = nodes.Add();
  node->set_op_type(type);
  node->set_name(type + "_" + output);
  for (const std::string &input : inputs)
    node->add_input(input);
  node->add_output(output);
  return node;
}

void addGraph(::onnx::NodeProto &node, const std::string &attribute, const std::string &output) {
  auto *branch = node.add_attribute();
  branch->set_name(attribute);
  branch->set_type(::onnx::AttributeProto::GRAPH);
  branch->mutable_g()->set_name(attribute);
  addNode(*branch->mutable_g()->mutable_node(), "Neg", {"h"}, output);
  branch->mutable_g()->add_output()->set_name(output);
}

/// A bit of everything: a large and a small weight, a constant, a branch, a function.
std::string makeModel(int64_t opset) {
  ::onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(opset);
  auto *local = model.add_opset_import();
  local->set_domain("local");
  local->set_version(1);
  ::onnx::GraphProto &graph = *model.mutable_graph();
  graph.set_name("g");
  addType(*graph.add_input(), "x", ::onnx::TensorProto::FLOAT, {2, 16});
  addType(*graph.add_input(), "c", ::onnx::TensorProto::BOOL, {});
  addType(*graph.add_output(), "y", ::onnx::TensorProto::FLOAT, {2, 16});
  auto *large = graph.add_initializer();
  large->set_name("w");
  large->set_data_type(::onnx::TensorProto::INT32);
  large->add_dims(16);
  large->add_dims(17);
  for (int i = 0; i < 16 * 17; ++i)
    large->add_int32_data(i);
  auto *small = graph.add_initializer();
  small->set_name("b");
  small->set_data_type(::onnx::TensorProto::FLOAT);
  small->add_dims(2);
  small->set_raw_data(std::string("\0\0\x80\x3f\0\0\0\x40", 8));
  auto *value = addNode(*graph.mutable_node(), "Constant", {}, "k")->add_attribute();
  value->set_name("value");
  value->set_type(::onnx::AttributeProto::TENSOR);
  *value->mutable_t() = *small;
  addNode(*graph.mutable_node(), "Add", {"x", "k"}, "h");
  auto *branch = addNode(*graph.mutable_node(), "If", {"c"}, "i");
  addGraph(*branch, "then_branch", "t");
  addGraph(*branch, "else_branch", "e");
  addNode(*graph.mutable_node(), "Gather", {"w", "b"}, "unused");
  addNode(*graph.mutable_node(), "f", {"i"}, "y")->set_domain("local");
  ::onnx::FunctionProto &function = *model.add_functions();
  function.set_domain("local");
  function.set_name("f");
  function.add_input("a");
  function.add_output("r");
  function.add_opset_import()->set_version(opset);
  auto *axis = addNode(*function.mutable_node(), "Softmax", {"a"}, "r")->add_attribute();
  axis->set_name("axis");
  axis->set_type(::onnx::AttributeProto::INT);
  axis->set_i(1);
  return model.SerializeAsString();
}

class ImportRobustness : public ::testing::TestWithParam<int64_t> {
protected:
  ImportRobustness() {
    context.disableMultithreading();
    context.getDiagEngine().registerHandler([&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
        ++errors;
    });
  }

  /// Whether there is a module; if not, there was an error.
  bool import(const std::string &bytes) {
    errors = 0;
    // A new file each time: file systems flush one that is overwritten.
    std::string path = folder.write(std::to_string(numFiles++) + ".onnx", bytes);
    OwningOpRef<ModuleOp> module = importOnnx(context, path, {});
    std::filesystem::remove(path);
    if (!module) {
      EXPECT_GT(errors, 0);
      return false;
    }
    EXPECT_TRUE(succeeded(verify(*module)));
    EXPECT_EQ(errors, 0);
    return true;
  }

  test::TemporaryFolder folder;
  MLIRContext context;
  int errors = 0, numFiles = 0;
};

TEST_P(ImportRobustness, Whole) { EXPECT_TRUE(import(makeModel(GetParam()))); }

TEST_P(ImportRobustness, CutAtEveryByte) {
  const std::string model = makeModel(GetParam());
  for (size_t size = 0; size < model.size(); ++size) {
    SCOPED_TRACE(size);
    // What is left may be a whole message; the last field is the operator sets'.
    import(model.substr(0, size));
  }
}

TEST_P(ImportRobustness, BitsFlipped) {
  const std::string model = makeModel(GetParam());
  for (size_t byte = 0; byte < model.size(); ++byte)
    for (int bit = byte % 3; bit < 8; bit += 3) {
      SCOPED_TRACE(std::to_string(byte) + "." + std::to_string(bit));
      std::string broken = model;
      broken[byte] ^= static_cast<char>(1 << bit);
      import(broken);
    }
}

TEST_P(ImportRobustness, BytesReplaced) {
  const std::string model = makeModel(GetParam());
  for (size_t byte = 0; byte < model.size(); byte += 2)
    for (int value : {0x00, 0x7f, 0xff}) {
      SCOPED_TRACE(std::to_string(byte) + "=" + std::to_string(value));
      std::string broken = model;
      broken[byte] = static_cast<char>(value);
      import(broken);
    }
}

/// Opset 9 goes through the version converter.
INSTANTIATE_TEST_SUITE_P(Opsets, ImportRobustness, ::testing::Values(21, 9),
                         [](const auto &info) { return "Opset" + std::to_string(info.param); });

} // namespace
