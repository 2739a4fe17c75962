//===- TensorProtoTest.cpp - Tensors to and from messages
//------------------------------------------===//
#include "dialects/ONNX/TensorProto.h"
#include "dialects/ONNX/ONNXOps.h"

#include "mlir/AsmParser/AsmParser.h"
#include "onnx/onnx_pb.h"
#include "gtest/gtest.h"

using namespace mlir;
using ::onnx::TensorProto;

namespace {

class TensorProtoTest : public testing::Test {
protected:
  TensorProtoTest() { context.loadDialect<moec::onnx::ONNXDialect>(); }

  std::string toText(llvm::Expected<DenseElementsAttr> tensor) {
    if (!tensor)
      return "error: " + llvm::toString(tensor.takeError());
    std::string text;
    llvm::raw_string_ostream(text) << *tensor;
    return text;
  }
  TensorProto make(int32_t type, std::initializer_list<int64_t> dims) {
    TensorProto tensor;
    tensor.set_name("t");
    tensor.set_data_type(type);
    for (int64_t dim : dims)
      tensor.add_dims(dim);
    return tensor;
  }

  MLIRContext context;
};

TEST_F(TensorProtoTest, RoundTrips) {
  for (const char *text :
       {"dense<[1.5, -2.0]> : tensor<2xf32>", "dense<3.0> : tensor<4xf64>",
        "dense<[[1.0], [0.5]]> : tensor<2x1xf16>", "dense<[1.0, 2.0]> : tensor<2xbf16>",
        "dense<[true, false, true]> : tensor<3xi1>", "dense<true> : tensor<3xi1>",
        "dense<[-8, 7, 1]> : tensor<3xi4>", "dense<[15, 0, 9]> : tensor<3xui4>",
        "dense<[-1, 1]> : tensor<2xi2>", "dense<[-128, 127]> : tensor<2xi8>",
        "dense<[0, 255]> : tensor<2xui8>", "dense<[-1, 9223372036854775807]> : tensor<2xi64>",
        "dense<18446744073709551615> : tensor<ui64>", "dense<> : tensor<0x3xi32>",
        "dense<[1.0, -0.5]> : tensor<2xf8E4M3FN>", "dense<[1.0, 6.0, 0.5]> : tensor<3xf4E2M1FN>"}) {
    auto attribute = cast<DenseElementsAttr>(parseAttribute(text, &context));
    llvm::Expected<TensorProto> tensor = moec::onnx::exportTensor(attribute);
    ASSERT_TRUE(bool(tensor)) << text << llvm::toString(tensor.takeError());
    llvm::Expected<DenseElementsAttr> back = moec::onnx::importTensor(&context, *tensor);
    ASSERT_TRUE(bool(back)) << text << llvm::toString(back.takeError());
    EXPECT_EQ(*back, attribute) << text;
  }
}

TEST_F(TensorProtoTest, ReadsTypedFields) {
  TensorProto half = make(TensorProto::FLOAT16, {2});
  half.add_int32_data(0x3c00);
  half.add_int32_data(0xc000);
  EXPECT_EQ(toText(moec::onnx::importTensor(&context, half)),
            "dense<[1.000000e+00, -2.000000e+00]> : tensor<2xf16>");
  TensorProto flags = make(TensorProto::BOOL, {2});
  flags.add_int32_data(0);
  flags.add_int32_data(1);
  EXPECT_EQ(toText(moec::onnx::importTensor(&context, flags)),
            "dense<[false, true]> : tensor<2xi1>");
  TensorProto packed = make(TensorProto::INT4, {3});
  packed.add_int32_data(0x71); // 1, 7
  packed.add_int32_data(0x0f); // -1
  EXPECT_EQ(toText(moec::onnx::importTensor(&context, packed)), "dense<[1, 7, -1]> : tensor<3xi4>");
}

TEST_F(TensorProtoTest, RefusesWhatDoesNotFit) {
  TensorProto few = make(TensorProto::FLOAT, {3});
  few.add_float_data(1);
  EXPECT_EQ(toText(moec::onnx::importTensor(&context, few)),
            "error: tensor 't' has 4 bytes, expected 12");
  TensorProto huge = make(TensorProto::FLOAT, {int64_t(1) << 40, int64_t(1) << 40});
  EXPECT_EQ(toText(moec::onnx::importTensor(&context, huge)),
            "error: tensor 't' has an impossible shape");
  // Fewer elements than 2^63, more bytes.
  TensorProto wide = make(TensorProto::DOUBLE, {int64_t(1) << 62});
  wide.set_raw_data("");
  EXPECT_EQ(toText(moec::onnx::importTensor(&context, wide)),
            "error: tensor 't' has an impossible shape");
  TensorProto negative = make(TensorProto::FLOAT, {-1});
  EXPECT_EQ(toText(moec::onnx::importTensor(&context, negative)),
            "error: tensor 't' has an impossible shape");
  TensorProto external = make(TensorProto::FLOAT, {1});
  external.set_data_location(TensorProto::EXTERNAL);
  EXPECT_EQ(toText(moec::onnx::importTensor(&context, external)),
            "error: tensor 't' is over 1 KiB or in an external file, which only weights may be");
  EXPECT_EQ(toText(moec::onnx::importTensor(&context, make(TensorProto::STRING, {1}))),
            "error: tensor 't' has element type 8, which is not supported");
}

} // namespace
