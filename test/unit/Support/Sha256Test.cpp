#include "moec/Support/Sha256.h"

#include "llvm/ADT/StringExtras.h"
#include "gtest/gtest.h"

using namespace moec;

namespace {

std::string finish(Sha256 hash) { return llvm::toHex(hash.finish(), /*LowerCase=*/true); }

std::string hashOf(llvm::StringRef text) {
  Sha256 hash;
  hash.update(llvm::ArrayRef(text.data(), text.size()));
  return finish(hash);
}

// FIPS 180-4 examples, and printf … | sha256sum.
TEST(Sha256, KnownDigests) {
  EXPECT_EQ(hashOf(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hashOf("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hashOf("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/// Around the ends of blocks, in one piece and in several, by both ways.
TEST(Sha256, EveryLengthAndCut) {
  std::string text;
  for (int i = 0; i < 200; ++i)
    text.push_back(char(7 * i));
  for (size_t size = 0; size <= text.size(); ++size) {
    Sha256 portable = Sha256::portable();
    portable.update(llvm::ArrayRef<char>(text.data(), text.size()).take_front(size));
    const std::string expected = finish(portable);
    for (size_t cut = 0; cut <= size; cut += 13) {
      Sha256 hash;
      hash.update(llvm::ArrayRef<char>(text.data(), text.size()).take_front(cut));
      hash.update(llvm::ArrayRef<char>(text.data(), text.size()).slice(cut, size - cut));
      ASSERT_EQ(finish(hash), expected) << size << ' ' << cut;
    }
  }
}

/// More bits than 32 bits count: head -c 671088640 /dev/zero | sha256sum
TEST(Sha256, MoreThanHalfAGigabyte) {
  const std::string zeros(16 << 20, '\0');
  Sha256 hash;
  for (int i = 0; i < 40; ++i)
    hash.update(llvm::ArrayRef(zeros.data(), zeros.size()));
  EXPECT_EQ(finish(hash), "152c359a60cc8f22238a15018e40fef383829dac2472e80da6d35cbd5ff6c4e7");
}

} // namespace
