#include "ScanFixture.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include <cstdlib>

using namespace moec;
using namespace moec::test;
using ::onnx::AttributeProto;
using ::onnx::GraphProto;
using ::onnx::ModelProto;
using ::onnx::TensorProto;

namespace {

/// A raw tensor of bytes 0, 1, 2 …
void fill(TensorProto &tensor, int size, const std::string &name) {
  tensor.set_name(name);
  tensor.add_dims(size);
  tensor.set_data_type(TensorProto::UINT8);
  for (int i = 0; i < size; ++i)
    tensor.mutable_raw_data()->push_back(static_cast<char>(i));
}

AttributeProto &addAttribute(::onnx::NodeProto &node, AttributeProto::AttributeType type) {
  AttributeProto &attribute = *node.add_attribute();
  attribute.set_name("a");
  attribute.set_type(type);
  return attribute;
}

/// Tensors in every place that a tensor can be in: each a large one, and small ones among them.
ModelProto makeModelWithTensorsEverywhere() {
  ModelProto model;
  model.set_ir_version(10);
  model.add_opset_import()->set_version(21);
  GraphProto &graph = *model.mutable_graph();
  fill(*graph.add_initializer(), 40, "initializer");
  fill(*graph.add_initializer(), 3, "small");
  fill(*graph.add_initializer(), 200, "longer");
  auto &sparse = *graph.add_sparse_initializer();
  fill(*sparse.mutable_values(), 50, "values");
  fill(*sparse.mutable_indices(), 51, "indices");
  sparse.add_dims(300);
  auto &node = *graph.add_node();
  node.set_op_type("Constant");
  node.add_output("c");
  fill(*addAttribute(node, AttributeProto::TENSOR).mutable_t(), 41, "t");
  auto &tensors = addAttribute(node, AttributeProto::TENSORS);
  fill(*tensors.add_tensors(), 42, "tensors0");
  fill(*tensors.add_tensors(), 43, "tensors1");
  fill(*addAttribute(node, AttributeProto::SPARSE_TENSOR).mutable_sparse_tensor()->mutable_values(),
       44, "sparse values");
  fill(*addAttribute(node, AttributeProto::SPARSE_TENSORS).add_sparse_tensors()->mutable_indices(),
       45, "sparse indices");
  auto &body = *addAttribute(node, AttributeProto::GRAPH).mutable_g();
  fill(*body.add_initializer(), 46, "body");
  auto &inner = *addAttribute(*body.add_node(), AttributeProto::GRAPHS).add_graphs();
  fill(*addAttribute(*inner.add_node(), AttributeProto::TENSOR).mutable_t(), 47, "inner");
  auto &function = *model.add_functions();
  fill(*addAttribute(*function.add_node(), AttributeProto::TENSOR).mutable_t(), 48, "function");
  fill(*function.add_attribute_proto()->mutable_t(), 49, "default");
  auto &training = *model.add_training_info();
  fill(*training.mutable_initialization()->add_initializer(), 52, "initialization");
  fill(*training.mutable_algorithm()->add_initializer(), 53, "algorithm");
  return model;
}

// --- Encodings by hand, for what protobuf reads but does not write
// ---------------------------------

std::string varint(uint64_t value) {
  std::string result;
  for (; value >= 0x80; value >>= 7)
    result.push_back(static_cast<char>(value | 0x80));
  result.push_back(static_cast<char>(value));
  return result;
}

std::string lengthDelimited(uint32_t number, const std::string &contents) {
  return varint(number << 3 | 2) + varint(contents.size()) + contents;
}

std::string withInitializer(const std::string &tensor) {
  return lengthDelimited(7, lengthDelimited(5, tensor));
}

std::string header(TensorProto::DataType type, uint64_t size) {
  return "\x08" + varint(size) + "\x10" + varint(type);
}

void expectSame(const std::string &model, size_t payloads, uint64_t maxInlineBytes = 16) {
  OnnxWireLimits limits;
  limits.maxInlineBytes = maxInlineBytes;
  const Scanned scanned = scan(model, limits);
  ASSERT_TRUE(scanned.skeleton) << scanned.error;
  EXPECT_EQ(scanned.skeleton->payloads.size(), payloads);
  ASSERT_TRUE(ModelProto().ParseFromString(model));
  EXPECT_EQ(compareWithParser(model, scanned), "");
}

// --- What is taken out
// ------------------------------------------------------------------------------

TEST(OnnxWireScan, FindsTensorsEverywhere) {
  const std::string model = makeModelWithTensorsEverywhere().SerializeAsString();
  expectSame(model, 15);
  OnnxWireLimits limits;
  limits.maxInlineBytes = 16;
  const Scanned scanned = scan(model, limits);
  EXPECT_EQ(scanned.skeleton->numTensors, 16u);
  EXPECT_EQ(scanned.skeleton->numNodes, 4u);
  EXPECT_FALSE(scanned.store->getSpillFile()) << "raw data stays in the file";
}

TEST(OnnxWireScan, KeepsPayloadsUpToTheLimit) {
  ModelProto model;
  fill(*model.mutable_graph()->add_initializer(), 1024, "at the limit");
  expectSame(model.SerializeAsString(), 0, 1024);
  fill(*model.mutable_graph()->add_initializer(), 1025, "above");
  expectSame(model.SerializeAsString(), 1, 1024);
}

TEST(OnnxWireScan, LeavesModelsWithoutLargeTensorsAsTheyAre) {
  const std::string model = makeModelWithTensorsEverywhere().SerializeAsString();
  const Scanned scanned = scan(model);
  ASSERT_TRUE(scanned.skeleton);
  EXPECT_EQ(scanned.skeleton->bytes, model);
  EXPECT_EQ(scan("").skeleton->bytes, "");
}

/// Lengths of enclosing messages shrink below 128 and from three bytes to one.
TEST(OnnxWireScan, CorrectsLengths) {
  for (int size : {17, 100, 127, 128, 129, 200, 16383, 16384, 70000}) {
    ModelProto model;
    model.mutable_graph()->set_name("before");
    fill(*model.mutable_graph()->add_initializer(), size, "w");
    model.mutable_graph()->add_input()->set_name("after");
    expectSame(model.SerializeAsString(), 1);
  }
}

/// Every type in its typed field, with the numbers that its writers use.
TEST(OnnxWireScan, DecodesTypedData) {
  for (int type = 1; type <= 28; ++type) {
    if (type == TensorProto::STRING)
      continue;
    SCOPED_TRACE(TensorProto::DataType_Name(type));
    ModelProto model;
    TensorProto &tensor = *model.mutable_graph()->add_initializer();
    tensor.set_data_type(type);
    int64_t elementsPerEntry = 1;
    constexpr int kEntries = 301; // no multiple of anything
    for (int i = 0; i < kEntries; ++i) {
      switch (type) {
      case TensorProto::FLOAT:
        tensor.add_float_data(i * 0.37f);
        break;
      case TensorProto::DOUBLE:
        tensor.add_double_data(i * -0.37);
        break;
      case TensorProto::COMPLEX64:
        tensor.add_float_data(i), tensor.add_float_data(-i);
        break;
      case TensorProto::COMPLEX128:
        tensor.add_double_data(i), tensor.add_double_data(-i);
        break;
      case TensorProto::INT64:
        tensor.add_int64_data(i * (i % 2 ? 0x7654321012345ll : -0x123456789abcdll));
        break;
      case TensorProto::UINT64:
        tensor.add_uint64_data(i * 0xfedcba987654321ull);
        break;
      case TensorProto::UINT32:
        tensor.add_uint64_data(i * 14000000ull);
        break;
      case TensorProto::INT32:
        tensor.add_int32_data((i - 150) * 14000000);
        break;
      case TensorProto::INT16:
        tensor.add_int32_data((i - 150) * 218);
        break;
      case TensorProto::FLOAT16:
      case TensorProto::BFLOAT16:
      case TensorProto::UINT16:
        tensor.add_int32_data(i * 217);
        break;
      case TensorProto::INT8:
        tensor.add_int32_data(i % 256 - 128);
        break;
      case TensorProto::BOOL:
        tensor.add_int32_data(i % 3 == 0);
        break;
      case TensorProto::FLOAT6E2M3:
      case TensorProto::FLOAT6E3M2:
        tensor.add_int32_data(i % 64);
        break;
      default:
        tensor.add_int32_data(i % 256);
      }
    }
    if (type == TensorProto::UINT4 || type == TensorProto::INT4 || type == TensorProto::FLOAT4E2M1)
      elementsPerEntry = 2;
    if (type == TensorProto::UINT2 || type == TensorProto::INT2)
      elementsPerEntry = 4;
    tensor.add_dims(kEntries * elementsPerEntry);
    expectSame(model.SerializeAsString(), 1);
    // The last byte holds fewer elements.
    if (elementsPerEntry > 1) {
      tensor.set_dims(0, kEntries * elementsPerEntry - 1);
      expectSame(model.SerializeAsString(), 1);
    }
  }
}

TEST(OnnxWireScan, ReadsFloatsWhereTheyAre) {
  ModelProto model;
  TensorProto &tensor = *model.mutable_graph()->add_initializer();
  tensor.set_data_type(TensorProto::FLOAT);
  tensor.add_dims(20), tensor.add_dims(20);
  for (int i = 0; i < 400; ++i)
    tensor.add_float_data(i);
  const Scanned scanned = scan(model.SerializeAsString());
  ASSERT_TRUE(scanned.skeleton) << scanned.error;
  EXPECT_FALSE(scanned.store->getSpillFile());
}

TEST(OnnxWireScan, DecodesUnpackedAndMixedFields) {
  std::string integers = header(TensorProto::INT32, 60), floats = header(TensorProto::FLOAT, 60),
              doubles = header(TensorProto::DOUBLE, 60);
  for (int i = 0; i < 20; ++i) {
    integers += "\x28" + varint(uint64_t(int64_t(-i)));
    integers += lengthDelimited(5, varint(i) + varint(i * 1000));
    const float pair[2] = {i * 0.5f, i * 1.5f};
    floats += "\x25" + std::string(reinterpret_cast<const char *>(pair), 4);
    floats += lengthDelimited(4, std::string(reinterpret_cast<const char *>(pair), 8));
    const double three[3] = {i * 0.5, i * 1.5, 1.0 / (i + 1)};
    doubles += "\x51" + std::string(reinterpret_cast<const char *>(three), 8);
    doubles += lengthDelimited(10, std::string(reinterpret_cast<const char *>(three + 1), 16));
    // Other fields between the pieces.
    integers += lengthDelimited(12, "doc"), doubles += lengthDelimited(12, "doc");
  }
  for (const std::string &tensor : {integers, floats, doubles})
    expectSame(withInitializer(tensor), 1);
}

TEST(OnnxWireScan, ReadsPackedDims) {
  const std::string tensor = lengthDelimited(1, varint(5) + varint(8)) + "\x10" +
                             varint(TensorProto::INT8) +
                             lengthDelimited(9, std::string(40, '\x11'));
  expectSame(withInitializer(tensor), 1);
}

/// Lengths with more bytes than they need.
TEST(OnnxWireScan, ReadsLongVarints) {
  auto longVarint = [](uint8_t value) {
    return std::string{static_cast<char>(value | 0x80), '\x80', '\x80', '\0'};
  };
  const std::string tensor =
      header(TensorProto::INT8, 40) + "\x4a" + longVarint(40) + std::string(40, 'x');
  expectSame(lengthDelimited(7, "\x2a" + longVarint(tensor.size()) + tensor), 1);
}

TEST(OnnxWireScan, MergesGraphsInParts) {
  const std::string tensor =
      header(TensorProto::INT8, 40) + lengthDelimited(9, std::string(40, 'x'));
  expectSame(withInitializer(tensor) + withInitializer(tensor) + lengthDelimited(2, "me"), 2);
}

TEST(OnnxWireScan, LeavesStringsAndExternalData) {
  ModelProto model;
  TensorProto &strings = *model.mutable_graph()->add_initializer();
  strings.set_data_type(TensorProto::STRING);
  strings.add_dims(1);
  strings.add_string_data(std::string(5000, 's'));
  TensorProto &external = *model.mutable_graph()->add_initializer();
  external.set_data_type(TensorProto::FLOAT);
  external.set_data_location(TensorProto::EXTERNAL);
  auto &entry = *external.add_external_data();
  entry.set_key("location"), entry.set_value("weights.bin");
  expectSame(model.SerializeAsString(), 0);
}

/// protobuf keeps fields it does not know; so does the skeleton.
TEST(OnnxWireScan, KeepsUnknownFields) {
  const std::string tensor = header(TensorProto::INT8, 40) + lengthDelimited(99, "new") +
                             lengthDelimited(9, std::string(40, 'x')) + "\x98\x06\x05";
  expectSame(withInitializer(tensor) + lengthDelimited(98, "newer"), 1);
}

TEST(OnnxWireScan, FilesCannotForgeReferences) {
  ModelProto model;
  fill(*model.mutable_graph()->add_initializer(), 2000, "w");
  const Scanned first = scan(model.SerializeAsString()), second = scan(model.SerializeAsString());
  EXPECT_NE(first.skeleton->nonce, second.skeleton->nonce);
  const std::string own = "moec:" + first.skeleton->nonce + ":0";
  EXPECT_EQ(first.skeleton->payloadIndex(own), 0u);
  EXPECT_FALSE(second.skeleton->payloadIndex(own));
  for (std::string bad : {"moec::0", "moec:0", "weights.bin", ""})
    EXPECT_FALSE(first.skeleton->payloadIndex(bad)) << bad;
  const std::string prefix = "moec:" + first.skeleton->nonce;
  for (const char *rest : {"", ":", ":1", ":-1", ":0x", ": 0", ":99999999999"})
    EXPECT_FALSE(first.skeleton->payloadIndex(prefix + rest)) << rest;
}

// --- Whatever the bytes
// -------------------------------------------------------------------------------

/// A model with a bit of everything that is read, to be damaged.
std::string makeSmallModel() {
  ModelProto model;
  model.set_producer_name("test");
  GraphProto &graph = *model.mutable_graph();
  auto &node = *graph.add_node();
  node.set_op_type("If");
  auto &body = *addAttribute(node, AttributeProto::GRAPH).mutable_g();
  fill(*addAttribute(*body.add_node(), AttributeProto::TENSOR).mutable_t(), 20, "t");
  fill(*graph.add_initializer(), 24, "w");
  auto &sparse = *graph.add_sparse_initializer();
  fill(*sparse.mutable_values(), 18, "v");
  TensorProto &integers = *graph.add_initializer();
  integers.set_data_type(TensorProto::INT16);
  integers.add_dims(3), integers.add_dims(4);
  for (int i = 0; i < 12; ++i)
    integers.add_int32_data(i * 50 - 200);
  TensorProto &floats = *graph.add_initializer();
  floats.set_data_type(TensorProto::FLOAT);
  floats.add_dims(5);
  for (int i = 0; i < 5; ++i)
    floats.add_float_data(i);
  return model.SerializeAsString() +
         withInitializer(header(TensorProto::INT64, 3) + "\x38\x01\x38\x02\x38\x83\x01");
}

TEST(OnnxWireScan, TakesEveryTruncation) {
  const std::string model = makeSmallModel();
  OnnxWireLimits limits;
  limits.maxInlineBytes = 16;
  size_t errors = 0;
  for (size_t size = 0; size <= model.size(); ++size) {
    const std::string part = model.substr(0, size);
    const Scanned scanned = scan(part, limits);
    // Cut between fields of the model it is one; else nobody must take it for one.
    EXPECT_EQ(scanned.skeleton.has_value(), ModelProto().ParseFromString(part)) << size;
    if (scanned.skeleton)
      EXPECT_EQ(compareWithParser(part, scanned), "") << size;
    errors += !scanned.skeleton;
  }
  EXPECT_GT(errors, model.size() - 10);
}

TEST(OnnxWireScan, TakesEveryBitFlip) {
  const std::string model = makeSmallModel();
  OnnxWireLimits limits;
  limits.maxInlineBytes = 16;
  size_t same = 0, stricter = 0;
  for (size_t bit = 0; bit < model.size() * 8; ++bit) {
    std::string flipped = model;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    const Scanned scanned = scan(flipped, limits);
    if (scanned.skeleton)
      EXPECT_EQ(compareWithParser(flipped, scanned), "") << "bit " << bit;
    else
      stricter += ModelProto().ParseFromString(flipped);
    same += scanned.skeleton.has_value();
  }
  // Most bits are those of names and elements.
  EXPECT_GT(same, model.size() * 4);
  EXPECT_GT(stricter, 0u);
}

/// Two flips at once reach what one cannot: lengths that agree again, other types of fields.
TEST(OnnxWireScan, TakesRandomDamage) {
  const std::string model = makeSmallModel();
  OnnxWireLimits limits;
  limits.maxInlineBytes = 16;
  uint64_t state = 1;
  auto random = [&](size_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
  };
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = model;
    for (size_t i = 0, count = 1 + random(6); i < count; ++i)
      damaged[random(damaged.size())] = static_cast<char>(random(3) ? random(32) : random(256));
    const Scanned scanned = scan(damaged, limits);
    if (scanned.skeleton)
      ASSERT_EQ(compareWithParser(damaged, scanned), "") << "round " << round;
  }
}

