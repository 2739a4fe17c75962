// What writer and reader agree on beyond moec_rt/kernel_abi.h: checksums and the ELF side.
#ifndef MOEC_LIB_ARTIFACT_FORMAT_H
#define MOEC_LIB_ARTIFACT_FORMAT_H

#include "moec_rt/kernel_abi.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <vector>

#include <elf.h>

namespace moec {

/// The block checksum of moec_rt/kernel_abi.h, block by block.
class BlockChecksum {
public:
  /// At most MOEC_CHECKSUM_BLOCK bytes; only the last block may be shorter.
  void add(llvm::ArrayRef<char> block);
  /// A block of zeros, whose bytes nobody needs to look at.
  void addZeros(uint64_t size);
  uint64_t finish() const;

  static uint64_t of(llvm::ArrayRef<char> bytes);

private:
  std::vector<uint64_t> blocks;
};

/// Reads `bytes.size()` bytes at an offset of a file.
using ReadFn = llvm::function_ref<llvm::Error(uint64_t offset, llvm::MutableArrayRef<char> bytes)>;

/// The headers of an ELF shared object for x86-64.
struct ElfHeaders {
  Elf64_Ehdr file;
  std::vector<Elf64_Phdr> programs;

  /// Checks everything that ld.so relies on to map the file, against its size.
  static llvm::Expected<ElfHeaders> read(uint64_t fileSize, ReadFn read);

  /// The program header of the segment, found as the runtime finds it; null if there is none.
  llvm::Expected<const Elf64_Phdr *> findSegment(ReadFn read) const;

  /// What ld.so loads of the image: the contents and addresses of all loaded program headers but
  /// `segment`, without the ELF and program headers themselves. Tools that strip files may move
  /// things in the file; they leave this alone.
  llvm::Expected<uint64_t> checksumImage(const Elf64_Phdr *segment, ReadFn read) const;
};

} // namespace moec

#endif // MOEC_LIB_ARTIFACT_FORMAT_H
