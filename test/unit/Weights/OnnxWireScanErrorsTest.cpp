#include "ScanFixture.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

using namespace moec;
using namespace moec::test;
using ::onnx::ModelProto;
using ::onnx::TensorProto;

namespace {

std::string varint(uint64_t value) {
  std::string result;
  for (; value >= 0x80; value >>= 7)
    result.push_back(static_cast<char>(value | 0x80));
  result.push_back(static_cast<char>(value));
  return result;
}

std::string bytesField(uint32_t number, const std::string &contents) {
  return varint(number << 3 | 2) + varint(contents.size()) + contents;
}

std::string withInitializer(const std::string &tensor) {
  return bytesField(7, bytesField(5, tensor));
}

std::string scanError(const std::string &model, OnnxWireLimits limits = {}) {
  limits.maxInlineBytes = 16;
  const Scanned scanned = scan(model, limits);
  EXPECT_FALSE(scanned.skeleton);
  return scanned.error;
}

/// The error for an initializer of 40 uint8 that was changed.
std::string tensorError(const std::function<void(TensorProto &)> &change) {
  ModelProto model;
  TensorProto &tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name("w");
  tensor.add_dims(40);
  tensor.set_data_type(TensorProto::UINT8);
  tensor.set_raw_data(std::string(40, 'x'));
  change(tensor);
  return scanError(model.SerializeAsString());
}

#define EXPECT_ERROR(error, part) EXPECT_NE((error).find(part), std::string::npos) << (error)

TEST(OnnxWireScanErrors, BrokenFields) {
  EXPECT_EQ(scanError("\x3a\x05"), "at byte 0: a field goes beyond the end of its message");
  EXPECT_EQ(scanError("\x08\x01\x3a\x02\x2a\x01"),
            "at byte 4: a field goes beyond the end of its message");
  EXPECT_EQ(scanError(std::string("\x00", 1)), "at byte 0: a field has the number 0");
  EXPECT_EQ(scanError("\x0b"), "at byte 0: a field is a group, which ONNX does not use");
  EXPECT_EQ(scanError("\x08\x01\x0c"), "at byte 2: a field is a group, which ONNX does not use");
  EXPECT_EQ(scanError("\x0e"), "at byte 0: a field has a wire type that does not exist");
  EXPECT_EQ(scanError("\x08\xff"), "at byte 0: a varint is too long or does not end");
  EXPECT_EQ(scanError("\x08" + std::string(10, '\xff') + "\x01"),
            "at byte 0: a varint is too long or does not end");
  // A varint of 70 bits in ten bytes.
  EXPECT_EQ(scanError("\x08" + std::string(9, '\xff') + "\x02"),
            "at byte 0: a varint is too long or does not end");
  EXPECT_EQ(scanError("\x3a" + std::string(9, '\xff') + "\x01"),
            "at byte 0: a field goes beyond the end of its message");
  EXPECT_EQ(scanError(std::string(5, '\xff') + "\x01"),
            "at byte 0: the tag of a field is no 32-bit number");
  EXPECT_EQ(scanError("\x09\x01"), "at byte 0: a field goes beyond the end of its message");
}

TEST(OnnxWireScanErrors, SizesThatDoNotAgree) {
  EXPECT_EQ(tensorError([](TensorProto &tensor) { tensor.set_dims(0, 41); }),
            "at byte 4: tensor 'w' has 40 bytes in raw_data, but its shape of 41 elements of uint8 "
            "needs 41");
  EXPECT_ERROR(tensorError([](TensorProto &tensor) { tensor.set_dims(0, 39); }), "needs 39");
  EXPECT_ERROR(tensorError([](TensorProto &tensor) { tensor.set_dims(0, 0); }), "needs 0");
  EXPECT_ERROR(tensorError([](TensorProto &tensor) { tensor.clear_dims(); }), "1 elements");
  EXPECT_ERROR(tensorError([](TensorProto &tensor) { tensor.set_data_type(TensorProto::FLOAT); }),
               "40 elements of float needs 160");
  EXPECT_ERROR(tensorError([](TensorProto &tensor) { tensor.set_dims(0, -40); }),
               "has a negative size");
  EXPECT_ERROR(tensorError([](TensorProto &tensor) { tensor.add_dims(-1), tensor.add_dims(-1); }),
               "has a negative size");
  auto huge = [](TensorProto &tensor) { tensor.set_dims(0, int64_t(1) << 62), tensor.add_dims(8); };
  EXPECT_ERROR(tensorError(huge), "more elements than can be counted");
  // 2^61 elements are countable, their bits are not.
  auto bits = [](TensorProto &tensor) { tensor.set_dims(0, int64_t(1) << 61); };
  EXPECT_ERROR(tensorError(bits), "more elements than can be counted");
  auto wraps = [](TensorProto &tensor) {
    tensor.set_dims(0, int64_t(1) << 32), tensor.add_dims(int64_t(1) << 32);
  };
  EXPECT_ERROR(tensorError(wraps), "more elements than can be counted");
  auto zero = [&](TensorProto &tensor) { huge(tensor), tensor.add_dims(0); };
  EXPECT_ERROR(tensorError(zero), "needs 0");
  auto typed = [](TensorProto &tensor) {
    tensor.clear_raw_data();
    tensor.set_data_type(TensorProto::INT64);
    for (int i = 0; i < 39; ++i)
      tensor.add_int64_data(i);
  };
  EXPECT_ERROR(tensorError(typed), "has 312 bytes in int64_data");
  // 3 and 4 floats of 6 bits take as many bytes, but the entries are counted.
  auto six = [](TensorProto &tensor) {
    tensor.clear_raw_data();
    tensor.set_data_type(TensorProto::FLOAT6E2M3);
    for (int i = 0; i < 39; ++i)
      tensor.add_int32_data(i);
  };
  EXPECT_ERROR(tensorError(six), "int32_data");
}

TEST(OnnxWireScanErrors, DataInSeveralPlaces) {
  EXPECT_EQ(tensorError([](TensorProto &tensor) { tensor.add_float_data(1); }),
            "at byte 4: tensor 'w' has both raw_data and float_data");
  EXPECT_EQ(tensorError([](TensorProto &tensor) {
              tensor.clear_raw_data();
              tensor.add_int64_data(1);
              tensor.add_uint64_data(1);
            }),
            "at byte 4: tensor 'w' has both int64_data and uint64_data");
  auto location = [](TensorProto &tensor) { tensor.set_data_location(TensorProto::EXTERNAL); };
  EXPECT_EQ(tensorError(location), "at byte 4: tensor 'w' has both raw_data and external data");
  auto entry = [](TensorProto &tensor) { tensor.add_external_data()->set_key("location"); };
  EXPECT_EQ(tensorError(entry), "at byte 4: tensor 'w' has both raw_data and external data");
  const std::string raw = bytesField(9, std::string(40, 'x'));
  EXPECT_EQ(scanError(withInitializer("\x08\x28\x10\x02" + raw + raw)),
            "at byte 50: tensor '' has raw_data twice");
}

TEST(OnnxWireScanErrors, TensorsInParts) {
  const std::string tensor = bytesField(8, "w");
  for (const std::string &attribute :
       {bytesField(5, tensor) + bytesField(5, tensor), bytesField(22, "") + bytesField(22, ""),
        bytesField(22, bytesField(1, tensor) + bytesField(1, tensor)),
        bytesField(23, bytesField(2, tensor) + bytesField(2, tensor))})
    EXPECT_ERROR(scanError(bytesField(7, bytesField(1, bytesField(5, attribute)))),
                 "occurs twice, expected one tensor");
  // Repeated fields are no parts.
  for (uint32_t field : {10, 23})
    EXPECT_TRUE(scan(bytesField(7, bytesField(1, bytesField(5, bytesField(field, "") +
                                                                   bytesField(field, "")))))
                    .skeleton);
}

TEST(OnnxWireScanErrors, TypesAndFieldsThatDoNotAgree) {
  EXPECT_EQ(tensorError([](TensorProto &tensor) { tensor.clear_data_type(); }),
            "at byte 4: tensor 'w' has the element type 0, which ONNX does not define");
  EXPECT_ERROR(tensorError([](TensorProto &tensor) { tensor.set_data_type(29); }),
               "has the element type 29");
  EXPECT_ERROR(tensorError([](TensorProto &tensor) { tensor.set_data_type(-1); }),
               "has the element type 4294967295");
  auto half = [](TensorProto &tensor) {
    tensor.clear_raw_data();
    tensor.set_data_type(TensorProto::FLOAT16);
    for (int i = 0; i < 40; ++i)
      tensor.add_float_data(i);
  };
  EXPECT_ERROR(tensorError(half),
               "has elements of float16 in float_data, expected raw_data or int32_data");
  EXPECT_ERROR(tensorError([](TensorProto &tensor) { tensor.mutable_segment(); }),
               "is a segment of a tensor");
}

TEST(OnnxWireScanErrors, ElementsThatDoNotFit) {
  struct {
    TensorProto::DataType type;
    int64_t good, bad;
  } const cases[] = {
      {TensorProto::UINT8, 255, 256},       {TensorProto::INT8, -128, -129},
      {TensorProto::UINT16, 65535, 65536},  {TensorProto::INT16, -32768, -32769},
      {TensorProto::FLOAT16, 65535, 65536}, {TensorProto::BOOL, 1, 2},
      {TensorProto::BOOL, 0, -1},           {TensorProto::UINT4, 255, 256},
      {TensorProto::FLOAT6E2M3, 63, 64},    {TensorProto::FLOAT6E3M2, 0, -1},
  };
  for (const auto &test : cases) {
    auto with = [&](int64_t last) {
      return [&, last](TensorProto &tensor) {
        tensor.clear_raw_data();
        tensor.set_data_type(test.type);
        tensor.set_dims(0, test.type == TensorProto::UINT4 ? 80 : 40);
        for (int i = 0; i < 39; ++i)
          tensor.add_int32_data(1);
        tensor.add_int32_data(static_cast<int32_t>(last));
      };
    };
    ModelProto good;
    TensorProto &tensor = *good.mutable_graph()->add_initializer();
    tensor.add_dims(0);
    with(test.good)(tensor);
    OnnxWireLimits limits;
    limits.maxInlineBytes = 16;
    EXPECT_TRUE(scan(good.SerializeAsString(), limits).skeleton);
    EXPECT_ERROR(tensorError(with(test.bad)),
                 "has " + std::to_string(test.bad) + " as entry 39 of int32_data");
  }
  auto wide = [](TensorProto &tensor) {
    tensor.clear_raw_data();
    tensor.set_data_type(TensorProto::UINT32);
    for (int i = 0; i < 40; ++i)
      tensor.add_uint64_data(uint64_t(i) << 27);
  };
  EXPECT_ERROR(tensorError(wide), "which is no uint32");
}

TEST(OnnxWireScanErrors, BrokenPackedData) {
  const std::string ones(39, '\x01');
  EXPECT_ERROR(scanError(withInitializer("\x08\x28\x10\x06" + bytesField(5, ones + "\x81"))),
               "int32_data that does not end with a varint");
  EXPECT_ERROR(scanError(withInitializer("\x08\x28\x10\x06" +
                                         bytesField(5, ones + std::string(10, '\x81') + "\x01"))),
               "varint of over 64 bits");
  EXPECT_ERROR(scanError(withInitializer("\x08\x0a\x10\x01" + bytesField(4, ones))),
               "of 39 bytes, expected a multiple of 4");
  EXPECT_ERROR(scanError(withInitializer("\x08\x0a\x10\x0b" + bytesField(10, ones))),
               "of 39 bytes, expected a multiple of 8");
  EXPECT_ERROR(scanError(withInitializer(bytesField(1, "\x80"))), "dims that are no varints");
}

TEST(OnnxWireScanErrors, NamesAreQuoted) {
  EXPECT_ERROR(tensorError([](TensorProto &tensor) {
                 tensor.set_name(std::string("a\n\0\x1b[31m", 8));
                 tensor.set_dims(0, 41);
               }),
               "tensor 'a\\0A\\00\\1B[31m'");
  const std::string error = tensorError([](TensorProto &tensor) {
    tensor.set_name(std::string(100000, 'n'));
    tensor.set_dims(0, 41);
  });
  EXPECT_LT(error.size(), 500u);
}

// --- Limits
// -------------------------------------------------------------------------------------------

/// A graph in an attribute in a node in a graph … `depth` messages below the model.
std::string nested(unsigned depth) {
  std::string message;
  for (; depth > 0; --depth) {
    const unsigned kind = depth % 3; // 1: a graph, 2: a node, 0: an attribute
    message = bytesField(depth == 1 ? 7 : kind == 1 ? 6 : kind == 2 ? 1 : 5, message);
  }
  return message;
}

TEST(OnnxWireScanErrors, Depth) {
  for (unsigned depth : {1, 99, 100, 101, 102}) {
    // As protobuf counts.
    const std::string model = nested(depth);
    google::protobuf::io::ArrayInputStream array(model.data(), model.size());
    google::protobuf::io::CodedInputStream stream(&array);
    stream.SetRecursionLimit(100);
    EXPECT_EQ(ModelProto().ParseFromCodedStream(&stream), depth <= 100) << depth;
    EXPECT_EQ(scan(model).skeleton.has_value(), depth <= 100) << depth;
  }
  EXPECT_ERROR(scanError(nested(101)), "messages are nested deeper than 100");
  EXPECT_ERROR(scanError(nested(3000)), "messages are nested deeper than 100");
  OnnxWireLimits limits;
  limits.maxDepth = 3000;
  EXPECT_TRUE(scan(nested(3000), limits).skeleton);
}

TEST(OnnxWireScanErrors, Sizes) {
  ModelProto model;
  for (int i = 0; i < 5; ++i)
    model.mutable_graph()->add_node();
  const std::string bytes = model.SerializeAsString();
  OnnxWireLimits limits;
  limits.maxNodes = 5;
  limits.maxBytes = bytes.size();
  EXPECT_TRUE(scan(bytes, limits).skeleton);
  limits.maxNodes = 4;
  EXPECT_EQ(scanError(bytes, limits), "at byte 10: the model has more than 4 nodes");
  limits.maxBytes = bytes.size() - 1;
  EXPECT_EQ(scanError(bytes, limits), "the file has 12 bytes, the limit is 11");
}

} // namespace