/// All models of a folder, with payloads of all sizes taken out.
void sweep(const std::string &folder, size_t &count) {
  std::error_code error;
  for (llvm::sys::fs::recursive_directory_iterator it(folder, error), end; it != end && !error;
       it.increment(error)) {
    if (!llvm::StringRef(it->path()).ends_with(".onnx"))
      continue;
    SCOPED_TRACE(it->path());
    auto buffer = llvm::MemoryBuffer::getFile(it->path(), false, false);
    ASSERT_TRUE(bool(buffer));
    for (uint64_t maxInlineBytes : {0, 1024}) {
      OnnxWireLimits limits;
      limits.maxInlineBytes = maxInlineBytes;
      const Scanned scanned = scan((*buffer)->getBuffer(), limits);
      ASSERT_TRUE(scanned.skeleton) << scanned.error;
      ASSERT_EQ(compareWithParser((*buffer)->getBuffer(), scanned), "");
    }
    ++count;
  }
}

TEST(OnnxWireScan, AgreesWithTheParserOnModels) {
  size_t count = 0;
  const char *source = std::getenv("MOEC_SOURCE_DIR"), *data = std::getenv("MOEC_TEST_DATA");
  if (!source)
    GTEST_SKIP() << "MOEC_SOURCE_DIR is not set (lit sets it)";
  sweep(std::string(source) + "/test/models", count);
  EXPECT_GE(count, 3u);
  if (data)
    sweep(std::string(data) + "/models", count);
}

} // namespace
