#include "moec/Weights/WeightHash.h"

#include "ScanFixture.h"

#include "llvm/ADT/StringExtras.h"
#include <gtest/gtest.h>

using namespace moec;
using namespace moec::test;

namespace {

std::string hex(llvm::Expected<Sha256Digest> digest) {
  return digest ? llvm::toHex(*digest, /*LowerCase=*/true) : llvm::toString(digest.takeError());
}

// printf abc | sha256sum, and so on.
constexpr const char *kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char *kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(WeightHash, Ranges) {
  WeightStore store;
  const uint32_t file = addContents(store, "xxabcyy");
  EXPECT_EQ(hex(sha256Range(store, {file, 2, 3})), kAbc);
  EXPECT_EQ(hex(sha256Range(store, {file, 7, 0})), kEmpty);
  EXPECT_NE(hex(sha256Range(store, {file, 2, 6})).find("beyond the end"), std::string::npos);
}

/// Longer than what is hashed in one step.
TEST(WeightHash, LongRanges) {
  WeightStore store;
  const uint32_t file = addContents(store, std::string((16 << 20) + 1000, 'a'));
  // head -c 16778216 /dev/zero | tr '\\0' a | sha256sum
  EXPECT_EQ(hex(sha256Files(store, {file})),
            "87a604665d14a5d582f5adf6af41948522f08186ec217cbabedcf4a17100eab2");
}

TEST(WeightHash, Files) {
  WeightStore store;
  const uint32_t abc = addContents(store, "abc"), empty = addContents(store, "");
  EXPECT_EQ(hex(sha256Files(store, {abc})), kAbc);
  // (printf abc | openssl sha256 -binary; printf '' | openssl sha256 -binary) | sha256sum
  EXPECT_EQ(hex(sha256Files(store, {abc, empty})),
            "6f1290896ee81a0349174d19f4473d267a10289c40480861d5c42affffbd79f9");
  EXPECT_NE(hex(sha256Files(store, {empty, abc})), hex(sha256Files(store, {abc, empty})));
}

} // namespace
