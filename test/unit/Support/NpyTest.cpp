//===- NpyTest.cpp - Arrays in NumPy's .npy format
//-------------------------------------------------===//
#include "moec/Support/Npy.h"
#include "test/unit/Errors.h"

#include "llvm/Support/Endian.h"

#include "gtest/gtest.h"

using namespace llvm;
using namespace moec;

namespace {

/// A header of version 1 (or 2) around the text.
std::string makeHeader(StringRef text, int version = 1) {
  std::string result = "\x93NUMPY";
  result += char(version);
  result += '\0';
  char length[4];
  support::endian::write32le(length, uint32_t(text.size()));
  result.append(length, version == 1 ? 2 : 4);
  return result + text.str();
}

/// The message when the text is parsed as a header.
std::string headerError(StringRef text) { return errorOf(parseNpyHeader(makeHeader(text))); }

TEST(NpyHeader, readsWhatNumpyWrites) {
  Expected<NpyHeader> header = parseNpyHeader(
      makeHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }          \n"));
  ASSERT_TRUE(bool(header)) << toString(header.takeError());
  EXPECT_EQ(header->kind, NpyKind::Float32);
  EXPECT_EQ(header->shape, (SmallVector<int64_t, 4>{3, 4}));
  EXPECT_FALSE(header->fortranOrder);
  EXPECT_EQ(header->numBytes(), 48);
}

TEST(NpyHeader, readsScalarsStringsAndVersion2) {
  Expected<NpyHeader> scalar =
      parseNpyHeader(makeHeader("{'descr': '|b1', 'fortran_order': True, 'shape': ()}", 2));
  ASSERT_TRUE(bool(scalar)) << toString(scalar.takeError());
  EXPECT_EQ(scalar->kind, NpyKind::Bool);
  EXPECT_TRUE(scalar->fortranOrder);
  EXPECT_EQ(scalar->numElements(), 1);

  Expected<NpyHeader> strings =
      parseNpyHeader(makeHeader("{\"descr\":\"<U7\",\"fortran_order\":False,\"shape\":(2,)}"));
  ASSERT_TRUE(bool(strings)) << toString(strings.takeError());
  EXPECT_EQ(strings->kind, NpyKind::Unicode);
  EXPECT_EQ(strings->numBytes(), 56);
}

TEST(NpyHeader, writesWhatItReads) {
  const SmallVector<int64_t, 4> shapes[] = {{}, {0}, {5}, {2, 3}, {1, 0, 7}};
  for (const SmallVector<int64_t, 4> &shape : shapes)
    for (int kind = int(NpyKind::Bool); kind <= int(NpyKind::Unicode); ++kind) {
      NpyHeader header;
      header.kind = NpyKind(kind);
      header.elementSize = npyElementSize(header.kind);
      header.shape = shape;
      std::string bytes = writeNpyHeader(header);
      EXPECT_EQ(bytes.size() % 64, 0u);
      Expected<NpyHeader> back = parseNpyHeader(bytes);
      ASSERT_TRUE(bool(back)) << toString(back.takeError());
      EXPECT_EQ(back->kind, header.kind);
      EXPECT_EQ(back->shape, header.shape);
      EXPECT_EQ(back->elementSize, header.elementSize);
      EXPECT_EQ(cantFail(npyDataOffset(bytes)), int64_t(bytes.size()));
    }
}

TEST(NpyHeader, refusesOtherTypes) {
  EXPECT_EQ(headerError("{'descr': '>f4', 'fortran_order': False, 'shape': ()}"),
            "big-endian type '>f4' is not supported");
  EXPECT_EQ(headerError("{'descr': '<c8', 'fortran_order': False, 'shape': ()}"),
            "type '<c8' is not supported; bool, integer, float16 to float64 and str are");
  EXPECT_EQ(headerError("{'descr': '|O', 'fortran_order': False, 'shape': ()}"),
            "type '|O' is not supported; bool, integer, float16 to float64 and str are");
  EXPECT_EQ(headerError("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}"),
            "structured arrays are not supported");
}

TEST(NpyHeader, refusesHostileSizes) {
  EXPECT_EQ(
      headerError("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}"),
      "the array is larger than 1024 GiB");
  EXPECT_EQ(headerError("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 0)}"),
            "the array is larger than 1024 GiB");
  EXPECT_EQ(headerError("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4)}"),
            "malformed .npy header: dimension '-1, 4)}'");
  EXPECT_EQ(
      headerError("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"),
      "malformed .npy header: dimension '99999999999999999999,)}'");
  EXPECT_EQ(headerError("{'descr': '<U99999999', 'fortran_order': False, 'shape': ()}"),
            "malformed .npy header: string length '99999999'");
  std::string manyDimensions = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (int i = 0; i < 33; ++i)
    manyDimensions += "1,";
  EXPECT_EQ(headerError(manyDimensions + ")}"), "malformed .npy header: more than 32 dimensions");
}

TEST(NpyHeader, refusesMalformedText) {
  for (StringRef text : {"", "{", "{}", "[]", "{'descr'}", "{'descr': '<f4'}", "{'descr': '<f4",
                         "{'shape': 3}", "{'descr': '<f4', 'fortran_order': 0, 'shape': ()}",
                         "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
                         "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}",
                         "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'more': 1}",
                         "{'descr': '<f4', 'fortran_order': False, 'shape': ()} trailing"})
    EXPECT_NE(headerError(text), "") << text.str();
}

TEST(NpyHeader, refusesTruncationAnywhere) {
  std::string whole = makeHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }\n");
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(errorOf(parseNpyHeader(StringRef(whole).take_front(size))), "") << size;
  EXPECT_NE(errorOf(parseNpyHeader(makeHeader(std::string(1 << 17, ' '), 2))), "");
  EXPECT_NE(errorOf(parseNpyHeader(makeHeader("{}", 9))), "");
}

