#include "moec/Weights/Panels.h"

#include "../Errors.h"
#include "gtest/gtest.h"

#include <numeric>
#include <vector>

using namespace moec;

namespace {

llvm::ArrayRef<char> bytesOf(const std::vector<float> &values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float)};
}

std::vector<float> pack(const std::vector<float> &tensor, const PanelLayout &layout) {
  std::vector<float> packed;
  llvm::Error error = packPanels(bytesOf(tensor), layout, [&](llvm::ArrayRef<char> bytes) {
    auto *values = reinterpret_cast<const float *>(bytes.data());
    packed.insert(packed.end(), values, values + bytes.size() / sizeof(float));
    return llvm::Error::success();
  });
  EXPECT_EQ(errorOf(std::move(error)), "");
  return packed;
}

/// [count, depth, columns] in a dense tensor, or [count, columns, depth] if transposed.
PanelLayout dense(int64_t count, int64_t depth, int64_t columns, int64_t panel, bool transposed) {
  PanelLayout layout;
  layout.count = count;
  layout.depth = depth;
  layout.columns = columns;
  layout.countStride = depth * columns;
  layout.depthStride = transposed ? 1 : columns;
  layout.columnStride = transposed ? depth : 1;
  layout.panel = panel;
  return layout;
}

std::vector<float> ramp(size_t size) {
  std::vector<float> values(size);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

TEST(PanelsTest, PanelByPanelRowByRow) {
  // 1 2 3      columns in twos: 1 2 / 4 5, then 3 0 / 6 0
  // 4 5 6
  EXPECT_EQ(pack(ramp(6), dense(1, 2, 3, 2, false)), (std::vector<float>{1, 2, 4, 5, 3, 0, 6, 0}));
  EXPECT_EQ(pack({1, 4, 2, 5, 3, 6}, dense(1, 2, 3, 2, true)),
            (std::vector<float>{1, 2, 4, 5, 3, 0, 6, 0}));
}

TEST(PanelsTest, UnpackUndoesPack) {
  for (bool transposed : {false, true})
    for (int64_t count : {1, 3})
      for (int64_t depth : {1, 5, 16})
        for (int64_t columns : {1, 7, 64, 65})
          for (int64_t panel : {1, 8, 64}) {
            PanelLayout layout = dense(count, depth, columns, panel, transposed);
            std::vector<float> tensor = ramp(count * depth * columns),
                               packed = pack(tensor, layout);
            ASSERT_EQ(static_cast<int64_t>(packed.size() * sizeof(float)), layout.packedSize());
            std::vector<float> again(tensor.size());
            EXPECT_EQ(errorOf(unpackPanels(
                          bytesOf(packed), layout,
                          {reinterpret_cast<char *>(again.data()), again.size() * sizeof(float)})),
                      "");
            EXPECT_EQ(again, tensor);
          }
}

/// The columns of both, side by side.
std::vector<float> packBeside(const std::vector<float> &a, const PanelLayout &aLayout,
                              const std::vector<float> &b, const PanelLayout &bLayout) {
  std::vector<float> packed;
  int64_t passed = 0;
  std::vector<PanelSource> sources;
  for (auto [tensor, layout] : {std::pair(&a, aLayout), std::pair(&b, bLayout)})
    sources.push_back({bytesOf(*tensor), layout, [&passed](int64_t, int64_t) { ++passed; }});
  EXPECT_EQ(errorOf(packPanels(sources,
                               [&](llvm::ArrayRef<char> bytes) {
                                 auto *values = reinterpret_cast<const float *>(bytes.data());
                                 packed.insert(packed.end(), values,
                                               values + bytes.size() / sizeof(float));
                                 return llvm::Error::success();
                               })),
            "");
  EXPECT_GE(passed, 2);
  return packed;
}

TEST(PanelsTest, SideBySideIsOneMatrix) {
  for (bool transposed : {false, true})
    for (int64_t count : {1, 3})
      for (int64_t depth : {1, 5})
        for (int64_t left : {1, 7, 8, 20})
          for (int64_t right : {1, 8, 13}) {
            // Both matrices, and the one of all their columns, with the same numbers.
            std::vector<float> a(count * depth * left), b(count * depth * right),
                both(count * depth * (left + right));
            PanelLayout aLayout = dense(count, depth, left, 8, transposed),
                        bLayout = dense(count, depth, right, 8, !transposed),
                        layout = dense(count, depth, left + right, 8, false);
            auto at = [](const PanelLayout &of, int64_t i, int64_t k, int64_t n) {
              return i * of.countStride + k * of.depthStride + n * of.columnStride;
            };
            for (int64_t i = 0; i < count; ++i)
              for (int64_t k = 0; k < depth; ++k)
                for (int64_t n = 0; n < left + right; ++n) {
                  float value = float(1 + n + 100 * k + 1000 * i);
                  both[at(layout, i, k, n)] = value;
                  (n < left ? a[at(aLayout, i, k, n)] : b[at(bLayout, i, k, n - left)]) = value;
                }
            EXPECT_EQ(packBeside(a, aLayout, b, bLayout), pack(both, layout))
                << left << " " << right;
          }
}

TEST(PanelsTest, SideBySideMustAgree) {
  std::vector<float> tensor = ramp(64);
  PanelLayout layout = dense(1, 4, 4, 4, false), other = layout;
  other.depth = 3;
  std::vector<PanelSource> sources(2);
  sources[0] = {bytesOf(tensor), layout, {}};
  sources[1] = {bytesOf(tensor), other, {}};
  EXPECT_EQ(
      errorOf(packPanels(sources, [](llvm::ArrayRef<char>) { return llvm::Error::success(); })),
      "panel layouts side by side differ in more than their columns");
}

TEST(PanelsTest, PartOfATensor) {
  // Columns 1 and 2 of the second matrix of [2, 2, 3].
  PanelLayout layout = dense(1, 2, 2, 2, false);
  layout.offset = 6 + 1;
  layout.depthStride = 3;
  EXPECT_EQ(pack(ramp(12), layout), (std::vector<float>{8, 9, 11, 12}));
}

TEST(PanelsTest, CodesOfAColumnShareBytes) {
  // 1 2 3   in a tensor of bytes 21 43 65, codes of 4 bits; columns in twos, two rows a byte:
  // 4 5 6   41 52 / 63 0
  PanelLayout layout = dense(1, 2, 3, 2, false);
  layout.elementSize = 1;
  layout.perByte = 2;
  std::vector<char> tensor{0x21, 0x43, 0x65}, packed;
  auto collect = [&](llvm::ArrayRef<char> bytes) {
    packed.insert(packed.end(), bytes.begin(), bytes.end());
    return llvm::Error::success();
  };
  EXPECT_EQ(errorOf(packPanels(tensor, layout, collect)), "");
  EXPECT_EQ(packed, (std::vector<char>{0x41, 0x52, 0x63, 0}));
}

TEST(PanelsTest, UnpackUndoesPackOfCodes) {
  for (int64_t perByte : {2, 4, 8})
    for (bool transposed : {false, true})
      for (int64_t count : {1, 3})
        for (int64_t depth : {1, 5, 16})
          for (int64_t columns : {1, 7, 65})
            for (int64_t offset : {0, 3}) {
              PanelLayout layout = dense(count, depth, columns, 8, transposed);
              layout.elementSize = 1;
              layout.perByte = perByte;
              layout.offset = offset;
              int64_t codes = offset + count * depth * columns;
              std::vector<char> tensor((codes + perByte - 1) / perByte), packed;
              for (auto [i, byte] : llvm::enumerate(tensor))
                byte = static_cast<char>(37 * i + 11);
              EXPECT_EQ(errorOf(packPanels(tensor, layout,
                                           [&](llvm::ArrayRef<char> bytes) {
                                             packed.insert(packed.end(), bytes.begin(),
                                                           bytes.end());
                                             return llvm::Error::success();
                                           })),
                        "");
              ASSERT_EQ(static_cast<int64_t>(packed.size()), layout.packedSize());
              // What lies before and behind stays.
              std::vector<char> again = tensor;
              unsigned bits = 8 / perByte;
              for (int64_t i = offset; i < codes; ++i)
                again[i / perByte] &= ~(((1 << bits) - 1) << (i % perByte * bits));
              EXPECT_EQ(errorOf(unpackPanels(packed, layout, again)), "");
              EXPECT_EQ(again, tensor);
            }
}

TEST(PanelsTest, WhatDoesNotFitIsRefused) {
  PanelLayout good = dense(2, 3, 4, 4, false);
  EXPECT_EQ(errorOf(good.verify(96)), "");
  EXPECT_EQ(errorOf(good.verify(95)), "a panel layout lies beyond its tensor");
  PanelLayout shifted = good;
  shifted.offset = 1;
  EXPECT_EQ(errorOf(shifted.verify(96)), "a panel layout lies beyond its tensor");
  PanelLayout negative = good;
  negative.depthStride = -1;
  EXPECT_EQ(errorOf(negative.verify(96)), "a panel layout has a negative member");
  PanelLayout huge = good;
  huge.depth = huge.count = int64_t(1) << 40;
  EXPECT_EQ(errorOf(huge.verify(96)), "a panel layout has no size");
  PanelLayout far = good;
  far.countStride = std::numeric_limits<int64_t>::max();
  far.depthStride = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(errorOf(far.verify(96)), "a panel layout lies beyond every tensor");
  PanelLayout codes = good;
  codes.elementSize = 1;
  codes.perByte = 2;
  EXPECT_EQ(errorOf(codes.verify(12)), "");
  EXPECT_EQ(errorOf(codes.verify(11)), "a panel layout lies beyond its tensor");
  codes.elementSize = 4;
  EXPECT_EQ(errorOf(codes.verify(12)),
            "a panel layout has a number of codes a byte that does not fit");
}

} // namespace
