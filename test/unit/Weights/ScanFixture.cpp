#include "ScanFixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sys/mman.h>
#include <unistd.h>

using namespace moec;
using ::onnx::TensorProto;

uint32_t test::addContents(WeightStore &store, llvm::StringRef contents) {
  const int file = memfd_create("model", MFD_CLOEXEC);
  EXPECT_GE(file, 0);
  EXPECT_EQ(write(file, contents.data(), contents.size()), ssize_t(contents.size()));
  llvm::Expected<uint32_t> number = store.addOpenFile(file, "/model.onnx");
  close(file);
  EXPECT_TRUE(bool(number)) << llvm::toString(number.takeError());
  return *number;
}

test::Scanned test::scan(llvm::StringRef model, OnnxWireLimits limits) {
  Scanned result;
  llvm::Expected<OnnxSkeleton> skeleton =
      scanOnnxModel(*result.store, addContents(*result.store, model), limits);
  if (skeleton)
    result.skeleton = std::move(*skeleton);
  else
    result.error = llvm::toString(skeleton.takeError());
  return result;
}

namespace {

/// Walks the messages (the classes are lite ones, without reflection).
struct TensorVisitor {
  const std::function<void(TensorProto &)> &visit;

  void walk(::onnx::SparseTensorProto &sparse) {
    if (sparse.has_values())
      visit(*sparse.mutable_values());
    if (sparse.has_indices())
      visit(*sparse.mutable_indices());
  }
  void walk(::onnx::AttributeProto &attribute) {
    if (attribute.has_t())
      visit(*attribute.mutable_t());
    for (TensorProto &tensor : *attribute.mutable_tensors())
      visit(tensor);
    if (attribute.has_sparse_tensor())
      walk(*attribute.mutable_sparse_tensor());
    walkAll(*attribute.mutable_sparse_tensors());
    if (attribute.has_g())
      walk(*attribute.mutable_g());
    walkAll(*attribute.mutable_graphs());
  }
  void walk(::onnx::NodeProto &node) { walkAll(*node.mutable_attribute()); }
  void walk(::onnx::GraphProto &graph) {
    for (TensorProto &tensor : *graph.mutable_initializer())
      visit(tensor);
    walkAll(*graph.mutable_sparse_initializer());
    walkAll(*graph.mutable_node());
  }
  void walk(::onnx::FunctionProto &function) {
    walkAll(*function.mutable_node());
    walkAll(*function.mutable_attribute_proto());
  }
  void walk(::onnx::TrainingInfoProto &training) {
    if (training.has_initialization())
      walk(*training.mutable_initialization());
    if (training.has_algorithm())
      walk(*training.mutable_algorithm());
  }
  template <typename Messages>
  void walkAll(Messages &messages) {
    for (auto &message : messages)
      walk(message);
  }
};

} // namespace

void test::forEachTensor(::onnx::ModelProto &model,
                         const std::function<void(TensorProto &)> &visit) {
  TensorVisitor visitor{visit};
  if (model.has_graph())
    visitor.walk(*model.mutable_graph());
  visitor.walkAll(*model.mutable_functions());
  visitor.walkAll(*model.mutable_training_info());
}

namespace {

template <typename T, typename Numbers>
std::string encode(const Numbers &numbers) {
  std::string raw;
  for (auto number : numbers) {
    const T element = static_cast<T>(number);
    raw.append(reinterpret_cast<const char *>(&element), sizeof(T));
  }
  return raw;
}

std::string encodeInt32Data(const TensorProto &tensor) {
  switch (tensor.data_type()) {
  case TensorProto::INT32:
    return encode<int32_t>(tensor.int32_data());
  case TensorProto::INT16:
  case TensorProto::UINT16:
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
    return encode<int16_t>(tensor.int32_data());
  case TensorProto::FLOAT6E2M3:
  case TensorProto::FLOAT6E3M2: {
    std::vector<bool> bits;
    for (int32_t number : tensor.int32_data())
      for (int i = 0; i < 6; ++i)
        bits.push_back(number >> i & 1);
    std::string raw((bits.size() + 7) / 8, '\0');
    for (size_t i = 0; i < bits.size(); ++i)
      raw[i / 8] = static_cast<char>(raw[i / 8] | bits[i] << i % 8);
    return raw;
  }
  default:
    return encode<int8_t>(tensor.int32_data());
  }
}

/// Replaces the skeleton's references by what they refer to; says for each tensor whether it was
/// one.
void putBack(const test::Scanned &scanned, ::onnx::ModelProto &model,
             std::vector<bool> &isExtracted) {
  test::forEachTensor(model, [&](TensorProto &tensor) {
    isExtracted.push_back(false);
    if (tensor.external_data_size() != 1)
      return;
    std::optional<uint32_t> index = scanned.skeleton->payloadIndex(tensor.external_data(0).value());
    if (!index)
      return;
    EXPECT_EQ(tensor.data_location(), TensorProto::EXTERNAL);
    EXPECT_EQ(tensor.external_data(0).key(), "location");
    auto bytes = scanned.store->bytes(scanned.skeleton->payloads[*index].range);
    ASSERT_TRUE(bool(bytes)) << llvm::toString(bytes.takeError());
    isExtracted.back() = true;
    tensor.clear_external_data();
    tensor.clear_data_location();
    tensor.set_raw_data(bytes->data(), bytes->size());
  });
}

} // namespace

void test::makeRaw(TensorProto &tensor) {
  std::string raw = tensor.has_raw_data() ? tensor.raw_data() : "";
  if (tensor.float_data_size())
    raw = encode<float>(tensor.float_data());
  else if (tensor.double_data_size())
    raw = encode<double>(tensor.double_data());
  else if (tensor.int64_data_size())
    raw = encode<int64_t>(tensor.int64_data());
  else if (tensor.uint64_data_size())
    raw = tensor.data_type() == TensorProto::UINT32 ? encode<uint32_t>(tensor.uint64_data())
                                                    : encode<uint64_t>(tensor.uint64_data());
  else if (tensor.int32_data_size())
    raw = encodeInt32Data(tensor);
  tensor.clear_float_data();
  tensor.clear_double_data();
  tensor.clear_int32_data();
  tensor.clear_int64_data();
  tensor.clear_uint64_data();
  tensor.set_raw_data(raw);
}

std::string test::compareWithParser(llvm::StringRef bytes, const Scanned &scanned) {
  ::onnx::ModelProto model, skeleton;
  if (!model.ParseFromArray(bytes.data(), bytes.size()))
    return "";
  if (!skeleton.ParseFromString(scanned.skeleton->bytes))
    return "protobuf parses the model but not its skeleton";
  std::vector<bool> isExtracted;
  putBack(scanned, skeleton, isExtracted);
  size_t number = 0;
  forEachTensor(model, [&](TensorProto &tensor) {
    if (number < isExtracted.size() && isExtracted[number]) {
      makeRaw(tensor);
      tensor.clear_data_location();
    }
    ++number;
  });
  if (number != isExtracted.size())
    return "the model and the skeleton have different numbers of tensors";
  const std::string expected = model.SerializeAsString(), found = skeleton.SerializeAsString();
  const auto [difference, _] =
      std::mismatch(expected.begin(), expected.end(), found.begin(), found.end());
  if (expected == found)
    return "";
  return "the models differ from byte " + std::to_string(difference - expected.begin()) + " of " +
         std::to_string(expected.size()) + " on";
}