TEST(NpyArray, turnsFortranOrderAround) {
  NpyHeader header;
  header.kind = NpyKind::Int16;
  header.elementSize = 2;
  header.fortranOrder = true;
  header.shape = {2, 3, 2};
  Expected<NpyArray> array = NpyArray::allocate(header);
  ASSERT_TRUE(bool(array));
  // Element (i, j, k) is 100 i + 10 j + k; i runs fastest in the file.
  auto *data = reinterpret_cast<int16_t *>(array->data());
  for (int k = 0; k < 2; ++k)
    for (int j = 0; j < 3; ++j)
      for (int i = 0; i < 2; ++i)
        *data++ = int16_t(100 * i + 10 * j + k);
  ASSERT_EQ(errorOf(array->normalize()), "");
  std::vector<int16_t> expected = {0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121};
  EXPECT_EQ(array->elements<int16_t>().vec(), expected);
  EXPECT_EQ(array->integerAt(7), 101);
}

TEST(NpyArray, makesBooleansZeroOrOne) {
  NpyHeader header;
  header.kind = NpyKind::Bool;
  header.elementSize = 1;
  header.shape = {3};
  Expected<NpyArray> array = NpyArray::allocate(header);
  ASSERT_TRUE(bool(array));
  array->data()[0] = 0;
  array->data()[1] = 1;
  array->data()[2] = char(0x80);
  ASSERT_EQ(errorOf(array->normalize()), "");
  EXPECT_EQ(array->elements<uint8_t>().vec(), (std::vector<uint8_t>{0, 1, 1}));
}

TEST(NpyArray, givesStringsAsUtf8) {
  NpyHeader header;
  header.kind = NpyKind::Unicode;
  header.elementSize = 12;
  header.shape = {2};
  Expected<NpyArray> array = NpyArray::allocate(header);
  ASSERT_TRUE(bool(array));
  const uint32_t points[] = {'a', 0x20ac, 0x1f642, 0xd800, 0, 'x'};
  for (size_t i = 0; i < 6; ++i)
    support::endian::write32le(array->data() + 4 * i, points[i]);
  EXPECT_EQ(array->stringAt(0), "a\u20ac\U0001f642");
  EXPECT_EQ(array->stringAt(1), "\ufffd"); // a lone surrogate, then the padding
}

} // namespace
